"""From batches to results, on a network that is really simulated."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.operations import ann_operations, fan_out
from snntoolbox.analysis.results import Results
from snntoolbox.backends.record import Probes, Record
from snntoolbox.codes import PoissonSpikes
from snntoolbox.errors import SimulationError


def collect(example: Any, sizes: tuple[int, ...], num_steps: int = 50, **options: Any) -> Results:
    collector = Collector(example.spiking, ann=example.ann, seed=3, top_k=2)
    for batch in example.batches(sizes, num_steps, collector.probes, **options):
        collector.add(batch)
    return collector.results()


@pytest.fixture(scope="module")
def results(example: Any) -> Results:
    return collect(example, (30,))


def test_the_split_into_batches_does_not_matter(example: Any, results: Results) -> None:
    split = collect(example, (7, 16, 7)).to_dict()
    whole = results.to_dict()
    assert split.keys() == whole.keys()
    for key in ("accuracy", "operations", "spikes_per_layer", "num_samples"):  # counts: exact in any order
        assert split[key] == whole[key]
    for name, value in whole["correlation"].items():
        assert split["correlation"][name] == pytest.approx(value, rel=1e-12)


def test_accuracies_are_those_of_the_outputs(example: Any, results: Results) -> None:
    (batch,) = example.batches((30,), 50, Probes())
    assert batch.record is not None
    accuracy = results.accuracy
    assert accuracy.ann == accuracy.parsed == 27 / 30
    assert accuracy.snn == (batch.record.output.argmax(axis=1) == example.labels).mean()
    over_time = batch.record.output_over_time
    right = (over_time.argmax(axis=2) == example.labels) & (np.ptp(over_time, axis=2) > 0)
    np.testing.assert_array_equal(accuracy.snn_over_time, right.mean(axis=1))
    assert not right[0].all() and accuracy.snn_over_time is not None and accuracy.snn_over_time[-1] == accuracy.snn
    assert accuracy.agreement is not None and accuracy.agreement >= 0.9
    assert accuracy.snn_top_k is not None and accuracy.snn_top_k >= accuracy.snn
    assert accuracy.confusion["snn"].sum() == 30


def test_operations_are_spikes_times_fan_out(example: Any, results: Results) -> None:
    (batch,) = example.batches((30,), 50, Probes())
    assert batch.record is not None
    fan_outs, counts = fan_out(example.spiking), batch.record.spike_counts
    operations = results.operations
    expected = {name: (counts[name] * fan_outs[name]).sum() / 30 for name in ("relu1", "relu2")}
    assert dict(operations.per_layer) == pytest.approx(expected)
    assert operations.snn == pytest.approx(sum(expected.values()))
    assert operations.snn_over_time is not None
    assert operations.snn_over_time[-1] == operations.snn and (np.diff(operations.snn_over_time) >= 0).all()
    assert operations.ann == ann_operations(example.ann)
    assert operations.snn_input_macs == fan_outs["x"].sum()
    assert operations.ratio == (operations.snn + 2 * operations.snn_input_macs) / operations.ann
    assert operations.neuron_updates == (75 + 8 + 4) * 50


def test_layers_follow_their_activations(results: Results) -> None:
    assert list(results.layers) == ["relu1", "relu2", "readout"]
    for name, kind in (("relu1", "Conv"), ("relu2", "Dense")):
        layer = results.layers[name]
        assert layer.kind == kind and layer.spikes is not None and layer.comparison is not None
        assert layer.comparison.correlation is not None and layer.comparison.correlation > 0.95
    assert results.layers["readout"].spikes is None  # an accumulator does not fire, so it is not called silent
    assert results.first_deviating_layer is None
    assert results.spikes_per_sample == pytest.approx(sum(results.to_dict()["spikes_per_layer"].values()))


def test_first_layer_has_rates_within_one_spike_of_its_activations(results: Results) -> None:
    comparison = results.layers["relu1"].comparison
    assert comparison is not None
    assert comparison.max_abs_error <= 1 / 50 or comparison.activations.above > 0


def test_poisson_input_costs_operations_and_no_multiplications(example: Any) -> None:
    encode = partial(PoissonSpikes, rate=0.5)
    results = collect(example, (10, 20), 40, encode=encode)
    frames = np.stack(list(encode(example.x).frames(40, 3)))
    fan_outs = fan_out(example.spiking)["x"]
    assert results.operations.snn_input_macs == 0
    assert results.operations.per_layer["x"] == pytest.approx(((frames != 0) * fan_outs).sum() / 30)
    assert results.operations.snn_total == results.operations.snn


def test_latency_is_that_of_the_accuracy_curve(results: Results) -> None:
    latency, curve = results.latency, results.accuracy.snn_over_time
    assert latency is not None and latency.to_final is not None and curve is not None
    assert (curve[latency.to_final - 1 :] >= curve[-1] - 0.01).all()
    assert latency.to_final == 1 or curve[latency.to_final - 2] < curve[-1] - 0.01


def test_without_labels_there_is_agreement_only(example: Any) -> None:
    collector = Collector(example.spiking)
    for batch in example.batches((30,), 20, collector.probes):
        collector.add(replace(batch, labels=None))
    results = collector.results()
    assert results.accuracy.snn is None and results.accuracy.ann is None and results.latency is None
    assert results.accuracy.agreement is not None
    assert results.errors["snn_vs_ann"].mse > 0


def test_without_a_simulation_there_are_the_accuracies_of_the_anns(example: Any) -> None:
    collector = Collector(None, ann=example.ann)
    outputs = example.values["softmax"]
    collector.add(Batch(labels=example.labels, ann_outputs=outputs))
    results = collector.results()
    assert (results.num_samples, results.num_steps) == (30, 0)
    assert results.accuracy.ann == 27 / 30 and results.accuracy.snn is None
    assert results.operations.ann == ann_operations(example.ann) and results.operations.snn is None
    assert results.spikes_per_sample is None
    assert not collector.probes.totals


def test_outputs_that_are_no_scores_are_compared_with_targets(example: Any, rng: np.random.Generator) -> None:
    values = rng.normal(size=(6, 8, 3, 2))
    record = Record(6, 1.0, {"out": values[-1]}, {"out": values}, {}, {})
    targets = rng.normal(size=(8, 3, 2))
    collector = Collector(None)
    collector.add(Batch(record, targets=targets, ann_outputs=targets + 0.1))
    results = collector.results()
    assert results.accuracy.snn is None
    assert results.errors["snn_vs_targets"].mse == pytest.approx(((values[-1] - targets) ** 2).mean())
    assert results.errors["ann_vs_targets"].mse == pytest.approx(0.01)
    np.testing.assert_allclose(
        results.mse_over_time["snn_vs_targets"], ((values - targets) ** 2).mean(axis=(1, 2, 3)), rtol=1e-12
    )


def test_batches_of_different_length_are_refused(example: Any) -> None:
    collector = Collector(example.spiking)
    (first,), (second,) = (example.batches((4,), steps, collector.probes) for steps in (5, 6))
    collector.add(first)
    with pytest.raises(SimulationError, match=r"\(5, 1\.0\) \(steps, ms\) as those before, got \(6, 1\.0\)"):
        collector.add(second)
