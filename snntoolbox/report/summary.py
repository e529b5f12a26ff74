"""The facts of a run as rows of text: what the terminal, the page and the files of a run have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from snntoolbox.analysis.results import LayerResults, Results
from snntoolbox.report.material import Material, Sweep
from snntoolbox.report.wording import NOTHING, percent, seconds, short_number, signed_points

__all__ = [
    "LAYER_COLUMNS",
    "Fact",
    "energy_rows",
    "facts",
    "layer_row",
    "network_columns",
    "network_rows",
    "sweep_rows",
]


@dataclass(frozen=True)
class Fact:
    """One number worth showing in large letters.

    Attributes:
        name: What it is.
        value: The number.
        note: What else is to be said; may be empty.
    """

    name: str
    value: str
    note: str = ""


def facts(results: Results) -> list[Fact]:
    """Return the facts of a run, the most wanted first; only those that are known."""
    found = [_accuracy(results), _reference(results), _agreement(results), _time(results), _exits(results)]
    found += [_deviation(results), _operations(results), _spikes(results), _duration(results)]
    return [fact for fact in found if fact is not None]


def _accuracy(results: Results) -> Fact | None:
    accuracy = results.accuracy
    if accuracy.snn is None:
        error = results.errors.get("snn_vs_targets")
        return None if error is None else Fact("SNN error", f"{error.mse:.3g}", "mean squared error")
    note = ""
    if accuracy.snn_interval_95 is not None:
        low, high = accuracy.snn_interval_95
        note = f"95 % interval {100 * low:.1f} to {100 * high:.1f}\u00a0%"
    return Fact("SNN accuracy", percent(accuracy.snn), note)


def _reference(results: Results) -> Fact | None:
    accuracy = results.accuracy
    if accuracy.ann is None:
        error = results.errors.get("ann_vs_targets")
        return None if error is None else Fact("ANN error", f"{error.mse:.3g}", "mean squared error")
    note = "" if accuracy.snn is None else f"SNN: {signed_points(accuracy.snn - accuracy.ann)}"
    return Fact("ANN accuracy", percent(accuracy.ann), note)


def _agreement(results: Results) -> Fact | None:
    agreement = results.accuracy.agreement
    if agreement is None:
        return None
    return Fact("Same decision as the ANN", percent(agreement, 1), f"of {results.num_samples} samples")


def _exits(results: Results) -> Fact | None:
    """Say when samples are decided, and what that saves and costs."""
    exits = results.exits
    if exits is None:
        return None
    notes = [f"{percent(exits.decided, 1)} of the samples decided early"]
    if exits.accuracy is not None:
        cost = "" if exits.accuracy_at_end is None else f" ({signed_points(exits.accuracy - exits.accuracy_at_end)})"
        notes.append(f"accuracy {percent(exits.accuracy)}{cost}")
    if exits.operations_at_end:
        notes.append(f"synaptic operations {percent(exits.operations / exits.operations_at_end, 1)}")
    return Fact("Step of the decision", f"{exits.mean_steps:.1f} of {results.num_steps}", ", ".join(notes))


def _deviation(results: Results) -> Fact | None:
    """Say how close outputs without a class axis are to the ANN's."""
    error = results.errors.get("snn_vs_ann")
    if error is None or results.accuracy.agreement is not None:
        return None
    if error.correlation is None:
        return Fact("Deviation from the ANN", f"{error.mse:.3g}", "mean squared, of the outputs")
    return Fact("Correlation with the ANN", f"{error.correlation:.4f}", f"mean squared deviation {error.mse:.3g}")


def _time(results: Results) -> Fact | None:
    if not results.num_steps:
        return None
    time = f"{results.num_steps * results.dt_ms:g} ms"
    settled = results.latency.to_ann if results.latency is not None else None
    note = f"within 1 point of the ANN from step {settled}" if settled is not None else ""
    return Fact("Time steps", str(results.num_steps), "; ".join(part for part in (time, note) if part))


def _operations(results: Results) -> Fact | None:
    operations = results.operations
    if operations.snn_total is None:
        return None
    note = f"{short_number(operations.snn_total)} for one sample"
    if operations.ratio is None:
        return Fact("Operations", short_number(operations.snn_total), "for one sample")
    sign = "≤ " if operations.upper_bound else ""
    return Fact("Operations, SNN / ANN", f"{sign}{_ratio(operations.ratio)}", f"{sign}{note}")


def _ratio(value: float) -> str:
    """Return a ratio with three digits: 0.052, 2.00, 13.4, 120."""
    return f"{value:.3g}" if value < 1 else f"{value:.{max(0, 3 - len(str(int(value))))}f}"


def _spikes(results: Results) -> Fact | None:
    spikes = results.spikes_per_sample
    return None if spikes is None else Fact("Spikes", short_number(spikes), "for one sample")


def _duration(results: Results) -> Fact | None:
    timing = results.run.timing
    if not timing:
        return None
    simulated = timing.get("simulate")
    note = f"simulation {seconds(simulated)}" if simulated is not None and len(timing) > 1 else ""
    return Fact("Run time", seconds(sum(timing.values())), note)


def network_columns(results: Results) -> list[str]:
    """Return the networks that something is known of: some of "ANN", "parsed", "SNN"."""
    rows = [row for _, row in _network_values(results)]
    return [name for name in ("ANN", "parsed", "SNN") if any(row.get(name) is not None for row in rows)]


