"""Delayed read-out and early exit: the same on every backend, and what the equations say."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.api import encode, load_backend
from snntoolbox.backends.readout import EarlyExit, extended, first_read_step, since
from snntoolbox.backends.record import Probes
from snntoolbox.calibration.readout_start import READOUT_START
from snntoolbox.errors import SimulationError
from snntoolbox.ir import ops
from snntoolbox.neurons import IntegrateAndFire
from snntoolbox.testing.spiking_networks import SpikingNetworks

BACKENDS = ["reference", "tensorflow"]
STEPS = 40


@pytest.fixture(scope="module")
def networks():
    return SpikingNetworks(0, dyadic=True)


def run(backend, graph, x, num_steps=STEPS, **options):
    with load_backend(backend).compile(graph, batch_size=len(x)) as simulation:
        return simulation.run(encode(graph, x), num_steps, **options)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("output", [None, IntegrateAndFire()], ids=["potential", "spikes"])
def test_a_delayed_readout_is_the_mean_over_the_steps_after_its_start(networks, backend, output):
    graph = networks.dense(output=output)
    x = networks.samples(graph)
    plain, delayed = run(backend, graph, x), run(backend, graph.with_attributes(**{READOUT_START: "7"}), x)
    steps = np.arange(1, STEPS + 1).reshape(-1, 1, 1)
    gathered = plain.output_over_time * steps
    np.testing.assert_allclose(delayed.output_over_time[:7], plain.output_over_time[:7])
    expected = (gathered[7:] - gathered[6]) / (steps[7:] - 7)
    np.testing.assert_allclose(delayed.output_over_time[7:], expected, rtol=1e-5, atol=1e-6)
    for name in graph.neurons:
        np.testing.assert_array_equal(delayed.spike_counts[name], plain.spike_counts[name])


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_the_last_output_is_delayed_just_as_well(networks, backend):
    graph = networks.dense().with_attributes(**{READOUT_START: "5"})
    x = networks.samples(graph)
    record = run(backend, graph, x, probes=Probes(outputs_over_time=False))
    assert not record.outputs_over_time
    np.testing.assert_allclose(record.output, run(backend, graph, x).output)


def test_at_least_four_steps_are_read(networks):
    graph = networks.dense().with_attributes(**{READOUT_START: "20"})
    assert [first_read_step(graph, steps) for steps in (30, 24, 23, 10, 4, 2)] == [20, 20, 19, 6, 0, 0]
    assert first_read_step(networks.dense(), 30) == 0


def test_nothing_changes_before_the_start():
    raw = np.arange(1.0, 7).reshape(6, 1)
    np.testing.assert_allclose(since(raw, 0), raw)
    np.testing.assert_allclose(since(raw, 4)[:4], raw[:4])


SCORES = np.array([[[0.0, 0.0], [5.0, 0.0]], [[4.0, 0.0], [0.0, 5.0]], [[4.0, 0.0], [0.0, 5.0]], [[0.1, 0.0]] * 2])


@pytest.mark.parametrize(("patience", "steps"), [(1, [2, 1]), (2, [3, 3]), (3, [0, 0])])
def test_a_sample_is_decided_when_the_output_is_sure_of_one_class(networks, patience, steps):
    rule = EarlyExit(0.9, patience)
    np.testing.assert_array_equal(rule.steps(networks.dense(), SCORES), steps)


def test_outputs_of_a_softmax_are_probabilities_already(networks):
    graph = networks.convolutions()
    assert isinstance(graph[graph.outputs[0]].op, ops.Softmax)
    scores = np.array([[[0.95, 0.05, 0.0]], [[0.5, 0.5, 0.0]]])
    np.testing.assert_array_equal(EarlyExit(0.9, 1).steps(graph, scores), [1])
    np.testing.assert_array_equal(EarlyExit(0.9, 1).steps(graph, scores, start=1), [0])


def test_values_cannot_be_decided(networks):
    with pytest.raises(SimulationError, match="row of two or more scores"):
        EarlyExit().steps(networks.dense(), np.zeros((3, 2, 1)))


@pytest.mark.parametrize("wrong", [{"confidence": 0.0}, {"confidence": 1.1}, {"patience": 0}])
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(SimulationError, match="confidence in"):
        EarlyExit(**wrong)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_ends_when_all_samples_are_decided(networks, backend):
    graph = networks.dense()
    x = networks.samples(graph)
    whole = run(backend, graph, x)
    last = EarlyExit(0.26, 3).steps(graph, whole.output_over_time).max()
    assert EarlyExit(0.26, 3).steps(graph, whole.output_over_time).min() > 0 and last <= STEPS // 2
    record = run(backend, graph, x, early_exit=EarlyExit(0.26, 3))
    assert last <= record.num_steps < STEPS
    np.testing.assert_array_equal(record.output_over_time, whole.output_over_time[: record.num_steps])
    assert all((record.spike_counts[n] <= whole.spike_counts[n]).all() for n in graph.neurons)
    part = run(backend, graph, x, record.num_steps)
    for name in graph.neurons:
        np.testing.assert_array_equal(record.spike_counts[name], part.spike_counts[name])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_goes_on_where_it_may_not_end(networks, backend):
    graph = networks.dense()
    x = networks.samples(graph)
    assert run(backend, graph, x, early_exit=EarlyExit(0.26, 3, stop=False)).num_steps == STEPS
    assert run(backend, graph, x, early_exit=EarlyExit(1.0, 3)).num_steps == STEPS


def test_a_shorter_record_extended_keeps_outputs_and_rates(networks):
    graph = networks.dense()
    record = run("reference", graph, networks.samples(graph), 10, probes=Probes(totals={"hidden": None}))
    longer = extended(record, 25)
    assert longer.num_steps == len(longer.output_over_time) == len(longer.totals["hidden"]) == 25
    np.testing.assert_array_equal(longer.output_over_time[-1], record.output)
    np.testing.assert_allclose(longer.rates("hidden"), record.rates("hidden"))
    assert longer.totals["hidden"].sum() == record.totals["hidden"].sum()
    assert extended(record, 10) is record


@pytest.mark.parametrize("stop", [True, False])
def test_results_say_what_early_exit_saves_and_costs(networks, stop):
    graph, rule = networks.dense(), EarlyExit(0.26, 3, stop=stop)
    x = networks.samples(graph, 8)
    whole = run("reference", graph, x)
    labels = whole.output.argmax(axis=1)
    steps = rule.steps(graph, whole.output_over_time)
    collector = Collector(graph)
    collector.expect_early_exit(rule, STEPS)
    for rows in (slice(0, 4), slice(4, 8)):
        record = run("reference", graph, x[rows], probes=collector.probes, early_exit=rule)
        collector.add(Batch(record=record, labels=labels[rows], stimulus=encode(graph, x[rows])))
    results = collector.results()
    exits = results.exits
    assert results.num_steps == STEPS and len(exits.decided_over_time) == STEPS
    assert exits.mean_steps == pytest.approx(steps.mean()) and exits.decided == 1
    right = whole.output_over_time[steps - 1, np.arange(8)].argmax(axis=1) == labels
    assert exits.accuracy == pytest.approx(right.mean())
    assert exits.accuracy_at_end == (None if stop else 1.0)
    assert (exits.steps_simulated < STEPS) == stop
    if not stop:
        assert 0 < exits.operations < exits.operations_at_end == pytest.approx(results.operations.snn)
