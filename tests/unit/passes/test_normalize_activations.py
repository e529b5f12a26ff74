"""Normalisation: same outputs, every value divided by its scale, whatever the structure."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import IntegrateAndFire
from snntoolbox.passes.normalize_activations import NormalizeActivations
from snntoolbox.passes.scales import node_scales
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.random_graphs import random_samples

RNG = np.random.default_rng(0)
SHAPE = (4, 4, 3)
RELU = ops.Relu()
SAME = ((1, 1), (1, 1))


def normal(*shape):
    return RNG.normal(size=shape)


def conv(size_in=3, size_out=3, **options):
    options = {"padding": SAME} | options
    return ops.Conv(normal(3, 3, size_in // options.get("groups", 1), size_out), normal(size_out), **options)


def scales_for(graph, channel_wise):
    return {
        node.name: RNG.uniform(0.2, 5, size=graph.shapes[node.name][-1:] if channel_wise else ())
        for node in graph.nodes
        if isinstance(node.op, ops.Relu)
    }


def check(graph, scales, keep_head=True):
    """Outputs are the same, and every value is the old one divided by its scale."""
    after = NormalizeActivations(scales, keep_head)(graph)
    settled = node_scales(graph, scales, keep_head=keep_head)
    samples = random_samples(graph, 0)
    old, new = node_values(graph, samples), node_values(after, samples)
    for name, out in zip(graph.outputs, after.outputs, strict=True):
        np.testing.assert_allclose(new[out], old[name], atol=1e-9)
    for name in graph.shapes:
        np.testing.assert_allclose(new[name] * settled[name], old[name], atol=1e-9)
    return after, settled


def graph_of(*nodes, shape=SHAPE, outputs=("out",)):
    return Graph((Node("x", ops.Input(shape)), *nodes), outputs)


STRUCTURES = {
    "chain": graph_of(
        Node("c1", conv(3, 5), ("x",)),
        Node("r1", RELU, ("c1",)),
        Node("c2", conv(5, 2), ("r1",)),
        Node("r2", RELU, ("c2",)),
        Node("f", ops.Reshape((32,)), ("r2",)),
        Node("d", ops.Dense(normal(32, 4), normal(4)), ("f",)),
        Node("out", ops.Softmax(), ("d",)),
    ),
    "identity shortcut": graph_of(
        Node("c0", conv(), ("x",)),
        Node("r0", RELU, ("c0",)),
        Node("c1", conv(), ("r0",)),
        Node("r1", RELU, ("c1",)),
        Node("c2", conv(), ("r1",)),
        Node("sum", ops.Add(), ("c2", "r0")),
        Node("r2", RELU, ("sum",)),
        Node("out", conv(), ("r2",)),
    ),
    "projection shortcut": graph_of(
        Node("c0", conv(), ("x",)),
        Node("r0", RELU, ("c0",)),
        Node("c1", conv(3, 5), ("r0",)),
        Node("r1", RELU, ("c1",)),
        Node("c2", conv(5, 5), ("r1",)),
        Node("p", conv(3, 5), ("r0",)),
        Node("sum", ops.Add(), ("c2", "p")),
        Node("r2", RELU, ("sum",)),
        Node("out", conv(5, 2), ("r2",)),
    ),
    "bottleneck with a ceiling": graph_of(
        Node("c0", conv(), ("x",)),
        Node("r0", ops.Relu(6.0), ("c0",)),
        Node("c1", conv(3, 2), ("r0",)),
        Node("r1", ops.Relu(1.5), ("c1",)),
        Node("c2", conv(2, 2, groups=2), ("r1",)),
        Node("r2", ops.Relu(np.array([0.5, 2.0])), ("c2",)),
        Node("c3", conv(2, 3), ("r2",)),
        Node("sum", ops.Add(), ("r0", "c3")),
        Node("out", conv(), ("sum",)),
    ),
    "dense concatenation": graph_of(
        Node("c0", conv(), ("x",)),
        Node("r0", RELU, ("c0",)),
        Node("c1", conv(3, 2), ("r0",)),
        Node("r1", RELU, ("c1",)),
        Node("cat1", ops.Concat(-1), ("r0", "r1", "x")),
        Node("n", ops.Affine(normal(8), normal(8)), ("cat1",)),
        Node("r2", RELU, ("n",)),
        Node("c2", conv(8, 2), ("r2",)),
        Node("cat2", ops.Concat(-1), ("cat1", "c2")),
        Node("out", conv(10, 2), ("cat2",)),
    ),
    "rectified sum with a linear branch": graph_of(
        Node("c1", conv(), ("x",)),
        Node("sum", ops.Add(), ("c1", "x")),
        Node("r", RELU, ("sum",)),
        Node("out", conv(), ("r",)),
    ),
    "pre-activation": graph_of(
        Node("c0", conv(), ("x",)),
        Node("n0", ops.Affine(normal(3), normal(3)), ("c0",)),
        Node("r0", RELU, ("n0",)),
        Node("c1", conv(), ("r0",)),
        Node("sum", ops.Add(), ("c1", "c0")),
        Node("n1", ops.Affine(normal(3), normal(3)), ("sum",)),
        Node("r1", RELU, ("n1",)),
        Node("c2", conv(), ("r1",)),
        Node("sum2", ops.Add(), ("c2", "sum")),
        Node("out", ops.AveragePool((4, 4)), ("sum2",)),
    ),
    "one convolution, two uses": graph_of(
        Node("c", conv(), ("x",)),
        Node("a", RELU, ("c",)),
        Node("b", RELU, ("c",)),
        Node("sum", ops.Add(), ("a", "b", "c")),
        Node("out", conv(), ("sum",)),
    ),
    "space becomes features": graph_of(
        Node("c", conv(), ("x",)),
        Node("r", RELU, ("c",)),
        Node("p", ops.Permute((2, 0, 1)), ("r",)),
        Node("u", ops.MaxPool((2, 2)), ("p",)),
        Node("f", ops.Reshape((8,)), ("u",)),
        Node("s", RELU, ("f",)),
        Node("out", ops.Dense(normal(8, 2)), ("s",)),
    ),
    "moved": graph_of(
        Node("c", ops.ConvTranspose(normal(2, 2, 3, 2), padding=SAME), ("x",)),
        Node("up", ops.Upsample((2, 2)), ("c",)),
        Node("r", RELU, ("up",)),
        Node("pad", ops.Pad(((1, 1), (0, 0), (0, 0))), ("r",)),
        Node("cut", ops.Slice((0, 0, 1), (8, 4, 2), (2, 1, 1)), ("pad",)),
        Node("pool", ops.AveragePool((2, 2), padding=SAME, count_padding=True), ("cut",)),
        Node("out", conv(1, 2), ("pool",)),
    ),
    "weights behind weights": graph_of(
        Node("a", conv(3, 3, groups=3), ("x",)),
        Node("b", conv(3, 4), ("a",)),
        Node("r", RELU, ("b",)),
        Node("c", conv(4, 4), ("r",)),
        Node("out", conv(4, 2), ("c",)),
    ),
    "rectified twice": graph_of(
        Node("a", conv(), ("x",)),
        Node("r", RELU, ("a",)),
        Node("s", ops.Relu(1.0), ("r",)),
        Node("out", conv(), ("s",)),
    ),
    "leaky": graph_of(
        Node("a", conv(), ("x",)),
        Node("r", ops.Relu(negative_slope=0.1), ("a",)),
        Node("b", conv(), ("r",)),
        Node("s", ops.Relu(negative_slope=np.array([0.0, 0.5, -0.2])), ("b",)),
        Node("out", conv(), ("s",)),
    ),
    "several outputs": graph_of(
        Node("a", conv(), ("x",)),
        Node("features", RELU, ("a",)),
        Node("b", conv(), ("features",)),
        Node("r", RELU, ("b",)),
        Node("pooled", ops.MaxPool((2, 2)), ("r",)),
        Node("out", ops.Activation("sigmoid"), ("b",)),
        outputs=("out", "features", "b", "pooled", "x"),
    ),
    "activations inside": graph_of(
        Node("a", conv(), ("x",)),
        Node("r", RELU, ("a",)),
        Node("s", ops.Activation("tanh"), ("r",)),
        Node("b", conv(), ("s",)),
        Node("out", RELU, ("b",)),
    ),
}


@pytest.mark.parametrize("keep_head", [True, False], ids=["head", "neurons"])
@pytest.mark.parametrize("channel_wise", [False, True], ids=["layers", "channels"])
@pytest.mark.parametrize("graph", STRUCTURES.values(), ids=STRUCTURES)
def test_outputs_stay_and_values_are_divided(graph, channel_wise, keep_head):
    check(graph, scales_for(graph, channel_wise), keep_head)


@pytest.mark.parametrize("name", ["chain", "projection shortcut", "weights behind weights"])
@pytest.mark.parametrize("channel_wise", [False, True], ids=["layers", "channels"])
def test_weights_absorb_everything_where_they_can(name, channel_wise):
    graph = STRUCTURES[name]
    after, _ = check(graph, scales_for(graph, channel_wise))
    assert len(after.nodes) == len(graph.nodes)


def test_equation(chain):
    """Rueckauer 2020, section 2.1.2.2: W -> W λ_in / λ_out, b -> b / λ_out."""
    first, second = (ops.Dense(normal(3, 3), normal(3)) for _ in range(2))
    graph = chain((3,), a=first, r=RELU, b=second, s=RELU, out=ops.Dense(normal(3, 2), normal(2)))
    after = NormalizeActivations({"r": 2.0, "s": 5.0})(graph)
    np.testing.assert_allclose(after["a"].op.weight, first.weight / 2)
    np.testing.assert_allclose(after["b"].op.weight, second.weight * 2 / 5)
    np.testing.assert_allclose(after["b"].op.bias, second.bias / 5)
    np.testing.assert_allclose(after["out"].op.weight, graph["out"].op.weight * 5)
    np.testing.assert_array_equal(after["out"].op.bias, graph["out"].op.bias)


def test_an_identity_shortcut_is_scaled_by_the_ratio_of_the_scales():
    after, _ = check(STRUCTURES["identity shortcut"], {"r0": 2.0, "r1": 3.0, "r2": 5.0})
    assert after["sum"].inputs == ("c2", "r0_rescale")
    assert after["r0_rescale"].op.scale == pytest.approx(2 / 5)


def test_wires_of_one_rescaling_share_it():
    graph = graph_of(
        Node("a", conv(), ("x",)),
        Node("r", RELU, ("a",)),
        Node("twice", ops.Add(), ("r", "r")),
        Node("s", RELU, ("twice",)),
        Node("out", conv(), ("s",)),
    )
    after, _ = check(graph, {"r": 2.0, "s": 3.0})
    assert after["twice"].inputs == ("r_rescale", "r_rescale")


def test_channels_of_a_concatenation_keep_their_scales():
    graph = STRUCTURES["dense concatenation"]
    after, settled = check(graph, {"r0": 2.0, "r1": 3.0, "r2": 5.0})
    np.testing.assert_array_equal(settled["cat1"], [2, 2, 2, 3, 3, 1, 1, 1])
    assert after["cat1"].inputs == graph["cat1"].inputs


def test_a_ceiling_is_scaled():
    after, _ = check(STRUCTURES["bottleneck with a ceiling"], {"r0": 6.0, "r1": 1.0, "r2": np.array([0.25, 2.0])})
    assert after["r0"].op.max_value == 1.0
    assert after["r1"].op.max_value == 1.5
    np.testing.assert_array_equal(after["r2"].op.max_value, [2.0, 1.0])


def test_rectifiers_of_the_output_stay_in_units_of_the_network(chain):
    graph = chain((3,), fc=ops.Dense(normal(3, 3)), out=ops.Relu(2.0))
    assert NormalizeActivations({"out": 4.0})(graph).equals(graph)
    after, settled = check(graph, {"out": 4.0}, keep_head=False)
    assert settled["out"] == 4 and after.outputs == ("out_rescale",)
    assert after["out"].op.max_value == 0.5


def test_parameters_keep_their_dtype():
    single = STRUCTURES["identity shortcut"]
    nodes = [
        Node(n.name, n.op.replace(**{k: v.astype(np.float32) for k, v in n.op.parameters().items()}), n.inputs)
        for n in single.nodes
    ]
    after = NormalizeActivations({"r0": 2.0, "r1": 3.0, "r2": 5.0})(single.with_nodes(nodes))
    assert all(a.dtype == np.float32 for n in after.nodes for a in n.op.parameters().values())


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ({}, r"node 'r' \(Relu\): no scale given"),
        ({"r": 1.0, "fc": 2.0}, "'fc' is no Relu"),
        ({"r": 0.0}, "finite scales > 0"),
        ({"r": np.nan}, "finite scales > 0"),
        ({"r": np.ones(2)}, "one scale for each of 3 channels"),
    ],
)
def test_wrong_scales_are_refused(scales, message, chain):
    graph = chain((3,), fc=ops.Dense(normal(3, 3)), r=RELU, out=ops.Dense(normal(3, 3)))
    with pytest.raises(ConversionError, match=message):
        NormalizeActivations(scales)(graph)


def test_spiking_graphs_are_refused(chain):
    with pytest.raises(ConversionError, match="spiking already"):
        NormalizeActivations({})(chain((3,), n=ops.Spiking(IntegrateAndFire())))
