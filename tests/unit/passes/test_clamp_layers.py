"""Clamps and biases that depend on depth."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Clock, IntegrateAndFire, RelaxingIntegrateAndFire
from snntoolbox.passes.clamp_layers import ClampLayers, RelaxBiases, layer_depths
from snntoolbox.passes.insert_neurons import InsertNeurons


def spiking(**options):
    """Three layers, one of them beside another, and max-pooling; biases everywhere."""
    rng = np.random.default_rng(0)
    conv = [ops.Conv(rng.normal(size=(3, 3, 2, 2)), np.array([0.5, -1.0]), padding=((1, 1), (1, 1))) for _ in range(3)]
    nodes = (
        Node("x", ops.Input((4, 4, 2))),
        Node("c1", conv[0], ("x",)),
        Node("r1", ops.Relu(), ("c1",)),
        Node("c2", conv[1], ("r1",)),
        Node("r2", ops.Relu(), ("c2",)),
        Node("pool", ops.MaxPool((2, 2)), ("r2",)),
        Node("side", ops.AveragePool((2, 2)), ("r1",)),
        Node("sum", ops.Add(), ("pool", "side")),
        Node("c3", conv[2], ("sum",)),
        Node("r3", ops.Relu(), ("c3",)),
        Node("flat", ops.Reshape((8,)), ("r3",)),
        Node("out", ops.Dense(rng.normal(size=(8, 2))), ("flat",)),
    )
    return InsertNeurons(RateCode(**options), clamp={"r2": 7})(Graph(nodes, ("out",)))


def test_depth_counts_layers_on_the_longest_path():
    assert layer_depths(spiking()) == {"r1": 0, "r2": 1, "r3": 2}


def test_the_clamp_grows_with_depth_where_there_is_none_yet():
    graph = ClampLayers(2.5)(spiking())
    assert [graph[name].op.model.clamp_steps for name in ("r1", "r2", "r3")] == [0, 7, 5]


@pytest.mark.parametrize("neuron", ["signed", "burst", "graded"])
def test_all_neurons_of_the_rate_code_can_be_clamped(neuron):
    assert ClampLayers(3)(spiking(neuron_model=neuron))["r3"].op.model.clamp_steps == 6


def test_neurons_know_the_bias_that_relaxes():
    graph = RelaxBiases(2)(spiking())
    assert type(graph["r1"].op.model) is IntegrateAndFire
    for name, steps in (("r2", 2), ("r3", 4)):
        model = graph[name].op.model
        assert type(model) is RelaxingIntegrateAndFire and model.relaxation_steps == steps
        np.testing.assert_allclose(model.bias, [0.5, -1.0])
    assert graph["r2"].op.model.clamp_steps == 7


def test_the_bias_sets_in_linearly():
    model = RelaxingIntegrateAndFire(threshold=100.0, bias=2.0, relaxation_steps=4)
    state, potentials = model.init_state((1, 1)), []
    for step in range(1, 7):
        _, state = model.step(state, np.full((1, 1), 3.0), Clock(step))
        potentials.append(state["potential"].item())
    assert np.diff([0, *potentials]).tolist() == [1.5, 2.0, 2.5, 3.0, 3.0, 3.0]


def test_only_plain_neurons_relax():
    with pytest.raises(ConversionError, match=r"r2.*SignedIntegrateAndFire; set relaxation_steps = 0"):
        RelaxBiases(2)(spiking(neuron_model="signed"))
