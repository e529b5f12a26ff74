"""Layer by layer gives the same messages as step by step."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.calibration.layerwise import walk_layers
from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import ConversionError
from snntoolbox.testing.spiking_networks import SpikingNetworks

STEPS = 7
KINDS = ["dense", "convolutions", "residual", "concatenation", "layout", "max_pooling_cumulative"]


def simulated(graph, stimulus):
    with ReferenceBackend().compile(graph, batch_size=4) as simulation:
        return simulation.run({graph.inputs[0]: stimulus}, STEPS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [None, 0.5], ids=["current", "poisson"])
def test_messages_are_those_of_the_reference(kind, rate):
    networks = SpikingNetworks(0, dyadic=True)
    graph = networks.all()[kind]()
    stimulus = RateCode(poisson_rate=rate).encode(networks.samples(graph))
    sent = {}

    def visit(layer):
        messages = layer.fire()
        sent[layer.name] = messages.sum(axis=0)
        currents = layer.mean_current * STEPS
        if not layer.model.spiking:
            outputs[layer.name] = currents
        return messages

    outputs = {}
    walk_layers(graph, {graph.inputs[0]: stimulus}, STEPS, visit)
    record = simulated(graph, stimulus)
    for name in graph.neurons:
        np.testing.assert_array_equal(sent[name], record.messages[name])
    assert list(sent) == list(graph.neurons) and outputs


def test_a_layer_may_send_something_else():
    networks = SpikingNetworks(1, dyadic=True)
    graph = networks.dense()
    x = networks.samples(graph)
    seen = {}

    def visit(layer):
        seen[layer.name] = layer.mean_current
        return np.ones_like(layer.fire())

    walk_layers(graph, {"x": RateCode().encode(x)}, STEPS, visit)
    weights = graph["fc2"].op
    np.testing.assert_allclose(seen["out"], np.tile(weights.weight.sum(axis=0) + weights.bias, (4, 1)), rtol=1e-6)


def test_pools_that_estimate_rates_are_refused():
    networks = SpikingNetworks(0, dyadic=False)
    graph = networks.max_pooling("exp_max")
    with pytest.raises(ConversionError, match="only with maxpool_type = cumulative"):
        walk_layers(graph, {"x": RateCode().encode(networks.samples(graph))}, STEPS, lambda layer: layer.fire())
