"""The JSON form of results."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.results import Accuracy, Latency, Operations, Results, RunInfo


def strict(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def document(example: Any) -> dict[str, Any]:
    collector = Collector(example.spiking, ann=example.ann, top_k=2)
    for batch in example.batches((20, 10), 10, collector.probes):
        collector.add(batch)
    info = RunInfo("test", backend="reference", timing={"simulate": 1.5}, deviation={"parse": math.nan}, seed=4)
    return dict(strict(collector.results(info).to_json()))


def test_the_keys_that_are_promised_are_there(document: dict[str, Any]) -> None:
    accuracy, operations = document["accuracy"], document["operations"]
    assert 0 <= accuracy["snn"] <= 1 and 0 <= accuracy["ann"] <= 1 and 0 <= accuracy["parsed"] <= 1
    assert len(accuracy["snn_over_time"]) == len(operations["snn_over_time"]) == document["num_steps"] == 10
    assert accuracy["k"] == 2 and 0 <= accuracy["snn_top_k"] <= 1
    assert set(accuracy["class_average"]) == {"ann", "parsed", "snn"}
    assert document["num_samples"] == 30 and document["dt_ms"] == 1.0
    assert operations["ann"] > 0 and operations["snn"] > 0
    assert set(document["spikes_per_layer"]) == set(document["rates"]) == set(document["correlation"])
    assert document["timing"] == {"simulate": 1.5}
    assert (document["backend"], document["seed"], document["warnings"]) == ("reference", 4, [])


def test_what_is_not_a_number_is_null(document: dict[str, Any]) -> None:
    assert document["deviation"] == {"parse": None}


def test_an_absent_class_is_null() -> None:
    collector = Collector(None)
    collector.add(Batch(labels=np.array([0, 0]), ann_outputs=np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]])))
    accuracy = strict(collector.results().to_json())["accuracy"]
    assert accuracy["per_class"]["ann"] == [0.5, None, None]
    assert accuracy["class_average"]["ann"] == 0.5


def test_numbers_keep_their_digits(document: dict[str, Any]) -> None:
    results = Results(RunInfo(), 1, 1, 0.1, Accuracy(snn=1 / 3), Operations(snn=2e9 / 3))
    again = strict(results.to_json())
    assert again["accuracy"]["snn"] == 1 / 3 and again["operations"]["snn"] == 2e9 / 3


def test_every_key_is_documented(document: dict[str, Any], repository: Path) -> None:
    text = (repository / "docs/results_format.md").read_text()
    keys = set(document) | set(document["run"])
    for section in ("accuracy", "operations", "latency"):
        keys |= {f"{section}.{key}" for key in document[section]}
    keys |= {f"layers.*.{key}" for layer in document["layers"].values() for key in layer}
    some = next(layer for layer in document["layers"].values() if layer["spikes"])
    keys |= {f"layers.*.{part}.{key}" for part in ("spikes", "comparison") for key in some[part]}
    keys |= {f"errors.*.{key}" for key in document["errors"]["snn_vs_ann"]}
    assert sorted(key for key in keys if f"`{key}`" not in text) == []


def test_every_field_of_the_sections_is_written(document: dict[str, Any]) -> None:
    for section, kind in (("operations", Operations), ("latency", Latency)):
        assert set(document[section]) == {field.name for field in fields(kind)}
    assert set(document["accuracy"]) == {field.name for field in fields(Accuracy)} - {"confusion"}
