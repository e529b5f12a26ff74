"""Kinds of operations, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.operation_kinds import KINDS, ann_counts, input_counts, snn_counts, synapse_kinds
from snntoolbox.analysis.operations import ann_operations
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import IntegrateAndFire

NEURON = ops.Spiking(IntegrateAndFire())


def network(*, spiking: bool) -> Graph:
    neuron = NEURON if spiking else ops.Relu()
    nodes = (
        Node("x", ops.Input((4, 4, 1))),
        Node("other", ops.Input((2, 2, 2))),
        Node("scaled", ops.Affine(np.array([2.0]), np.array([1.0])), ("x",)),
        Node("pool", ops.AveragePool((2, 2)), ("scaled",)),
        Node("both", ops.Concat(-1), ("pool", "other")),
        Node("conv", ops.Conv(np.ones((2, 2, 3, 5)), np.ones(5), padding=((0, 1), (0, 1))), ("both",)),
        Node("a", neuron, ("conv",)),
        Node("flat", ops.Reshape((20,)), ("a",)),
        Node("dense", ops.Dense(np.ones((20, 6))), ("flat",)),
        Node("b", neuron, ("dense",)),
    )
    return Graph(nodes, ("b",), {"spike_code": "rate"} if spiking else {})


INSIDE = 9  # elements that a 2x2 window meets on a 2x2 map with a row and a column of padding


def test_an_ann_reads_weights_once_and_values_in_front_of_them() -> None:
    graph = network(spiking=False)
    counts = ann_counts(graph)
    assert counts == {
        "mac": INSIDE * 3 * 5 + 20 * 6,
        "multiply": 16,
        "add": 16 + 20,
        "weight_read": 2 + 2 * 2 * 3 * 5 + 5 + 20 * 6,
        "state_read": 16 + 12 + 20,
        "state_write": 16 + 20 + 6,
    }
    assert 2 * counts["mac"] + counts["multiply"] + counts["add"] == ann_operations(graph)


@pytest.mark.parametrize(
    ("constant", "channels", "scaled"), [(["x"], 1, 16), (["other"], 2, 0), (["x", "other"], 3, 16)]
)
def test_constant_input_counts_the_connections_that_it_reaches(constant: list[str], channels: int, scaled: int) -> None:
    counts = input_counts(network(spiking=True), constant)
    assert counts["mac"] == INSIDE * channels * 5
    assert counts["multiply"] == scaled
    assert counts["add"] == 0
    assert counts["state_read"] == pytest.approx(scaled + 4 * channels)


def test_spiking_input_needs_nothing_once() -> None:
    assert not any(input_counts(network(spiking=True), []).values())


def test_a_chain_of_linear_ops_multiplies_each_connection_once() -> None:
    nodes = (
        Node("x", ops.Input((4, 4, 2))),
        Node("depthwise", ops.Conv(np.ones((3, 3, 1, 2)), groups=2), ("x",)),
        Node("pointwise", ops.Conv(np.ones((1, 1, 2, 7))), ("depthwise",)),
        Node("a", NEURON, ("pointwise",)),
    )
    graph = Graph(nodes, ("a",), {"spike_code": "rate"})
    assert input_counts(graph, ["x"])["mac"] == 4 * 9 * 2 + 4 * 2 * 7


def test_a_simulation_adds_up_what_spikes_and_neurons_do() -> None:
    once = input_counts(network(spiking=True), ["x"])
    counts = snn_counts(once, synaptic=100.0, spikes=7.0, neuron_updates=50.0, threshold_updates=3.0)
    assert set(counts) == set(KINDS)
    assert counts["synaptic_add"] == 100 and counts["synaptic_mac"] == counts["synaptic_shift"] == 0
    assert (counts["spike"], counts["neuron_update"], counts["threshold_update"]) == (7, 50, 3)
    assert counts["weight_read"] == once["weight_read"] + 100
    assert counts["state_read"] == once["state_read"] + 150
    assert counts["state_write"] == once["state_write"] + 150


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("rate", ("synaptic_add",)),
        ("temporal_mean_rate", ("synaptic_add",)),
        ("ttfs", ("synaptic_add",)),
        ("temporal_pattern", ("synaptic_add", "synaptic_shift")),
        ("few_spike", ("synaptic_add", "synaptic_shift")),
        ("rate_payload", ("synaptic_mac",)),
    ],
)
def test_synapses_of_a_code(code: str, kinds: tuple[str, ...]) -> None:
    assert synapse_kinds(code) == kinds
    counts = snn_counts({}, synaptic=5.0, spikes=0.0, neuron_updates=0.0, synapse=kinds)  # type: ignore[arg-type]
    assert {kind for kind in counts if kind.startswith("synaptic") and counts[kind]} == set(kinds)
