"""Temporal pattern and few-spike codes: options, input, and whole networks on the reference backend."""

from __future__ import annotations

import numpy as np
import pytest

import snntoolbox
from snntoolbox.api import load_backend
from snntoolbox.codes.few_spike import FewSpikeCode
from snntoolbox.codes.few_spike_tables import RANGE, TABLES
from snntoolbox.codes.fixed_point import FixedPoint
from snntoolbox.codes.temporal_pattern import TemporalPatternCode
from snntoolbox.conversion import code_of
from snntoolbox.errors import ConversionError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Clock, FewSpikeNeuron, PatternNeuron
from snntoolbox.passes.pipeline import conversion_passes, run_passes
from snntoolbox.testing import random_graph, random_samples
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.passes import largest_activations


def network(activation: ops.Op, seed: int = 0) -> Graph:
    rng = np.random.default_rng(seed)
    return Graph(
        (
            Node("x", ops.Input((6,))),
            Node("fc1", ops.Dense(rng.normal(size=(6, 8)), rng.normal(size=8)), ("x",)),
            Node("act", activation, ("fc1",)),
            Node("fc2", ops.Dense(rng.normal(size=(8, 3)), rng.normal(size=3)), ("act",)),
        ),
        ("fc2",),
    )


def spiking(graph: Graph, code, samples):
    return run_passes(graph, conversion_passes(code, largest_activations(graph, samples)))


def run(graph: Graph, code, samples):
    """Return the record of the reference backend, in as many steps as the network has."""
    steps = int(graph.attributes["num_steps"])
    backend = load_backend("reference")
    with backend.compile(graph, batch_size=len(next(iter(samples.values())))) as simulation:
        return simulation.run({name: code.encode(x) for name, x in samples.items()}, steps)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [TemporalPatternCode, FewSpikeCode])
def test_enough_bits_give_the_network_itself(seed, kind):
    graph = random_graph(seed, leaky=seed % 2 == 1 and kind is TemporalPatternCode)
    samples = random_samples(graph, seed, num_samples=3)
    peak = max(float(np.abs(x).max()) for x in samples.values())
    code = kind(num_bits=20, peak=peak)
    converted = spiking(graph, code, samples)
    record, values = run(converted, code, samples), node_values(graph, samples)
    for before, after in zip(graph.outputs, converted.outputs, strict=True):
        np.testing.assert_allclose(record.outputs[after], values[before], atol=1e-5 * np.abs(values[before]).max())


def test_more_bits_are_closer():
    graph = random_graph(3)
    samples = random_samples(graph, 3, num_samples=3)
    values, errors = node_values(graph, samples)[graph.outputs[0]], []
    for bits in (3, 6, 12):
        code = TemporalPatternCode(num_bits=bits, peak=float(np.abs(samples[graph.inputs[0]]).max()))
        converted = spiking(graph, code, samples)
        errors.append(np.abs(run(converted, code, samples).outputs[converted.outputs[0]] - values).max())
    assert errors[0] > 4 * errors[1] > 16 * errors[2]


def test_layers_send_one_after_the_other():
    graph = network(ops.Relu())
    code = TemporalPatternCode(num_bits=4, layer_bits={"act": 3}, input_bits=5)
    converted = run_passes(graph, conversion_passes(code, None))
    model = converted["act"].op.model
    assert (model.start, model.bits) == (5, 3)
    assert converted.attributes["num_steps"] == "8"


def test_branches_wait_for_the_longest():
    weight = np.eye(2)
    nodes = (
        Node("x", ops.Input((2,))),
        Node("a", ops.Dense(weight), ("x",)),
        Node("first", ops.Relu(), ("a",)),
        Node("b", ops.Dense(weight), ("first",)),
        Node("second", ops.Relu(), ("b",)),
        Node("sum", ops.Add(), ("first", "second")),
        Node("third", ops.Relu(), ("sum",)),
        Node("out", ops.Dense(weight), ("third",)),
    )
    converted = run_passes(Graph(nodes, ("out",)), conversion_passes(TemporalPatternCode(num_bits=4), None))
    assert [converted[name].op.model.start for name in ("first", "second", "third")] == [4, 8, 12]
    assert converted.attributes["num_steps"] == "16"


def test_biases_act_once():
    graph = network(ops.Relu())
    samples = {"x": np.zeros((1, 6))}
    code = TemporalPatternCode(num_bits=20, threshold=10.0)
    converted = run_passes(graph, conversion_passes(code, None))
    record, values = run(converted, code, samples), node_values(graph, samples)
    np.testing.assert_allclose(record.output, values["fc2"], atol=1e-4)


def test_a_fixed_point_format_keeps_the_units_of_the_network():
    graph = network(ops.Relu())
    samples = {"x": np.random.default_rng(1).random((3, 6))}
    code = TemporalPatternCode(activation_format="Q3.2", input_bits=16)
    converted = run_passes(graph, conversion_passes(code, largest_activations(graph, samples)))
    sent, values = run(converted, code, samples).messages["act"], node_values(graph, samples)["act"]
    np.testing.assert_allclose(sent, np.minimum(np.floor(values * 4 + 0.5) / 4, 7.75), atol=1e-9)


def test_input_is_sent_with_its_sign():
    code = TemporalPatternCode(num_bits=3, peak=7.0)
    frames = list(code.encode(np.array([[5.0, -3.0, 9.0, 0.4]])).frames(5))
    assert [frame[0].tolist() for frame in frames[:3]] == [[4, 0, 4, 0], [0, -2, 2, 0], [1, -1, 1, 0]]
    assert not np.any(frames[3:])


