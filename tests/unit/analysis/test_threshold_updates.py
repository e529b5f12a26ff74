"""Threshold updates against the announcements that really arrive at the synapses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import snntoolbox
from snntoolbox.analysis.adjacency import pull_back
from snntoolbox.analysis.operation_counter import OperationCounter
from snntoolbox.analysis.operations import announcing_nodes, fan_out, neuron_updates
from snntoolbox.analysis.threshold_updates import ThresholdUpdates
from snntoolbox.api import encode
from snntoolbox.backends.head import split_head
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Record
from snntoolbox.backends.reference import ReferenceBackend, ReferenceSimulation
from snntoolbox.backends.reference.pooling import MaxPoolState
from snntoolbox.ir import Graph, Node, ops

STEPS = 30


def ann(*, pool: bool) -> Graph:
    """conv - rectifier - max-pool or nothing - conv - rectifier - dense."""
    rng = np.random.default_rng(4)
    first = ops.Conv(rng.normal(0.1, 0.5, (3, 3, 1, 2)), rng.normal(0, 0.05, 2), padding=((1, 1), (1, 1)))
    nodes = [
        Node("x", ops.Input((6, 6, 1))),
        Node("conv", first, ("x",)),
        Node("relu", ops.Relu(), ("conv",)),
        Node("pool", ops.MaxPool((2, 2)) if pool else ops.Slice((0, 0, 0), (6, 6, 2), (2, 2, 1)), ("relu",)),
        Node("next", ops.Conv(rng.normal(0.05, 0.4, (2, 2, 2, 3))), ("pool",)),
        Node("relu_2", ops.Relu(), ("next",)),
        Node("flat", ops.Reshape((12,)), ("relu_2",)),
        Node("dense", ops.Dense(rng.normal(0, 0.5, (12, 3)), np.zeros(3)), ("flat",)),
    ]
    return Graph(tuple(nodes), ("dense",))


def converted(pool: bool, code: str = "ttfs_dyn_thresh") -> Graph:
    x = np.random.default_rng(0).random((20, 6, 6, 1))
    announce_all = {"least_expected": 1 / 64} if code == "ttfs_dyn_thresh" else {}
    return snntoolbox.convert(ann(pool=pool), x, spike_code=code, percentile=100.0, time_resolution=3.0, **announce_all)


def simulate(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> tuple[Record, list[dict[str, np.ndarray]]]:
    """A run with every spike train, and the messages of every layer in every step up to the decision of a sample."""
    sent: list[dict[str, np.ndarray]] = []
    fire = ReferenceSimulation._fire

    def listen(self: ReferenceSimulation, node: Node, *arguments: Any) -> np.ndarray:
        message = fire(self, node, *arguments)
        if node.name == graph.neurons[0]:
            sent.append({})
        sent[-1][node.name] = message
        return message

    monkeypatch.setattr(ReferenceSimulation, "_fire", listen)
    x = np.random.default_rng(1).random((4, 6, 6, 1))
    counter = OperationCounter(graph)
    with ReferenceBackend().compile(graph, batch_size=4) as simulation:
        probes = replace(counter.probes(4, STEPS), spikes=graph.neurons)
        record = simulation.run(encode(graph, x), STEPS, probes)
    return record, sent


def arrivals(graph: Graph, record: Record, sent: list[dict[str, np.ndarray]]) -> float:
    """Changes of what stands in front of synapses that announce, times the connections behind."""
    body = split_head(graph).body
    states = {n.name: MaxPoolState(n.op) for n in body.nodes if isinstance(n.op, ops.SpikingMaxPool)}
    before: dict[str, np.ndarray] = {}
    total = 0.0
    for step, messages in enumerate(sent):
        going_on = (record.decisions == 0) | (record.decisions > step)
        values: dict[str, np.ndarray] = {}
        for node in body.nodes:
            if isinstance(node.op, ops.Input):
                values[node.name] = np.zeros((4, *body.shapes[node.name]))
            elif isinstance(node.op, ops.Spiking):
                values[node.name] = messages[node.name]
            elif node.name in states:
                values[node.name] = states[node.name].step(values[node.inputs[0]], step + 1)
            else:
                values[node.name] = apply_op(node.op, *(values[source] for source in node.inputs))
        for name in announcing_nodes(body):
            op = body[name].op
            if isinstance(op, ops.Dense | ops.Conv):
                (source,) = body[name].inputs
                arriving = values[source]
                changed = np.abs(arriving - before.get(source, np.zeros_like(arriving))) > 1e-9
                (links,) = pull_back(op, np.ones(body.shapes[name]), body.input_shapes(name))
                total += float((changed[going_on] * links).sum())
        before = values
    return total


@pytest.mark.parametrize("pool", [True, False])
def test_updates_are_the_announcements_that_arrive(pool: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = converted(pool)
    record, sent = simulate(graph, monkeypatch)
    updates = ThresholdUpdates(graph)
    counted = updates.count(record)
    assert not updates.upper_bound
    assert 0 < counted.sum() <= arrivals(graph, record, sent)
    bare = sum(_bare_spikes(record, name) for name in ("relu", "relu_2"))
    if bare == 0:
        assert counted.sum() == arrivals(graph, record, sent)


def _bare_spikes(record: Record, layer: str) -> int:
    """Spikes that came without an announcement, which are no announcement either."""
    train = record.spike_trains[layer]
    middle = train.shape[-1] // 2
    announced = np.cumsum(train[..., middle:], axis=0) % 2
    return int((train[..., :middle] * (announced == 0)).sum())


def test_without_spike_trains_pools_make_it_an_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = converted(True)
    record, _ = simulate(graph, monkeypatch)
    exact, bound = ThresholdUpdates(graph).count(record), ThresholdUpdates(graph)
    assert (bound.count(replace(record, spike_trains={})) >= exact).all() and bound.upper_bound


@pytest.mark.parametrize("pool", [True, False])
def test_synaptic_operations_are_those_of_the_same_network_without_announcements(pool: bool) -> None:
    plain, announcing = converted(pool, "ttfs"), converted(pool)
    for name in ("relu", "relu_2"):
        costs = fan_out(announcing)[name]
        middle = costs.shape[-1] // 2
        np.testing.assert_array_equal(costs[..., :middle], fan_out(plain)[name])
        assert not costs[..., middle:].any()
    assert neuron_updates(announcing) == neuron_updates(plain)


def test_other_codes_have_no_threshold_updates() -> None:
    graph = converted(True, "ttfs")
    assert not announcing_nodes(graph) and ThresholdUpdates(graph).layers == ()


def test_results_count_updates_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = converted(True)
    record, _ = simulate(graph, monkeypatch)
    counter = OperationCounter(graph)
    counter.add(record, None)
    result = counter.result()
    assert result.threshold_updates == ThresholdUpdates(graph).count(record).sum() / 4
    assert result.snn_counts["threshold_update"] == result.threshold_updates
    assert result.snn is not None and not result.upper_bound
