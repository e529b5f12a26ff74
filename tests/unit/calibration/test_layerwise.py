"""Layer by layer gives the same messages as step by step."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.calibration.layerwise import Layer, walk_layers
from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import ConversionError
from snntoolbox.ir.edit import replace_ops
from snntoolbox.neurons import Clock, IntegrateAndFire, SignedIntegrateAndFire
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
        currents = layer.currents.mean(axis=0) * STEPS
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
        seen[layer.name] = layer.currents.mean(axis=0)
        return np.ones_like(layer.fire())

    walk_layers(graph, {"x": RateCode().encode(x)}, STEPS, visit)
    weights = graph["fc2"].op
    np.testing.assert_allclose(seen["out"], np.tile(weights.weight.sum(axis=0) + weights.bias, (4, 1)), rtol=1e-6)


def test_what_is_in_front_of_a_layer_may_be_changed():
    networks = SpikingNetworks(1, dyadic=True)
    graph = networks.dense()
    x = networks.samples(graph)
    outputs, entered = {}, {}

    def arrange(name, part, messages):
        entered[name] = {source: one.shape for source, one in messages.items()}
        sevens = {node: part[node].op.replace(bias=np.full(4, 7, np.float32)) for node in ("fc2",) if node in part}
        return replace_ops(part, sevens)

    def visit(layer):
        outputs[layer.name] = layer.currents.mean(axis=0)
        return np.zeros_like(layer.fire())

    walk_layers(graph, {"x": RateCode().encode(x)}, STEPS, visit, arrange=arrange)
    np.testing.assert_array_equal(outputs["out"], 7)
    assert list(entered) == list(graph.neurons)
    assert entered["out"] == {graph.neurons[0]: (STEPS, 4, *graph.shapes[graph.neurons[0]])}


def test_pools_that_estimate_rates_are_refused():
    networks = SpikingNetworks(0, dyadic=False)
    graph = networks.max_pooling("exp_max")
    with pytest.raises(ConversionError, match="only with maxpool_type = cumulative"):
        walk_layers(graph, {"x": RateCode().encode(networks.samples(graph))}, STEPS, lambda layer: layer.fire())


MODELS = {
    "plain": IntegrateAndFire(),
    "by channel": IntegrateAndFire(np.array([0.5, 1.0, 1.5]), amplitude=np.array([1.0, 2.0, 3.0])),
    "clamped": IntegrateAndFire(0.8, initial_potential=0.4, clamp_steps=3),
    "by neuron": IntegrateAndFire(initial_potential=np.linspace(-1, 1, 48).reshape(4, 4, 3)),
    "to zero": IntegrateAndFire(reset="zero"),
    "leaking": IntegrateAndFire(leak_factor=0.9),
    "refractory": IntegrateAndFire(refractory_steps=1),
    "signed": SignedIntegrateAndFire(),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("shift", [0.0, np.array([0.1, 0.0, -0.1])], ids=["as it is", "shifted"])
@pytest.mark.parametrize("constant", [False, True], ids=["steps", "constant"])
def test_layers_fire_as_their_neurons_are_defined(model, shift, constant, monkeypatch):
    monkeypatch.setattr("snntoolbox.calibration.layerwise._BLOCK", 100)  # two samples at a time
    currents = np.random.default_rng(0).normal(0.4, 0.5, size=(1 if constant else STEPS, 5, 4, 4, 3))
    currents = currents.astype(np.float32)
    layer = Layer("layer", model, currents, STEPS, 0, np.arange(5))
    state, expected = model.init_state((5, 4, 4, 3), np.float32), []
    for step in range(STEPS):
        current = currents[min(step, len(currents) - 1)] + np.float32(shift)
        emission, state = model.step(state, current, Clock(step + 1, 0, np.arange(5)))
        expected.append(emission.message)
    np.testing.assert_array_equal(layer.fire(shift=shift), expected)
    free = np.stack(expected)[layer.clamped() :]
    np.testing.assert_allclose(layer.rates(shift=shift), free.mean(axis=0), rtol=1e-6)
    some = layer.of(np.array([1, 4]))
    np.testing.assert_array_equal(some.fire(shift=shift), np.stack(expected)[:, [1, 4]])
