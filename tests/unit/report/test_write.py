"""The files of a run."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from snntoolbox.analysis.results import Accuracy, Results, RunInfo
from snntoolbox.errors import ConfigError
from snntoolbox.report.material import Material
from snntoolbox.report.write import write_numbers, write_run


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(material: Material, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    report = write_run(path, material, {"error_t", "spikecounts"}, {"savefig.format": "svg"})
    assert report == path / "report.html"
    return path


def test_a_run_has_these_files(folder: Path) -> None:
    assert sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()) == [
        "config.ini",
        "confusion_matrix.csv",
        "curves.csv",
        "figures/early_exit.svg",
        "figures/entropy_codes.svg",
        "figures/error_t.svg",
        "figures/parameter_sweep.svg",
        "figures/spikecounts.svg",
        "layers.csv",
        "report.html",
        "results.json",
        "sweep.csv",
    ]


def test_json_and_config_are_as_given(folder: Path, material: Material) -> None:
    assert json.loads((folder / "results.json").read_text()) == material.results.to_dict()
    assert (folder / "config.ini").read_text() == material.config


def test_curves_have_a_row_for_each_step(folder: Path, material: Material) -> None:
    rows, accuracy = table(folder / "curves.csv"), material.results.accuracy
    assert accuracy.snn_over_time is not None
    assert [float(row["time_ms"]) for row in rows] == [0.5 * step for step in range(1, 13)]
    assert [float(row["accuracy_snn"]) for row in rows] == accuracy.snn_over_time.tolist()
    assert float(rows[-1]["operations_snn"]) == material.results.operations.snn
    assert float(rows[3]["error_percent"]) == pytest.approx(100 * (1 - accuracy.snn_over_time[3]))
    assert {"step", "accuracy_snn_top_2", "agreement_with_ann", "mse_snn_vs_ann"} <= set(rows[0])


def test_layers_have_a_row_each_and_empty_fields_for_nothing(folder: Path, material: Material) -> None:
    rows = {row["layer"]: row for row in table(folder / "layers.csv")}
    assert list(rows) == list(material.results.layers)
    first = material.results.layers["layer[0]"]
    assert first.comparison is not None and first.spikes is not None
    assert float(rows["layer[0]"]["correlation"]) == first.comparison.correlation
    assert float(rows["layer[0]"]["mean_rate"]) == first.spikes.mean_rate
    assert rows["layer[0]"]["shape"] == "2x2x2"
    assert rows["readout"]["mean_rate"] == rows["readout"]["correlation"] == ""


def test_confusion_matrix_has_names(folder: Path, material: Material) -> None:
    rows = table(folder / "confusion_matrix.csv")
    counts = material.results.accuracy.confusion["snn"]
    assert [row["class"] for row in rows] == ["zero", "one", "two", "three"]
    assert [[int(row[name]) for name in (*material.class_names, "undecided")] for row in rows] == counts.tolist()


def test_sweep_has_a_row_for_each_value(folder: Path) -> None:
    assert [row["cell.v_thresh"] for row in table(folder / "sweep.csv")] == ["1.0", "0.5"]


def test_a_run_without_simulation_has_no_empty_tables(tmp_path: Path) -> None:
    write_numbers(tmp_path, Material(Results(RunInfo(), 3, 0, 0.0, Accuracy(ann=1.0))))
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]


def test_settings_that_matplotlib_refuses_stop_the_report(tmp_path: Path, material: Material) -> None:
    with pytest.raises(ConfigError, match=r"plotproperties, 'no\.such'"):
        write_run(tmp_path, replace(material, sweep=None), set(), {"no.such": 1})
