"""The files of a run. The pipeline decides into which folder."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snntoolbox.analysis.results import Results
from snntoolbox.report.figures import draw_figures
from snntoolbox.report.html import EmbeddedFigure, write_report
from snntoolbox.report.loihi_section import write_details
from snntoolbox.report.material import Material, Sweep
from snntoolbox.report.quality import error_curve
from snntoolbox.report.style import data_uri, figure_style, save_figure

__all__ = ["write_figures", "write_numbers", "write_run", "write_sweep"]


def write_run(
    folder: Path, material: Material, plot_vars: Collection[str], properties: Mapping[str, Any] | None = None
) -> Path:
    """Write everything that shows a run and return the path of the report.

    Args:
        folder: An existing folder.
        material: What there is to show.
        plot_vars: Names of the figures; see `snntoolbox.report.figures.FIGURES`.
        properties: Settings of matplotlib that come on top of the package's style.

    Raises:
        ConfigError: matplotlib refuses a setting.
    """
    write_numbers(folder, material)
    write_details(folder, material)
    if material.config:
        (folder / "config.ini").write_text(material.config, encoding="utf-8")
    if material.sweep is not None:
        write_sweep(folder, material.sweep)
    figures = write_figures(folder / "figures", material, plot_vars, properties)
    return write_report(folder / "report.html", material, figures)


def write_numbers(folder: Path, material: Material) -> None:
    """Write ``results.json``, ``curves.csv``, ``layers.csv`` and ``confusion_matrix.csv``; tables without rows not."""
    results = material.results
    (folder / "results.json").write_text(results.to_json(), encoding="utf-8")
    curves = _curves(results)
    _write_csv(folder / "curves.csv", list(curves), zip(*curves.values(), strict=True))
    _write_csv(folder / "layers.csv", *_layers(results))
    confusion = results.accuracy.confusion.get("snn")
    if confusion is not None:
        names = [material.class_name(number) for number in range(len(confusion))]
        rows = ([name, *counts] for name, counts in zip(names, confusion.tolist(), strict=True))
        _write_csv(folder / "confusion_matrix.csv", ["class", *names, "undecided"], rows)


def write_figures(
    folder: Path, material: Material, plot_vars: Collection[str], properties: Mapping[str, Any] | None = None
) -> list[EmbeddedFigure]:
    """Write each figure into a file of ``folder`` and return them for the page."""
    embedded = []
    with figure_style(properties):
        for name, kind, figure in draw_figures(material, plot_vars):
            folder.mkdir(exist_ok=True)
            file = save_figure(figure, folder / name)
            embedded.append(EmbeddedFigure(name, kind.title, kind.caption(material), data_uri(figure), file.name))
    return embedded


def write_sweep(folder: Path, sweep: Sweep) -> None:
    """Write ``sweep.csv``: one line for each run."""
    rows = [_sweep_row(results) for results in sweep.results]
    given: dict[str, Sequence[Any]] = {"spike_code": sweep.codes} if sweep.codes else {}
    if any(value is not None for value in sweep.values):
        given[sweep.parameter] = sweep.values
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = ([*(column[n] for column in given.values()), *map(row.get, names)] for n, row in enumerate(rows))
    _write_csv(folder / "sweep.csv", [*given, *names], values)


def _sweep_row(results: Results) -> dict[str, Any]:
    """Return what the table of a sweep says of a run: column -> number."""
    accuracy, operations = results.accuracy, results.operations
    energies = {f"energy_{name} ({one.unit})": one.snn for name, one in results.energy.items()}
    return {
        "accuracy_snn": accuracy.snn,
        "accuracy_ann": accuracy.ann,
        "num_steps": results.num_steps,
        "steps_to_final": None if results.latency is None else results.latency.to_final,
        "operations_snn": operations.snn,
        "operations_ratio": operations.ratio,
        **energies,
        "spikes_per_sample": results.spikes_per_sample,
    }


def _curves(results: Results) -> dict[str, Any]:
    """Return what is known after each step: column -> values."""
    steps = np.arange(1, results.num_steps + 1)
    accuracy, operations = results.accuracy, results.operations
    known: dict[str, Any] = {
        "accuracy_snn": accuracy.snn_over_time,
        f"accuracy_snn_top_{accuracy.k}": accuracy.snn_top_k_over_time if accuracy.k > 1 else None,
        "agreement_with_ann": accuracy.agreement_over_time,
        "operations_snn": operations.snn_over_time,
    }
    curve = error_curve(results)
    if curve is not None:
        known[curve.key] = curve.values
    known.update({f"mse_{key}": values for key, values in results.mse_over_time.items()})
    columns = {"step": steps, "time_ms": np.round(steps * results.dt_ms, 9)}
    return {**columns, **{name: values for name, values in known.items() if values is not None}}


def _layers(results: Results) -> tuple[list[str], list[list[Any]]]:
    """Return header and rows: every number of every layer, under the names of ``results.json``."""
    layers = results.to_dict()["layers"]
    rows = [{"layer": name, **_flat(values)} for name, values in layers.items()]
    for row in rows:
        row["operations"] = results.operations.per_layer.get(row["layer"], 0.0)
    header = list(dict.fromkeys(key for row in rows for key in row))
    return header, [[row.get(key) for key in header] for row in rows]


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(value)
        elif key not in ("spikes", "comparison"):  # None: nothing is known of the layer under these
            flat[key] = "x".join(map(str, value)) if isinstance(value, list) else value
    return flat


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table; None becomes an empty field. Without rows there is no file."""
    lines = [list(row) for row in rows]
    if lines:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *lines])
