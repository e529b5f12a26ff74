"""A converted network, written as NIR and read back, gives the same spikes; what NIR cannot say is refused by name."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.frontends.base import find_frontend
from snntoolbox.frontends.nir import NirFrontend, export_nir
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire, SoftmaxNeuron

NEURON = IntegrateAndFire(initial_potential=0.5)


def converted(*layers, shape=(7, 6, 2), output=None):
    """A chain of ops, with neurons before and after."""
    nodes = [Node("input", ops.Input(shape)), Node("first", ops.Spiking(IntegrateAndFire(0.4)), ("input",))]
    for number, op in enumerate(layers):
        nodes.append(Node(f"block/{number}", op, (nodes[-1].name,)))
    nodes.append(Node("last", ops.Spiking(NEURON), (nodes[-1].name,)))
    nodes.append(Node("out", ops.Spiking(output or Accumulator()), ("last",)))
    return Graph(tuple(nodes), ("out",), {"spike_code": "rate"})


def run(graph, x):
    with ReferenceBackend().compile(graph, batch_size=len(x)) as simulation:
        return simulation.run(ConstantCurrent(x), 30)


def assert_same_spikes(graph, path, rng, order=None, **options):
    export_nir(graph, path, **options)
    back = NirFrontend().parse(path)
    x = rng.uniform(size=(2, *graph.shapes["input"]))
    expected, got = run(graph, x), run(back, x)
    for name, counts in expected.spike_counts.items():
        if name in got.spike_counts:
            counts = counts[:, order] if name == "last" and order is not None else counts
            np.testing.assert_array_equal(got.spike_counts[name], counts, err_msg=name)
    np.testing.assert_allclose(got.output, expected.output, rtol=1e-12, atol=1e-12)
    assert sum(counts.sum() for counts in expected.spike_counts.values()) > 20
    return back


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.nir"


CONVS = {
    "plain": ops.Conv(np.ones((3, 3, 2, 4)) / 9),
    "strides": ops.Conv(np.ones((2, 2, 2, 4)) / 4, np.full(4, 0.1), (2, 1)),
    "padding": ops.Conv(np.ones((3, 3, 2, 4)) / 9, None, (), ((1, 1), (1, 1))),
    "padding before": ops.Conv(np.arange(32.0).reshape(2, 2, 2, 4) / 90, None, (2, 2), ((1, 0), (1, 0))),
    "padding after": ops.Conv(np.arange(32.0).reshape(2, 2, 2, 4) / 90, None, (), ((0, 1), (0, 1))),
    "padding of both kinds": ops.Conv(np.arange(32.0).reshape(2, 2, 2, 4) / 90, None, (), ((0, 1), (2, 1))),
    "kernel that is not square": ops.Conv(np.arange(48.0).reshape(3, 2, 2, 4) / 200, None, (), ((1, 1), (0, 1))),
    "no square kernel fits": ops.Conv(np.arange(48.0).reshape(3, 2, 2, 4) / 200),
    "dilation": ops.Conv(np.ones((2, 2, 2, 4)) / 4, None, (), (), (2, 1)),
    "dilation and padding": ops.Conv(np.arange(32.0).reshape(2, 2, 2, 4) / 90, None, (), ((0, 1), (1, 1)), (2, 2)),
    "depthwise": ops.Conv(np.arange(36.0).reshape(3, 3, 1, 4) / 200, np.full(4, 0.1), groups=2),
}


@pytest.mark.parametrize("op", CONVS.values(), ids=CONVS)
def test_convolutions(op, path, rng):
    assert_same_spikes(converted(op), path, rng)


def test_convolutions_of_one_axis(path, rng):
    layers = (ops.Conv(rng.random((3, 2, 4)), None, (2,), ((1, 0),)), ops.AveragePool((2,)))
    assert_same_spikes(converted(*layers, shape=(9, 2)), path, rng)


LAYERS = {
    "dense after flattening": (ops.Reshape((84,)), ops.Dense(np.arange(252.0).reshape(84, 3) / 10000, np.full(3, 0.1))),
    "dense without bias": (ops.Reshape((84,)), ops.Dense(np.arange(252.0).reshape(84, 3) / 10000)),
    "dense at every place": (ops.Dense(np.arange(6.0).reshape(2, 3) / 5, np.full(3, 0.1)),),
    "average pooling": (ops.AveragePool((2, 3)),),
    "average pooling with padding": (ops.AveragePool((3, 3), (2, 2), ((1, 1), (1, 1)), count_padding=True),),
    "average pooling with uneven padding": (ops.AveragePool((2, 2), (2, 2), ((0, 1), (0, 0)), count_padding=True),),
    "scale": (ops.Affine(np.array([0.5, 1.5])),),
    "scale and shift": (ops.Affine(np.array([0.5, 1.5]), np.array([0.1, -0.1])),),
    "scale of each element": (ops.Affine(np.arange(84.0).reshape(7, 6, 2) / 80),),
}


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_other_layers(layers, path, rng):
    assert_same_spikes(converted(*layers), path, rng)


FLAT = {
    "neurons": (ops.Reshape((84,)),),
    "shift": (ops.Reshape((84,)), ops.Affine(np.arange(84.0) / 80, np.arange(84.0) / 800)),
    "flat twice": (ops.Reshape((84,)), ops.Reshape((84,))),
}


@pytest.mark.parametrize("layers", FLAT.values(), ids=FLAT)
def test_neurons_that_are_flattened_are_in_the_order_of_nir(layers, path, rng):
    graph, order = converted(*layers), np.arange(84).reshape(42, 2).T.ravel()
    end = (Node("dense", ops.Dense(rng.random((84, 3))), ("last",)), Node("out", graph["out"].op, ("dense",)))
    assert_same_spikes(graph.with_nodes((*graph.nodes[:-1], *end)), path, rng, order)


def test_flat_outputs_are_in_the_order_of_the_graph(path, rng):
    export_nir(graph := converted(ops.Reshape((84,))), path)
    x = rng.uniform(size=(2, 7, 6, 2))
    np.testing.assert_allclose(run(NirFrontend().parse(path), x).output, run(graph, x).output)


NEURONS = {
    "threshold": IntegrateAndFire(0.7),
    "threshold of each channel": IntegrateAndFire(np.array([0.5, 0.8]), initial_potential=0.2),
    "amplitude": IntegrateAndFire(0.7, 1.2),
    "reset to zero": IntegrateAndFire(reset="zero"),
    "leak": IntegrateAndFire(0.5, leak_factor=0.9, initial_potential=0.1),
}


@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS)
@pytest.mark.parametrize("dt", [1.0, 1e-3])
def test_neurons(neuron, dt, path, rng):
    graph = converted(ops.Affine(np.array(0.9)), output=neuron)
    assert_same_spikes(graph, path, rng, dt=dt)


def test_neurons_whose_parameters_follow_the_elements(path, rng):
    threshold = rng.uniform(0.3, 1, 84)
    graph = converted(ops.Reshape((84,)), ops.Spiking(IntegrateAndFire(threshold, 1.0)), ops.Dense(rng.random((84, 3))))
    assert_same_spikes(graph, path, rng)


def test_branches_softmax_and_a_branch_taken_twice(path, rng):
    nodes = (
        Node("input", ops.Input((6, 6, 2))),
        Node("conv", ops.Conv(rng.normal(size=(3, 3, 2, 2)), rng.normal(size=2), (), ((1, 1), (1, 1))), ("input",)),
        Node("first", ops.Spiking(NEURON), ("conv",)),
        Node("body", ops.Conv(rng.normal(size=(3, 3, 2, 2)), None, (), ((1, 1), (1, 1))), ("first",)),
        Node("twice", ops.Add(), ("first", "first")),
        Node("sum", ops.Add(), ("body", "twice", "input", "first")),
        Node("second", ops.Spiking(NEURON), ("sum",)),
        Node("flat", ops.Reshape((72,)), ("second",)),
        Node("dense", ops.Dense(rng.normal(size=(72, 5)), rng.normal(size=5)), ("flat",)),
        Node("out", ops.Spiking(Accumulator()), ("dense",)),
        Node("soft", ops.Softmax(), ("out",)),
    )
    graph = Graph(nodes, ("soft",), {"spike_code": "rate"})
    back = assert_same_spikes(graph, path, rng)
    assert isinstance(back[back.outputs[0]].op, ops.Softmax)


def test_without_integrators(path, rng):
    import nir

    graph = converted(ops.Reshape((84,)), ops.Dense(rng.random((84, 3))))
    assert_same_spikes(graph, path, rng, integrators=False)
    assert not any(isinstance(node, nir.I) for node in nir.read(path).nodes.values())


def test_several_outputs(path, rng):
    graph = converted(ops.Affine(np.array(1.0)))
    both = Graph(graph.nodes, ("out", "last"), graph.attributes)
    export_nir(both, path)
    back = NirFrontend().parse(path)
    assert back.outputs == ("out", "last")


def test_poisson_input(path, rng):
    graph = converted(ops.Conv(rng.random((3, 3, 2, 4))))
    export_nir(graph, path)
    records = []
    for one in (graph, NirFrontend().parse(path)):
        with ReferenceBackend().compile(one, batch_size=2, seed=5) as simulation:
            records.append(simulation.run(PoissonSpikes(np.full((2, 7, 6, 2), 0.4)), 20))
    np.testing.assert_array_equal(records[0].spike_counts["last"], records[1].spike_counts["last"])


def test_files_pass_nir_s_own_check(path, rng):
    import nir

    graph = converted(
        ops.Conv(rng.random((3, 3, 1, 4)), groups=2),
        ops.Spiking(NEURON),
        ops.AveragePool((2, 2)),
        ops.Reshape((16,)),
        ops.Dense(rng.random((16, 3)), rng.random(3)),
    )
    export_nir(graph, path)
    assert nir.read(path).nodes["first"].metadata["reset"] in (b"subtract", "subtract")


def problems(graph, path):
    with pytest.raises(UnsupportedError) as error:
        export_nir(graph, path)
    assert not path.exists()
    return str(error.value)


REFUSED = {
    "SpikingMaxPool": (ops.SpikingMaxPool((2, 2)), "NIR has no SpikingMaxPool; convert with max2avg_pool=True"),
    "Pad": (ops.Pad(((1, 1), (1, 1), (0, 0))), "NIR has no Pad"),
    "Permute": (ops.Permute((1, 0, 2)), "NIR has no Permute"),
    "Upsample": (ops.Upsample((2, 2)), "NIR has no Upsample"),
    "Slice": (ops.Slice((0, 0, 0), (2, 2, 2), (1, 1, 1)), "NIR has no Slice"),
    "ConvTranspose": (ops.ConvTranspose(np.ones((2, 2, 2, 2))), "NIR has no ConvTranspose"),
    "Reshape": (ops.Reshape((6, 14)), "cannot reshape to (6, 14)"),
    "AveragePool": (ops.AveragePool((2, 2), padding=((0, 1), (0, 0))), "counts padded zeros"),
    "Affine": (ops.Affine(np.array(1.0), np.arange(84.0).reshape(7, 6, 2)), "no shift of each element"),
    "refractory": (ops.Spiking(IntegrateAndFire(refractory_steps=2)), "no refractory_steps = 2"),
    "clamp": (ops.Spiking(IntegrateAndFire(clamp_steps=3)), "no clamp_steps = 3"),
    "modulo": (ops.Spiking(IntegrateAndFire(reset="modulo")), "no reset by modulo"),
    "softmax": (ops.Spiking(SoftmaxNeuron()), "NIR has no SoftmaxNeuron"),
}


@pytest.mark.parametrize("op, message", REFUSED.values(), ids=REFUSED)
def test_refusals(op, message, path):
    assert f"node 'block/0' ({op.kind}): " in problems(converted(op), path)
    assert message in problems(converted(op), path)


def test_convolutions_of_three_axes_are_refused(path):
    graph = converted(ops.Conv(np.ones((1, 1, 1, 2, 2))), shape=(3, 3, 3, 2))
    assert "NIR convolves over 1 or 2 axes, not 3" in problems(graph, path)


def test_concatenation_is_refused(path):
    nodes = (
        Node("input", ops.Input((4,))),
        Node("joined", ops.Concat(), ("input", "input")),
        Node("out", ops.Spiking(Accumulator()), ("joined",)),
    )
    assert "'joined' (Concat): NIR has no Concat" in problems(Graph(nodes, ("out",), {"spike_code": "rate"}), path)


def test_sums_of_differently_ordered_values_are_refused(path):
    nodes = (
        Node("input", ops.Input((2, 2, 2))),
        Node("flat", ops.Reshape((8,)), ("input",)),
        Node("dense", ops.Dense(np.ones((8, 8))), ("flat",)),
        Node("sum", ops.Add(), ("flat", "dense")),
        Node("out", ops.Spiking(Accumulator()), ("sum",)),
    )
    message = problems(Graph(nodes, ("out",), {"spike_code": "rate"}), path)
    assert "'sum' (Add): it adds values that NIR would have in different order" in message


def test_other_heads_are_refused(path):
    graph = converted(ops.Affine(np.array(1.0)))
    nodes = (*graph.nodes, Node("tanh", ops.Activation("tanh"), ("out",)))
    assert "'tanh' (Activation)" in problems(Graph(nodes, ("tanh",), graph.attributes), path)


def test_networks_that_are_not_converted_are_refused(path):
    graph = converted(ops.Affine(np.array(1.0)))
    assert "call convert() first" in problems(Graph(graph.nodes, graph.outputs), path)


def test_advice_without_the_package(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    assert "pip install 'snntoolbox[nir]'" in problems(converted(ops.Affine(np.array(1.0))), path)


def test_the_frontend_is_found(path):
    export_nir(converted(ops.Affine(np.array(1.0))), path)
    frontend = find_frontend(path)
    assert isinstance(frontend, NirFrontend)
    assert isinstance(find_frontend(frontend.load(path)), NirFrontend)
    with pytest.raises(UnsupportedError, match="without an ANN to compare it with"):
        frontend.reference_outputs(frontend.load(path), np.zeros((1, 7, 6, 2)))


def test_missing_and_damaged_files(tmp_path):
    with pytest.raises(DataError, match="no NIR file"):
        NirFrontend().load(tmp_path / "none.nir")
    (tmp_path / "text.nir").write_text("no HDF5")
    with pytest.raises(DataError, match="is not a NIR file"):
        NirFrontend().load(tmp_path / "text.nir")
    with pytest.raises(DataError, match="cannot write"):
        export_nir(converted(ops.Affine(np.array(1.0))), tmp_path / "none" / "net.nir")
