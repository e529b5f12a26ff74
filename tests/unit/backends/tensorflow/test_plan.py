"""What is constant, what is regular, and what is fused."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.tensorflow.plan import make_plan
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire

NEURON = IntegrateAndFire(initial_potential=0.5)


def graph(neuron: IntegrateAndFire = NEURON) -> Graph:
    """Two branches from the input: one through neurons, one without."""
    nodes = (
        Node("x", ops.Input((4, 4, 2))),
        Node("conv", ops.Conv(np.ones((1, 1, 2, 3))), ("x",)),
        Node("pooled_input", ops.SpikingMaxPool((2, 2)), ("conv",)),
        Node("first", ops.Spiking(neuron), ("conv",)),
        Node("pool", ops.AveragePool((2, 2)), ("first",)),
        Node("sum", ops.Add(), ("pool", "pooled_input")),
        Node("second", ops.Spiking(neuron), ("sum",)),
        Node("flat", ops.Reshape((12,)), ("second",)),
        Node("fc", ops.Dense(np.ones((12, 2))), ("flat",)),
        Node("out", ops.Spiking(Accumulator()), ("fc",)),
    )
    return Graph(nodes, ("out",))


def test_constant_current() -> None:
    plan = make_plan(graph(), ["x"], regular=True)
    assert plan.constant == {"x", "conv", "pooled_input"}
    assert plan.regular == {"first"}
    assert [[node.name for node in segment.nodes] for segment in plan.segments] == [
        ["first", "pool", "sum", "second"],
        ["flat"],
        ["fc"],
        ["out"],
    ]
    assert [segment.alone for segment in plan.segments] == [False, True, True, False]
    assert plan.segments[0].takes == ("conv", "pooled_input")
    assert [segment.gives for segment in plan.segments] == [("second",), ("flat",), ("fc",), ()]


def test_input_that_changes() -> None:
    plan = make_plan(graph(), [], regular=True)
    assert not plan.constant and not plan.regular
    assert [node.name for node in plan.segments[0].nodes] == ["x"]


def test_a_run_that_goes_on() -> None:
    plan = make_plan(graph(), ["x"], regular=False)
    assert plan.constant == {"x", "conv", "pooled_input"} and not plan.regular


@pytest.mark.parametrize(
    "neuron",
    [
        IntegrateAndFire(reset="zero"),
        IntegrateAndFire(reset="modulo"),
        IntegrateAndFire(leak_factor=0.9),
        IntegrateAndFire(refractory_steps=1),
        IntegrateAndFire(clamp_steps=1),
        IntegrateAndFire(initial_potential=1.0),
        IntegrateAndFire(initial_potential=-0.5),
        IntegrateAndFire(threshold=np.array([1.0, 0.25, 1.0]), initial_potential=0.5),
    ],
)
def test_other_neurons_are_stepped(neuron: IntegrateAndFire) -> None:
    assert not make_plan(graph(neuron), ["x"], regular=True).regular


def test_an_output_layer_is_stepped() -> None:
    read = graph().with_nodes(graph().nodes, ["out", "first"])
    assert not make_plan(read, ["x"], regular=True).regular
