"""Options of the conversion that several steps take part in."""

from __future__ import annotations

import numpy as np
import pytest

import snntoolbox
from snntoolbox.conversion import Conversion
from snntoolbox.errors import ConversionError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import BurstIntegrateAndFire, GradedIntegrateAndFire, SignedIntegrateAndFire

NEURONS = {
    "integrate_and_fire": {},
    "signed": {},
    "burst": {"threshold": 0.5},
    "graded": {"levels": 4},
}


def network(relu=None):
    """A residual block, max-pooling and a ceiling."""
    rng = np.random.default_rng(2)
    same = ((1, 1), (1, 1))

    def conv(inputs, outputs):
        kernel = rng.normal(size=(3, 3, inputs, outputs), scale=0.4)
        return ops.Conv(np.float32(kernel), np.float32(rng.normal(size=outputs, scale=0.2)), padding=same)

    nodes = (
        Node("x", ops.Input((6, 6, 2))),
        Node("c1", conv(2, 4), ("x",)),
        Node("r1", ops.Relu(), ("c1",)),
        Node("pool", ops.MaxPool((2, 2)), ("r1",)),
        Node("c2", conv(4, 4), ("pool",)),
        Node("sum", ops.Add(), ("c2", "pool")),
        Node("r2", relu or ops.Relu(1.5), ("sum",)),
        Node("flat", ops.Reshape((36,)), ("r2",)),
        Node("out", ops.Dense(np.float32(rng.normal(size=(36, 3)))), ("flat",)),
    )
    return Graph(nodes, ("out",))


@pytest.fixture
def x():
    return np.random.default_rng(0).uniform(0, 1, (6, 6, 6, 2)).astype(np.float32)


@pytest.mark.parametrize("channel_wise", [False, True])
@pytest.mark.parametrize("neuron", NEURONS)
def test_scales_in_weights_or_in_thresholds_give_the_same_spikes(neuron, channel_wise, x):
    graph, records, layers = network(), {}, {}
    for place in ("weights", "thresholds"):
        spiking = snntoolbox.convert(
            graph, x, scales_in=place, channel_wise=channel_wise, neuron_model=neuron, **NEURONS[neuron]
        )
        layers[place] = spiking
        records[place] = snntoolbox.simulate(spiking, x, backend="reference", num_steps=24)
    assert not any(isinstance(node.op, ops.Affine) for node in layers["thresholds"].nodes)
    np.testing.assert_array_equal(layers["thresholds"]["c2"].op.kernel, graph["c2"].op.kernel)
    one, other = records["weights"], records["thresholds"]
    for name, counts in one.spike_counts.items():
        assert (counts != other.spike_counts[name]).mean() < 0.02  # ties: one rounds weights, the other thresholds
    np.testing.assert_allclose(one.output, other.output, atol=0.05)


@pytest.mark.parametrize("neuron", NEURONS)
def test_every_neuron_approaches_the_network(neuron, x):
    graph = network()
    expected = snntoolbox.evaluate(graph, x)
    spiking = snntoolbox.convert(graph, x, percentile=100.0, neuron_model=neuron, **NEURONS[neuron])
    record = snntoolbox.simulate(spiking, x, backend="reference", num_steps=200)
    np.testing.assert_allclose(record.output, expected, atol=0.15)


def test_signed_and_graded_neurons_are_closer_after_few_steps(x):
    graph = network()
    expected, errors = snntoolbox.evaluate(graph, x), {}
    for neuron in ("integrate_and_fire", "signed", "graded"):
        spiking = snntoolbox.convert(graph, x, percentile=100.0, neuron_model=neuron)
        record = snntoolbox.simulate(spiking, x, backend="reference", num_steps=32)
        errors[neuron] = float(np.abs(record.output - expected).mean())
    assert errors["graded"] < errors["signed"] < errors["integrate_and_fire"]


def test_models_and_their_options(x):
    kinds = {"signed": SignedIntegrateAndFire, "burst": BurstIntegrateAndFire, "graded": GradedIntegrateAndFire}
    for name, kind in kinds.items():
        spiking = snntoolbox.convert(network(), x, neuron_model=name, max_spikes=3, levels=5, level_spacing="uniform")
        model = spiking["r1"].op.model
        assert type(model) is kind
        assert getattr(model, "max_spikes", 3) == 3
        assert getattr(model, "levels", 5) == 5
    assert model.initial_potential == pytest.approx(0.1)
    assert model.spacing == "uniform"


@pytest.mark.parametrize("neuron", ["signed", "graded"])
def test_slopes_go_with_neurons_that_send_negative_spikes(neuron, x):
    graph = network(ops.Relu(negative_slope=0.25))
    spiking = snntoolbox.convert(graph, x, percentile=100.0, neuron_model=neuron)
    assert spiking["r2"].op.model.negative_slope == 0.25
    record = snntoolbox.simulate(spiking, x, backend="reference", num_steps=200)
    np.testing.assert_allclose(record.output, snntoolbox.evaluate(graph, x), atol=0.15)


def test_bursts_refuse_slopes(x):
    with pytest.raises(UnsupportedError, match="slope"):
        snntoolbox.convert(network(ops.Relu(negative_slope=0.25)), x, neuron_model="burst")


def test_least_squared_error_needs_the_number_of_steps(x):
    with pytest.raises(ConversionError, match="num_steps"):
        snntoolbox.convert(network(), x, method="mmse")
    few, many = (snntoolbox.convert(network(), x, method="mmse", num_steps=n, scales_in="thresholds") for n in (2, 64))
    assert few["r1"].op.model.threshold < many["r1"].op.model.threshold


@pytest.mark.parametrize(("options", "word"), [({"scales_in": "biases"}, "biases"), ({"method": "median"}, "median")])
def test_names_are_checked(options, word):
    with pytest.raises(ConversionError, match=word):
        Conversion(**options)


@pytest.mark.parametrize(
    "options", [{"reset": "zero"}, {"leak_factor": 0.9}, {"refractory_steps": 1}, {"neuron_model": "izhikevich"}]
)
def test_other_options_that_the_neurons_do_not_have_are_refused(options, x):
    with pytest.raises(ConversionError, match="neuron"):
        snntoolbox.convert(network(), x, **{"neuron_model": "signed", **options})
