"""Passes that calibration uses: other weights, biases, thresholds, potentials and messages."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.api import evaluate, simulate
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.neurons import Accumulator, GradedIntegrateAndFire, IntegrateAndFire
from snntoolbox.passes.adjust_neurons import CompensateRates, HoldLayers, ScaleThresholds, SetPotentials
from snntoolbox.passes.change_weights import ChangeWeights, op_to_change
from snntoolbox.passes.shift_biases import ShiftBiases
from snntoolbox.testing.residual_graphs import ResidualKind, residual_graph


@pytest.fixture
def single(chain):
    """Make a graph with one hidden layer of two neurons."""
    one = np.eye(2, dtype=np.float32)
    layers = {"fc": ops.Dense(one), "hidden": ops.Spiking(IntegrateAndFire()), "last": ops.Dense(one)}
    return lambda: chain((2,), **layers, out=ops.Spiking(Accumulator())).with_attributes(spike_code="rate")


def test_a_shift_goes_into_the_weights_where_it_can():
    graph = Conversion().prepare(residual_graph(3, ResidualKind(projection=True)), RateCode())
    layers = [n.name for n in graph.nodes if isinstance(n.op, ops.Relu)]
    shifted = ShiftBiases(dict.fromkeys(layers, 0.25))(graph)
    assert [node.name for node in shifted.nodes] == [node.name for node in graph.nodes]


def test_the_branch_with_the_most_weights_is_changed():
    fan = {"small": np.ones((1, 1, 2, 3)), "large": np.ones((3, 3, 2, 3)), "other": np.ones((1, 1, 2, 3))}
    same = ((0, 0), (0, 0)), ((1, 1), (1, 1)), ((0, 0), (0, 0))
    convs = [
        Node(name, ops.Conv(kernel.astype(np.float32), padding=padding), ("x",))
        for (name, kernel), padding in zip(fan.items(), same, strict=True)
    ]
    nodes = (
        Node("x", ops.Input((4, 4, 2))),
        *convs,
        Node("sum", ops.Add(), tuple(fan)),
        Node("out", ops.Spiking(IntegrateAndFire()), ("sum",)),
        Node("twice", ops.Spiking(IntegrateAndFire()), ("sum",)),
    )
    graph = Graph(nodes[:-1], ("out",))
    assert op_to_change(graph, "out") == "large"
    assert op_to_change(Graph(nodes, ("out", "twice")), "out") is None
    assert op_to_change(graph, "sum") is None


def test_a_shift_without_weights_before_it_is_an_op_of_its_own():
    nodes = (Node("x", ops.Input((2,))), Node("relu", ops.Relu(), ("x",)), Node("sum", ops.Add(), ("x", "relu")))
    graph = ShiftBiases({"relu": np.array([1.0, 2.0])})(Graph(nodes, ("sum",)))
    assert graph["relu"].inputs == ("relu_shift",)
    np.testing.assert_allclose(evaluate(graph, np.zeros((1, 2)), nodes=["relu"])["relu"], [[1, 2]])


def test_larger_messages_are_larger_weights(single):
    graph, x = single(), np.full((1, 2), 0.5, np.float32)
    larger = CompensateRates({"hidden": 1.25})(graph)
    a, b = (simulate(g, x, backend="reference", num_steps=8) for g in (graph, larger))
    np.testing.assert_array_equal(a.spike_counts["hidden"], b.spike_counts["hidden"])
    np.testing.assert_allclose(b.output, 1.25 * a.output)


@pytest.mark.parametrize("change", [CompensateRates, ScaleThresholds])
def test_messages_of_several_sizes_are_larger_by_the_factor_as_well(change, single):
    model = GradedIntegrateAndFire(levels=3, spacing="uniform")
    graph = replace_ops(single(), {"hidden": ops.Spiking(model)})
    assert change({"hidden": 1.25})(graph)["hidden"].op.model.message_size == pytest.approx(1.25 * model.message_size)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (CompensateRates({"hidden": 0.0}), "factors > 0"),
        (CompensateRates({"out": 1.1}), "have no amplitude"),
        (ScaleThresholds({"hidden": -1.0}), "factors of thresholds > 0"),
        (ScaleThresholds({"out": 1.1}), "have no amplitude"),
        (HoldLayers({"out": 1}), "have no clamp_steps"),
        (SetPotentials({"fc": 0.1}), "no layer of neurons"),
        (ShiftBiases({"fc": 0.1}), "no layer of neurons"),
        (ChangeWeights({"fc": (np.zeros((2, 2)), np.zeros(2))}), "no Dense or Conv feeds it alone"),
    ],
)
def test_passes_refuse_what_they_cannot_change(one, message, single):
    with pytest.raises(ConversionError, match=message):
        one(single())
