"""The rate code with payloads, and binary networks, on the reference and the TensorFlow backend."""

from __future__ import annotations

import numpy as np
import pytest

import snntoolbox
from snntoolbox.codes.rate import RateCode
from snntoolbox.codes.rate_payload import PayloadRateCode
from snntoolbox.errors import ConversionError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import BinaryNeuron, PayloadIntegrateAndFire
from snntoolbox.passes.pipeline import conversion_passes, run_passes
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.passes import largest_activations

STEPS = 12


def network(activation: ops.Op) -> Graph:
    rng = np.random.default_rng(0)
    shapes, nodes, last = [(6, 9), (9, 8), (8, 3)], [Node("x", ops.Input((6,)))], "x"
    for number, shape in enumerate(shapes, start=1):
        weight = np.round(rng.normal(size=shape, scale=0.5) * 8) / 8
        nodes.append(Node(f"fc{number}", ops.Dense(weight, np.round(rng.normal(size=shape[1]) * 8) / 8), (last,)))
        last = f"fc{number}"
        if number < len(shapes):
            nodes.append(Node(f"act{number}", activation, (last,)))
            last = f"act{number}"
    return Graph(tuple(nodes), (last,))


def samples(count=20):
    return np.round(np.random.default_rng(1).random((count, 6)) * 8) / 8


def records(graph, x, **options):
    return [
        snntoolbox.simulate(graph, x, backend=name, num_steps=STEPS, **options) for name in ("reference", "tensorflow")
    ]


def test_payloads_make_up_for_what_spikes_leave_out():
    """Without an initial potential, which does the same in another way."""
    graph, x = network(ops.Relu()), samples(100)
    scales, expected, errors = largest_activations(graph, {"x": x}), node_values(graph, {"x": x})["fc3"], {}
    for kind in (RateCode, PayloadRateCode):
        converted = run_passes(graph, conversion_passes(kind(initial_potential=0.0), scales))
        record = snntoolbox.simulate(converted, x, backend="reference", num_steps=STEPS)
        errors[kind] = float(np.abs(record.output - expected).mean())
    assert errors[PayloadRateCode] < 0.8 * errors[RateCode]


@pytest.mark.parametrize("activation", [ops.Relu(), ops.Activation("sign"), ops.Activation("heaviside")])
def test_tensorflow_equals_the_reference(activation):
    code = "rate_payload" if isinstance(activation, ops.Relu) else "rate"
    converted = snntoolbox.convert(network(activation), spike_code=code, poisson_rate=0.5, threshold=1.0)
    expected, received = records(converted, samples(), seed=3)
    for layer, counts in expected.spike_counts.items():
        np.testing.assert_array_equal(received.spike_counts[layer], counts)
        np.testing.assert_allclose(received.messages[layer], expected.messages[layer], atol=1e-5)
    np.testing.assert_allclose(received.output_over_time, expected.output_over_time, atol=1e-5)


@pytest.mark.parametrize("function", ["sign", "heaviside"])
def test_a_binary_network_decides_in_the_first_step_as_the_ann(function):
    graph, x = network(ops.Activation(function)), samples()
    converted = snntoolbox.convert(graph, x)
    model = converted["act1"].op.model
    assert isinstance(model, BinaryNeuron) and model.signed == (function == "sign")
    record = snntoolbox.simulate(converted, x, backend="reference", num_steps=3)
    for output in record.output_over_time:
        np.testing.assert_allclose(output, node_values(graph, {"x": x})["fc3"], atol=1e-9)


def test_options_that_do_not_go_together_are_refused():
    for options in ({"reset": "zero"}, {"leak_factor": 0.5}, {"refractory_steps": 1}, {"output": "spikes"}):
        with pytest.raises(ConversionError, match="payloads do not go together"):
            PayloadRateCode(**options)
    assert isinstance(PayloadRateCode().neuron(), PayloadIntegrateAndFire)


def test_ceilings_are_refused():
    with pytest.raises(UnsupportedError, match="beyond any ceiling"):
        snntoolbox.convert(network(ops.Relu(max_value=6.0)), spike_code="rate_payload")
