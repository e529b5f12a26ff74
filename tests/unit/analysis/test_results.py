"""The JSON form of results."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.cost_profiles import load_profiles
from snntoolbox.analysis.energy import energies
from snntoolbox.analysis.results import Accuracy, Latency, Operations, Results, RunInfo


def strict(text: str) -> Any:
    def refuse(name: str) -> Any:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def document(example: Any) -> dict[str, Any]:
    collector = Collector(example.spiking, ann=example.ann, top_k=2, coding_bits=4)
    for batch in example.batches((20, 10), 10, collector.probes):
        collector.add(batch)
    info = RunInfo("test", backend="reference", timing={"simulate": 1.5}, deviation={"parse": math.nan}, seed=4)
    results = collector.results(info)
    counts = results.operations
    results = replace(results, energy=energies(counts.ann_counts, counts.snn_counts, load_profiles(["loihi"])))
    return dict(strict(results.to_json()))


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


def test_costs_and_codes_are_there(document: dict[str, Any]) -> None:
    counts, loihi = document["operations"]["snn_counts"], document["energy"]["loihi"]
    assert loihi["snn_parts"]["synaptic_add"] == pytest.approx(23.6 * counts["synaptic_add"])
    assert loihi["snn"] == pytest.approx(sum(loihi["snn_parts"].values())) and loihi["ann"] is None
    assert counts["synaptic_add"] == document["operations"]["snn"]
    assert counts["spike"] == pytest.approx(document["spikes_per_sample"])
    assert document["coding"]["bits"] == 4 and "counts" not in document["coding"]
    huffman = document["coding"]["codes"]["huffman"]
    assert huffman["mean_length"] - document["coding"]["entropy"] == pytest.approx(huffman["divergence"])
    assert set(document["coding"]["layers"]) == {"relu1", "relu2"}


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
    keys |= {f"energy.*.{key}" for key in document["energy"]["loihi"]}
    keys |= {f"coding.{key}" for key in document["coding"]}
    assert sorted(key for key in keys if f"`{key}`" not in text) == []


def test_every_field_of_the_sections_is_written(document: dict[str, Any]) -> None:
    for section, kind in (("operations", Operations), ("latency", Latency)):
        assert set(document[section]) == {field.name for field in fields(kind)}
    assert set(document["accuracy"]) == {field.name for field in fields(Accuracy)} - {"confusion"}