def network_rows(results: Results) -> list[tuple[str, list[str]]]:
    """Return (what, value for each of `network_columns`)."""
    columns = network_columns(results)
    return [
        (what, [row.get(name) or NOTHING for name in columns])
        for what, row in _network_values(results)
        if any(row.values())
    ]


def _network_values(results: Results) -> list[tuple[str, dict[str, str | None]]]:
    accuracy, operations = results.accuracy, results.operations
    stages = {"ANN": "ann", "parsed": "parsed", "SNN": "snn"}

    def shares(values: Any) -> dict[str, str | None]:
        return {name: percent(value) for name, stage in stages.items() if (value := values(stage)) is not None}

    rows = [
        ("Accuracy", shares(lambda stage: getattr(accuracy, stage))),
        ("Mean accuracy of the classes", shares(accuracy.class_average.get)),
        (f"Top-{accuracy.k} accuracy", shares(lambda stage: getattr(accuracy, f"{stage}_top_k"))),
        ("Undecided samples", {"SNN": percent(accuracy.undecided) if accuracy.undecided else None}),
        ("Mean squared error", _errors(results)),
        *_metric_rows(results),
        ("Operations for one sample", {"ANN": _number(operations.ann), "SNN": _number(operations.snn_total)}),
    ]
    return [row for row in rows if accuracy.k > 1 or not row[0].startswith("Top-")]


def _errors(results: Results) -> dict[str, str | None]:
    keys = {"ANN": "ann_vs_targets", "SNN": "snn_vs_targets"}
    return {name: f"{results.errors[key].mse:.4g}" for name, key in keys.items() if key in results.errors}


def _metric_rows(results: Results) -> list[tuple[str, dict[str, str | None]]]:
    """Return what the user's own measure says, a row for each of its numbers."""
    stages = {"ANN": results.metric.get("ann", {}), "SNN": results.metric.get("snn", {})}
    names = dict.fromkeys(name for values in stages.values() for name in values)
    return [
        (name, {stage: f"{values[name]:.4g}" for stage, values in stages.items() if name in values}) for name in names
    ]


def _number(value: float | None) -> str | None:
    return None if value is None else short_number(value)


def energy_rows(results: Results) -> list[tuple[str, str, str, str, str, str]]:
    """Return name, process, energy of the ANN and of the SNN, their ratio, and a note, for each cost profile."""
    rows = []
    for name, one in results.energy.items():
        cells = [NOTHING if value is None else _energy(value, one.unit) for value in (one.ann, one.snn)]
        ratio = NOTHING if one.ratio is None else _ratio(one.ratio)
        rows.append((name, one.process, cells[0], cells[1], ratio, one.about))
    return rows


def _energy(value: float, unit: str) -> str:
    """Return an energy; pJ turn into units that suit it, other units get a prefix."""
    if unit != "pJ":
        return f"{short_number(value)} {unit}"
    power = 0 if value < 1e3 else min(int(math.log10(value) // 3), 4)
    return f"{value / 1000**power:.3g}\u00a0{('pJ', 'nJ', 'µJ', 'mJ', 'J')[power]}"


def sweep_rows(sweep: Sweep | None) -> list[list[str]]:
    """Return headings and rows of the table of a sweep; nothing without one."""
    if sweep is None:
        return []
    profiles = list(sweep.results[0].energy) if sweep.results else []
    swept = any(value is not None for value in sweep.values)
    heading = [*(["Code"] if sweep.codes else []), *([sweep.parameter] if swept else []), "Error", "Steps"]
    rows = [[*heading, "Operations", "SNN / ANN", "Spikes", *profiles]]
    for number, (value, results) in enumerate(zip(sweep.values, sweep.results, strict=True)):
        row = [sweep.codes[number]] if sweep.codes else []
        row += [NOTHING if value is None else f"{value:g}"] if swept else []
        operations, spikes = results.operations, results.spikes_per_sample
        error = results.accuracy.snn
        row += [percent(None if error is None else 1 - error), str(results.num_steps)]
        row += [short_number(operations.snn_total), NOTHING if operations.ratio is None else _ratio(operations.ratio)]
        costs = [results.energy.get(name) for name in profiles]
        row += [
            short_number(spikes),
            *(NOTHING if c is None or c.snn is None else _energy(c.snn, c.unit) for c in costs),
        ]
        rows.append(row)
    return rows


LAYER_COLUMNS = (
    "Layer",
    "Shape",
    "Neurons",
    "Fan-out",
    "Spikes",
    "Rate",
    "Silent",
    "Saturated",
    "Operations",
    "Pearson",
    "R²",
    "Error",
)
"""Headings of `layer_row`."""


def layer_row(material: Material, name: str, layer: LayerResults) -> list[str]:
    """Return the row of one layer of neurons, under `LAYER_COLUMNS`."""
    spikes, comparison = layer.spikes, layer.comparison
    operations = material.results.operations
    cells = [material.label(name), "×".join(map(str, layer.shape)), str(layer.neurons), short_number(layer.fan_out)]
    if spikes is None:
        cells += [NOTHING] * 5
    else:
        share = operations.per_layer.get(name, 0.0) / operations.snn if operations.snn else None
        cells += [short_number(spikes.spikes_per_sample), f"{spikes.mean_rate:.3g}"]
        cells += [percent(part, 1) for part in (spikes.silent, spikes.saturated, share)]
    if comparison is None:
        return [*cells, *[NOTHING] * 3]
    agreement = [NOTHING if one is None else f"{one:.4f}" for one in (comparison.correlation, comparison.r_squared)]
    return [*cells, *agreement, f"{comparison.mean_abs_error:.2g}"]
