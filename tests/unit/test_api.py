"""The steps from Python: parse, evaluate, convert, simulate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snntoolbox
from snntoolbox.api import encode, load_backend
from snntoolbox.backends import Probes
from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion, code_of
from snntoolbox.errors import (
    BackendUnavailableError,
    ConversionError,
    DataError,
    DeviationError,
    RegistryError,
    SimulationError,
    UnsupportedError,
)
from snntoolbox.ir import Graph, Node, save_graph
from snntoolbox.ir.ops import Activation, Add, Affine, Conv, Dense, Input, MaxPool, Relu, Reshape, Softmax


@pytest.fixture
def graph(rng: np.random.Generator) -> Graph:
    """A small network with most of what matters: convolution, batch norm, max-pooling, a shortcut, softmax."""
    kernel = rng.normal(size=(3, 3, 2, 3), scale=0.4).astype(np.float32)
    own = rng.normal(size=(3, 3, 3, 3), scale=0.3).astype(np.float32)
    nodes = (
        Node("x", Input((6, 6, 2))),
        Node("conv", Conv(kernel, rng.normal(size=3).astype(np.float32), padding=((1, 1), (1, 1))), ("x",)),
        Node("bn", Affine(np.float32([2, 1, 0.5]), np.float32([0.1, 0, -0.1])), ("conv",)),
        Node("relu", Relu(), ("bn",)),
        Node("branch", Conv(own, padding=((1, 1), (1, 1))), ("relu",)),
        Node("sum", Add(), ("relu", "branch")),
        Node("relu2", Relu(), ("sum",)),
        Node("pool", MaxPool((2, 2)), ("relu2",)),
        Node("flat", Reshape((27,)), ("pool",)),
        Node("fc", Dense(rng.normal(size=(27, 4), scale=0.3).astype(np.float32)), ("flat",)),
        Node("probability", Softmax(), ("fc",)),
    )
    return Graph(nodes, ("probability",))


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return rng.random((40, 6, 6, 2)).astype(np.float32)


def test_the_output_approaches_the_ann(graph: Graph, x: np.ndarray) -> None:
    spiking = snntoolbox.convert(graph, x)
    record = snntoolbox.simulate(spiking, x[:20], backend="reference", num_steps=200, batch_size=7)
    expected = snntoolbox.evaluate(graph, x[:20])
    assert np.abs(record.output - expected).max() < 0.02
    assert np.mean(record.output.argmax(-1) == expected.argmax(-1)) == 1
    errors = np.abs(record.output_over_time - expected).mean(axis=(1, 2))
    assert errors[-1] < errors[9] < errors[0]


def test_batches_of_any_size_give_the_same(graph: Graph, x: np.ndarray) -> None:
    spiking = snntoolbox.convert(graph, x, poisson_rate=0.5)
    records = [snntoolbox.simulate(spiking, x[:9], backend="reference", num_steps=5, batch_size=b) for b in (1, 4, 9)]
    for record in records[1:]:
        assert np.array_equal(record.output, records[0].output)


def test_options_reach_conversion_and_code(graph: Graph, x: np.ndarray) -> None:
    spiking = snntoolbox.convert(graph, x, max2avg_pool=True, threshold=2.0, reset="zero", percentile=95)
    kinds = [node.op.kind for node in spiking.nodes]
    assert "AveragePool" in kinds
    assert "SpikingMaxPool" not in kinds
    assert code_of(spiking) == RateCode(threshold=2.0, reset="zero")


def test_unknown_options_are_all_named(graph: Graph, x: np.ndarray) -> None:
    with pytest.raises(ConversionError, match=r"'percentil'.*Did you mean 'percentile'.*'nonsense'.*no such option"):
        snntoolbox.convert(graph, x, percentil=99, nonsense=1)


def test_the_code_travels_with_the_graph(graph: Graph, x: np.ndarray, tmp_path: Path) -> None:
    spiking = snntoolbox.convert(graph, x, poisson_rate=0.5, peak=2.0)
    save_graph(spiking, tmp_path / "snn.h5")
    again = snntoolbox.parse(tmp_path / "snn.h5")
    assert again.equals(spiking)
    stimulus = encode(again, x[:2])["x"]
    assert isinstance(stimulus, PoissonSpikes)
    assert (stimulus.rate, stimulus.peak) == (0.5, 2.0)


def test_a_stimulus_can_be_given(graph: Graph, x: np.ndarray) -> None:
    spiking = snntoolbox.convert(graph, x)
    probes = Probes(spikes=("relu",))
    by_values = snntoolbox.simulate(spiking, x[:3], backend="reference", num_steps=4, probes=probes)
    given = snntoolbox.simulate(spiking, ConstantCurrent(x[:3]), backend="reference", num_steps=4, probes=probes)
    assert np.array_equal(by_values.output, given.output)
    assert given.spike_trains["relu"].shape == (4, 3, 6, 6, 3)


def test_without_samples_nothing_is_scaled(graph: Graph) -> None:
    spiking = snntoolbox.convert(graph)
    assert np.array_equal(spiking["fc"].op.weight, graph["fc"].op.weight)


def test_samples_may_be_batches_but_not_an_iterator(graph: Graph, x: np.ndarray) -> None:
    whole = snntoolbox.convert(graph, x)
    assert snntoolbox.convert(graph, [x[:15], x[15:]]).equals(whole)
    with pytest.raises(ConversionError, match="iterator that ends"):
        snntoolbox.convert(graph, iter([x]))


def test_the_maximum_is_percentile_100(graph: Graph, x: np.ndarray) -> None:
    assert snntoolbox.convert(graph, x, method="maximum").equals(snntoolbox.convert(graph, x, percentile=100.0))
    with pytest.raises(ConversionError, match=r"expected one of percentile, maximum, .*, got 'median'"):
        snntoolbox.convert(graph, x, method="median")


@pytest.mark.parametrize("backend", ["reference", "tensorflow"])
def test_several_inputs_and_outputs(backend: str, rng: np.random.Generator) -> None:
    nodes = (
        Node("a", Input((3,))),
        Node("b", Input((2,))),
        Node("fa", Dense(rng.normal(size=(3, 5))), ("a",)),
        Node("fb", Dense(rng.normal(size=(2, 5))), ("b",)),
        Node("sum", Add(), ("fa", "fb")),
        Node("hidden", Relu(), ("sum",)),
        Node("one", Dense(rng.normal(size=(5, 2))), ("hidden",)),
        Node("gate", Dense(rng.normal(size=(5, 1))), ("hidden",)),
        Node("two", Activation("sigmoid"), ("gate",)),
    )
    graph = Graph(nodes, ("one", "two"))
    samples = {"a": rng.random((30, 3)), "b": rng.random((30, 2))}
    spiking = snntoolbox.convert(graph, samples)
    record = snntoolbox.simulate(spiking, samples, backend=backend, num_steps=300, batch_size=12)
    expected = snntoolbox.evaluate(graph, samples, nodes=("one", "two"))
    assert list(record.outputs) == ["one", "two"]
    for name, values in expected.items():
        assert np.abs(record.outputs[name] - values).max() < 0.05
        assert record.outputs_over_time[name].shape == (300, *values.shape)


def test_a_missing_input_is_named(rng: np.random.Generator) -> None:
    nodes = (Node("a", Input((3,))), Node("b", Input((3,))), Node("sum", Add(), ("a", "b")))
    graph = Graph((*nodes, Node("fc", Dense(rng.normal(size=(3, 2))), ("sum",))), ("fc",))
    spiking = snntoolbox.convert(graph)
    with pytest.raises(SimulationError, match=r"expected a stimulus for each of the inputs \('a', 'b'\), got \['a'\]"):
        snntoolbox.simulate(spiking, {"a": np.zeros((2, 3))}, backend="reference", num_steps=2)


def test_inner_activations_are_refused_by_name(graph: Graph, x: np.ndarray) -> None:
    nodes = [Node(n.name, Activation("tanh"), n.inputs) if n.name == "relu" else n for n in graph.nodes]
    with pytest.raises(UnsupportedError, match=r"'relu' \(Activation\)"):
        snntoolbox.convert(graph.with_nodes(nodes), x)


def test_a_deviation_above_the_tolerance_stops(graph: Graph, x: np.ndarray) -> None:
    with pytest.raises(DeviationError, match="in pass fold_batch_norm"):
        snntoolbox.convert(graph, x, tolerance=1e-30)


def test_a_graph_must_be_converted_before_it_is_simulated(graph: Graph, x: np.ndarray) -> None:
    for given in (x, ConstantCurrent(x)):
        with pytest.raises(UnsupportedError, match="has not been converted"):
            snntoolbox.simulate(graph, given, backend="reference", num_steps=3)
    with pytest.raises(ConversionError, match="has no spike code"):
        code_of(graph)


def test_wrong_input_is_named(graph: Graph, x: np.ndarray) -> None:
    spiking = snntoolbox.convert(graph, x)
    with pytest.raises(SimulationError, match=r"input 'x': expected .* samples of shape \(6, 6, 2\)"):
        snntoolbox.simulate(spiking, x[:, :5], backend="reference", num_steps=3)
    with pytest.raises(DataError, match="no samples"):
        snntoolbox.simulate(spiking, x[:0], backend="reference", num_steps=3)
    with pytest.raises(RegistryError, match="unknown backend 'refrence'"):
        snntoolbox.simulate(spiking, x, backend="refrence", num_steps=3)


def test_an_unavailable_backend_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from snntoolbox.backends.reference import ReferenceBackend

    monkeypatch.setattr(ReferenceBackend, "why_unavailable", classmethod(lambda cls: "install it so"))
    with pytest.raises(BackendUnavailableError, match="'reference' cannot be used here: install it so"):
        load_backend("reference")


def test_conversion_keeps_every_form_of_the_network(graph: Graph, x: np.ndarray) -> None:
    converted = Conversion().run(graph, x, RateCode())
    assert set(converted.deviations) == {"remove_identities", "fold_batch_norm", "normalize_activations"}
    assert max(converted.deviations.values()) < 1e-5
    assert "bn" not in converted.prepared
    rates = snntoolbox.evaluate(converted.normalized, x, nodes=("relu", "relu2"))
    for name, values in rates.items():
        assert np.percentile(values[values > 0], 99.9) == pytest.approx(1, abs=0.01), name
