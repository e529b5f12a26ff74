"""Operations behind max-pooling, against the messages that the pools really send."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.operation_counter import OperationCounter
from snntoolbox.analysis.operations import fan_out, operation_weights
from snntoolbox.analysis.passed_spikes import PassedSpikes
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Probes, Record
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.backends.reference.pooling import MaxPoolState
from snntoolbox.codes import ConstantCurrent
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire, PatternNeuron, SignedIntegrateAndFire

STEPS = 25


def network(*between: ops.Op, threshold: Any = 1.0) -> Graph:
    """conv - neurons - ``between`` - conv - accumulator, and a direct branch of the neurons that is summed up."""
    rng = np.random.default_rng(3)
    nodes = [
        Node("x", ops.Input((8, 8, 1))),
        Node("conv", ops.Conv(rng.normal(0.1, 0.4, (3, 3, 1, 2)), padding=((1, 1), (1, 1))), ("x",)),
        Node("spikes", ops.Spiking(IntegrateAndFire(threshold=threshold)), ("conv",)),
    ]
    for number, op in enumerate(between):
        nodes.append(Node(f"between_{number}", op, (nodes[-1].name,)))
    last = nodes[-1].name
    nodes.append(Node("next", ops.Conv(rng.normal(size=(2, 2, 2, 3)), padding=((0, 1), (0, 1))), (last,)))
    nodes.append(Node("out", ops.Spiking(Accumulator()), ("next",)))
    nodes.append(Node("flat", ops.Reshape((128,)), ("spikes",)))
    nodes.append(Node("dense", ops.Dense(rng.normal(size=(128, 2))), ("flat",)))
    nodes.append(Node("direct", ops.Spiking(Accumulator()), ("dense",)))
    return Graph(tuple(nodes), ("out", "direct"), {"spike_code": "rate"})


def simulate(graph: Graph) -> Record:
    x = np.random.default_rng(0).random((3, 8, 8, 1))
    with ReferenceBackend().compile(graph, batch_size=3) as simulation:
        probes = Probes(spikes=("spikes",), totals=operation_weights(graph))
        return simulation.run(ConstantCurrent(x), STEPS, probes)


def true_operations(graph: Graph, record: Record) -> np.ndarray:
    """Operations of each step and sample, by running the ops between the neurons and the convolution."""
    ones = graph["next"].op.replace(kernel=np.ones((2, 2, 2, 3)))
    names = [node.name for node in graph.nodes if node.name.startswith("between_")]
    states = {n: MaxPoolState(graph[n].op) for n in names if isinstance(graph[n].op, ops.SpikingMaxPool)}
    threshold = np.asarray(graph["spikes"].op.model.threshold)
    counted = []
    for step, spikes in enumerate(record.spike_trains["spikes"], start=1):
        value = spikes * threshold
        for name in names:
            value = states[name].step(value, step) if name in states else apply_op(graph[name].op, value)
        behind = apply_op(ones, (abs(value) > 1e-9).astype(float)).reshape(3, -1).sum(axis=1)
        counted.append(behind + 2 * spikes.reshape(3, -1).sum(axis=1))
    return np.stack(counted)


EXACT = {
    "pool": network(ops.SpikingMaxPool((2, 2))),
    "overlapping, padded": network(ops.SpikingMaxPool((3, 3), (2, 2), ((1, 0), (0, 1)))),
    "two pools": network(ops.SpikingMaxPool((2, 2)), ops.SpikingMaxPool((2, 2), (1, 1))),
    "moved": network(ops.Pad(((1, 1), (0, 0), (0, 0))), ops.Permute((1, 0, 2)), ops.SpikingMaxPool((2, 2))),
    "uneven threshold": network(ops.SpikingMaxPool((2, 2)), threshold=0.3),
    "thresholds of channels": network(ops.Upsample((1, 2)), ops.SpikingMaxPool((2, 2)), threshold=np.array([0.4, 1.1])),
    "no pool": network(ops.Slice((0, 0, 0), (4, 8, 2), (1, 2, 1))),
}


@pytest.mark.parametrize("graph", EXACT.values(), ids=EXACT.keys())
def test_operations_are_those_of_the_messages_that_the_pool_sends(graph: Graph) -> None:
    record, passed = simulate(graph), PassedSpikes(graph)
    expected = true_operations(graph, record)
    assert not passed.upper_bound and expected.sum() > 0
    np.testing.assert_array_equal(passed.operations("spikes", record.spike_counts["spikes"]), expected.sum(axis=0))
    total = passed.totals(without_trains(record))["spikes"]
    np.testing.assert_allclose(total.sum(axis=0), expected.sum(axis=0), rtol=1e-12)


def test_pooling_discards_a_good_part(rng: np.random.Generator) -> None:
    graph = EXACT["pool"]
    record = simulate(graph)
    every = record.totals["spikes"].sum()
    assert PassedSpikes(graph).totals(record)["spikes"].sum() < 0.8 * every


@pytest.mark.parametrize("graph", EXACT.values(), ids=EXACT.keys())
def test_spike_trains_make_every_step_exact(graph: Graph) -> None:
    record, passed = simulate(graph), PassedSpikes(graph)
    np.testing.assert_array_equal(passed.totals(record)["spikes"], true_operations(graph, record))
    assert not passed.upper_bound and not passed.proportional


def test_without_spike_trains_the_course_over_time_is_that_of_the_spikes() -> None:
    graph = EXACT["pool"]
    record, passed = without_trains(simulate(graph)), PassedSpikes(graph)
    total, every = passed.totals(record)["spikes"], record.totals["spikes"]
    np.testing.assert_allclose(total / total.sum(axis=0), every / every.sum(axis=0))
    assert passed.proportional and not passed.upper_bound


def without_trains(record: Record) -> Record:
    return replace(record, spike_trains={})


def test_spike_trains_are_asked_for_as_far_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = OperationCounter(EXACT["pool"])
    assert counter.probes(3, STEPS).spikes == ("spikes",)
    monkeypatch.setattr("snntoolbox.analysis.passed_spikes.TRAINS_LIMIT_BYTES", 3 * STEPS * 128 - 1)
    assert counter.probes(3, STEPS).spikes == ()
    assert OperationCounter(EXACT["no pool"]).probes(3, STEPS).spikes == ()


OTHERS = {
    "finite response": network(ops.SpikingMaxPool((2, 2), method="fir_max")),
    "exponential": network(ops.SpikingMaxPool((3, 2), (2, 2), method="exp_max")),
    "highest mean": network(ops.SpikingMaxPool((2, 2), method="avg_max")),
    "of means": network(ops.AveragePool((2, 2)), ops.SpikingMaxPool((2, 2))),
    "of several thresholds": network(
        ops.Permute((1, 0, 2)), ops.SpikingMaxPool((2, 2)), threshold=np.array([0.4, 1.1])
    ),
    "of a pool": network(ops.SpikingMaxPool((2, 2), (1, 1)), ops.SpikingMaxPool((2, 2), method="avg_max")),
}


@pytest.mark.parametrize("graph", OTHERS.values(), ids=OTHERS.keys())
def test_other_pools_are_given_the_spike_trains_again(graph: Graph) -> None:
    record, passed = simulate(graph), PassedSpikes(graph)
    expected = true_operations(graph, record)
    np.testing.assert_array_equal(passed.totals(record)["spikes"], expected)
    assert not passed.upper_bound and not passed.proportional and expected.sum() > 0


@pytest.mark.parametrize("graph", OTHERS.values(), ids=OTHERS.keys())
def test_without_spike_trains_their_counts_are_upper_bounds_and_say_so(graph: Graph) -> None:
    record, passed = simulate(graph), PassedSpikes(graph)
    total = passed.totals(without_trains(record))["spikes"]
    assert passed.upper_bound
    assert (total.sum(axis=0) >= true_operations(graph, record).sum(axis=0)).all()


def test_spikes_of_either_sign_cannot_be_told_from_their_number() -> None:
    graph = network(ops.SpikingMaxPool((2, 2)))
    neuron = Node("spikes", ops.Spiking(SignedIntegrateAndFire(negative_slope=0.5, initial_potential=0.5)), ("conv",))
    graph = graph.with_nodes([neuron if node.name == "spikes" else node for node in graph.nodes], graph.outputs)
    record, passed = simulate(graph), PassedSpikes(graph)
    assert (record.messages["spikes"] < 0).any()
    total = passed.totals(record)["spikes"]
    assert passed.upper_bound
    np.testing.assert_array_equal(total.sum(axis=0), _every_spike(graph, record))


def test_a_pool_that_several_layers_feed_has_an_entry_of_its_own() -> None:
    nodes = (
        Node("x", ops.Input((6, 6, 2))),
        Node("a", ops.Spiking(IntegrateAndFire(threshold=0.7)), ("x",)),
        Node("b", ops.Spiking(IntegrateAndFire(threshold=1.3)), ("x",)),
        Node("both", ops.Concat(1), ("a", "b")),
        Node("pool", ops.SpikingMaxPool((2, 3), (1, 2)), ("both",)),
        Node("flat", ops.Reshape((50,)), ("pool",)),
        Node("dense", ops.Dense(np.ones((50, 3))), ("flat",)),
        Node("out", ops.Spiking(Accumulator()), ("dense",)),
    )
    graph = Graph(nodes, ("out",), {"spike_code": "rate"})
    passed = PassedSpikes(graph)
    assert passed.layers == ("a", "b")
    x = np.random.default_rng(1).random((2, 6, 6, 2))
    with ReferenceBackend().compile(graph, batch_size=2) as simulation:
        probes = Probes(spikes=passed.layers, totals=operation_weights(graph))
        record = simulation.run(ConstantCurrent(x), STEPS, probes)
    state, expected = MaxPoolState(graph["pool"].op), []
    for step in range(STEPS):
        a, b = (record.spike_trains[name][step] * size for name, size in (("a", 0.7), ("b", 1.3)))
        sent = state.step(np.concatenate([a, b], axis=2), step + 1)
        expected.append(3 * (np.abs(sent) > 1e-9).reshape(2, -1).sum(axis=1))
    totals = passed.totals(record)
    np.testing.assert_array_equal(totals["pool"], expected)
    assert not totals["a"].any() and not totals["b"].any() and not passed.upper_bound


def _every_spike(graph: Graph, record: Record) -> np.ndarray:
    return (record.spike_counts["spikes"] * fan_out(graph)["spikes"]).sum(axis=(1, 2, 3))


def test_a_pool_in_front_of_the_neurons_discards_no_spikes() -> None:
    nodes = (
        Node("x", ops.Input((4, 4, 1))),
        Node("conv", ops.Conv(np.ones((1, 1, 1, 2))), ("x",)),
        Node("pool", ops.SpikingMaxPool((2, 2), method="fir_max"), ("conv",)),
        Node("spikes", ops.Spiking(IntegrateAndFire()), ("pool",)),
        Node("next", ops.Dense(np.ones((2, 3))), ("spikes",)),
        Node("out", ops.Spiking(Accumulator()), ("next",)),
    )
    assert not PassedSpikes(Graph(nodes, ("out",), {"spike_code": "rate"})).upper_bound


def test_large_batches_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = EXACT["pool"]
    counts = simulate(graph).spike_counts["spikes"]
    whole = PassedSpikes(graph).operations("spikes", counts)
    monkeypatch.setattr("snntoolbox.analysis.passed_spikes._CHUNK", 1)
    np.testing.assert_array_equal(PassedSpikes(graph).operations("spikes", counts), whole)


def test_results_report_what_was_passed_on() -> None:
    graph = EXACT["pool"]
    record = simulate(graph)
    collector = Collector(graph)
    collector.add(Batch(record))
    operations = collector.results().operations
    assert operations.snn == pytest.approx(true_operations(graph, record).sum() / 3)
    assert operations.per_layer["spikes"] == pytest.approx(operations.snn) and not operations.upper_bound


@pytest.mark.parametrize("start", [0, 3, 2000])
def test_patterns_behind_a_pool_are_those_of_the_largest_value(start: int) -> None:
    """Bits of the largest value of a window pass, the most significant one first."""
    graph = network(ops.SpikingMaxPool((2, 2)))
    neuron = Node("spikes", ops.Spiking(PatternNeuron(bits=5, start=start)), ("conv",))
    graph = graph.with_nodes([neuron if node.name == "spikes" else node for node in graph.nodes], graph.outputs)
    rng = np.random.default_rng(2)
    values = rng.integers(0, 32, (2, 8, 8, 2))
    steps = start + 6
    trains = np.zeros((steps, 2, 8, 8, 2), np.int8)
    for place in range(5):
        trains[start + place] = values >> (4 - place) & 1
    largest = values.reshape(2, 4, 2, 4, 2, 2).max(axis=(2, 4))
    costs = fan_out(graph)["spikes"]
    direct = 2 * trains.reshape(steps, 2, -1).sum(axis=2)
    expected = np.zeros((steps, 2))
    behind = 3 * np.outer([1, 2, 2, 2], [1, 2, 2, 2])  # 3 channels, at up to 4 places of the kernel
    for place in range(5):
        bits = largest >> (4 - place) & 1
        expected[start + place] = (bits * behind[..., None]).reshape(2, -1).sum(axis=1)
    record = Record(
        num_steps=steps,
        dt_ms=1.0,
        outputs={"out": np.zeros((2, 4, 4, 3))},
        outputs_over_time={},
        spike_counts={"spikes": trains.sum(axis=0)},
        messages={"spikes": values / 31},
        spike_trains={"spikes": trains},
        totals={"spikes": (trains * costs).reshape(steps, 2, -1).sum(axis=2)},
    )
    passed = PassedSpikes(graph)
    np.testing.assert_array_equal(passed.totals(record)["spikes"], direct + expected)
    assert not passed.upper_bound and not passed.proportional