def test_samples_are_numbered():
    stimulus = TemporalPatternCode().encode(np.zeros((2, 3)), [7, 9])
    assert stimulus.shape == (2, 3) and list(stimulus.sample_ids) == [7, 9]


@pytest.mark.parametrize("function", sorted(TABLES))
def test_fitted_tables_come_close_to_their_functions(function):
    x = np.linspace(-RANGE, RANGE, 401)
    graph = Graph((Node("x", ops.Input((401,))), Node("f", ops.Activation(function), ("x",))), ("f",))
    expected = node_values(graph, {"x": x[None]})["f"][0]
    model = FewSpikeCode().activation_neuron(function)
    assert isinstance(model, FewSpikeNeuron)
    state, sent = model.init_state((1, 401)), np.zeros(401)
    for step in range(1, model.window + 1):
        emission, state = model.step(state, x[None] * (step == 1), Clock(step))
        sent += emission.message[0]
    assert np.sqrt(np.mean((sent - expected) ** 2)) < 0.04
    assert np.abs(sent - expected).max() < 0.2


@pytest.mark.parametrize("function", ["sigmoid", "silu", "gelu"])
def test_networks_with_other_activations_are_approximated(function):
    graph = network(ops.Activation(function))
    samples = {"x": np.random.default_rng(2).uniform(-1, 1, (20, 6))}
    code = FewSpikeCode(num_bits=12)
    converted = run_passes(graph, conversion_passes(code, {}))
    record, values = run(converted, code, samples), node_values(graph, samples)["fc2"]
    assert np.abs(record.output - values).mean() < 0.1
    assert np.corrcoef(record.output.ravel(), values.ravel())[0, 1] > 0.99


def test_activations_without_a_table_are_refused_by_name():
    with pytest.raises(UnsupportedError, match="selu"):
        run_passes(network(ops.Activation("selu")), conversion_passes(FewSpikeCode(), {}))
    with pytest.raises(UnsupportedError, match="gelu"):
        run_passes(network(ops.Activation("gelu")), conversion_passes(TemporalPatternCode(), {}))


def test_options_travel_with_the_graph():
    converted = snntoolbox.convert(
        network(ops.Relu()), spike_code="temporal_pattern", num_bits=5, layer_bits={"act": 3}, one_hot=True
    )
    code = code_of(converted)
    assert isinstance(code, TemporalPatternCode)
    assert (code.num_bits, code.layer_bits, code.one_hot) == (5, {"act": 3}, True)
    assert isinstance(converted["act"].op.model, PatternNeuron) and converted["act"].op.model.one_hot


def test_bits_of_unknown_layers_are_refused():
    with pytest.raises(ConversionError, match=r"'akt'\. Did you mean 'act'"):
        run_passes(network(ops.Relu()), conversion_passes(TemporalPatternCode(layer_bits={"akt": 3}), None))


@pytest.mark.parametrize(
    "options",
    [
        {"num_bits": 0},
        {"num_bits": 40},
        {"num_bits": 4, "dropped_bits": 4},
        {"layer_bits": {"act": 0}},
        {"activation_format": "8"},
        {"activation_format": "Q2.2", "layer_bits": {"act": 3}},
        {"activation_format": "Q20.20"},
    ],
)
def test_wrong_numbers_of_bits_are_refused(options):
    with pytest.raises(ConversionError):
        TemporalPatternCode(**options)
    if list(options) == ["num_bits"]:
        with pytest.raises(ConversionError):
            FewSpikeCode(**options)


def test_pools_that_estimate_rates_are_refused():
    nodes = (
        Node("x", ops.Input((4, 4, 1))),
        Node("conv", ops.Conv(np.ones((1, 1, 1, 1))), ("x",)),
        Node("relu", ops.Relu(), ("conv",)),
        Node("pool", ops.MaxPool((2, 2)), ("relu",)),
        Node("flat", ops.Reshape((4,)), ("pool",)),
        Node("fc", ops.Dense(np.ones((4, 2))), ("flat",)),
    )
    passes = conversion_passes(TemporalPatternCode(), None, max_pool="avg_max")
    with pytest.raises(UnsupportedError, match="cumulative"):
        run_passes(Graph(nodes, ("fc",)), passes)


def test_other_backends_refuse_the_code_by_name():
    converted = snntoolbox.convert(network(ops.Relu()), spike_code="temporal_pattern")
    (problem, *_) = load_backend("loihi").check(converted)
    assert "temporal_pattern" in str(problem) and "rate" in str(problem)


def test_fixed_point_formats():
    number = FixedPoint.parse("q2.6")
    assert (number.bits, number.unit, number.largest) == (8, 1 / 64, 4 - 1 / 64)
    for text in ("", "2.6", "Q2", "Q0.0", "Q40.40"):
        with pytest.raises(ConversionError, match=r"Qm\.f"):
            FixedPoint.parse(text)


def test_rates_are_the_activations_that_were_sent():
    graph = network(ops.Relu())
    samples = {"x": np.random.default_rng(1).random((3, 6))}
    code = TemporalPatternCode(num_bits=16)
    converted = spiking(graph, code, samples)
    sent = run(converted, code, samples).rates("act")
    expected = node_values(graph, samples)["act"]
    np.testing.assert_allclose(sent, expected / expected.max(), atol=1e-4)
