"""The synapses of a graph do exactly what its ops do, for every op, padding, stride, dilation and group."""

from __future__ import annotations

import itertools
import time
from math import prod

import numpy as np
import pytest

from snntoolbox.backends.connections import connect, constant_current, depths, sources
from snntoolbox.backends.kernels import apply_op
from snntoolbox.errors import GraphError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire

TOLERANCE = 1e-12


def spiking(graph_nodes, last, outputs=None):
    """The nodes with neurons after the last of them."""
    return Graph((*graph_nodes, Node("out", ops.Spiking(Accumulator()), (last,))), outputs or ("out",))


def through_synapses(graph, target, values):
    """What arrives at each neuron of ``target`` through its synapses when each source sends ``values``."""
    batch = len(next(iter(values.values())))
    total = np.repeat(constant_current(graph, target), batch, axis=0).reshape(batch, -1)
    for synapses in connect(graph, target):
        sent = values[synapses.source].reshape(batch, -1)
        for sample in range(batch):
            total[sample] += np.bincount(synapses.post, synapses.weight * sent[sample, synapses.pre], total.shape[1])
    return total.reshape(batch, *graph.shapes[target])


def through_ops(graph, target, values):
    computed = dict(values)
    for node in graph.nodes:
        if node.name == target:
            return computed[node.inputs[0]]
        if node.name not in computed:
            computed[node.name] = apply_op(node.op, *(computed[source] for source in node.inputs))
    raise AssertionError(target)


def check(graph, rng, target="out", batch=2):
    values = {name: rng.normal(size=(batch, *graph.shapes[name])) for name in sources(graph, target)}
    expected = through_ops(graph, target, values)
    np.testing.assert_allclose(through_synapses(graph, target, values), expected, rtol=TOLERANCE, atol=TOLERANCE)


def one_op(op, shape):
    return spiking((Node("input", ops.Input(shape)), Node("op", op, ("input",))), "op")


CONVS = [
    (window, strides, dilation, padding, groups)
    for window, strides, dilation, padding, groups in itertools.product(
        [(1, 1), (2, 2), (3, 2), (4, 3)],
        [(1, 1), (2, 1), (3, 2)],
        [(1, 1), (2, 1)],
        [((0, 0), (0, 0)), ((1, 0), (0, 1)), ((2, 1), (1, 3))],
        [1, 2, 4],
    )
]


@pytest.mark.parametrize("window, strides, dilation, padding, groups", CONVS)
def test_convolutions(rng, window, strides, dilation, padding, groups):
    kernel, bias = rng.normal(size=(*window, 4 // groups, 8)), rng.normal(size=8)
    check(one_op(ops.Conv(kernel, bias, strides, padding, dilation, groups), (8, 9, 4)), rng)


@pytest.mark.parametrize("window, strides, dilation, padding, groups", CONVS)
@pytest.mark.parametrize("extra", [(0, 0), (0, 1)])
def test_transposed_convolutions(rng, window, strides, dilation, padding, groups, extra):
    kernel, bias = rng.normal(size=(*window, 4, 8 // groups)), rng.normal(size=8)
    check(one_op(ops.ConvTranspose(kernel, bias, strides, padding, dilation, extra, groups), (4, 5, 4)), rng)


@pytest.mark.parametrize("rank", [1, 3])
def test_convolutions_of_any_rank(rng, rank):
    kernel = rng.normal(size=(*(2, 3, 2)[:rank], 3, 2))
    op = ops.Conv(kernel, rng.normal(size=2), (2, 1, 1)[:rank], ((1, 0),) * rank)
    check(one_op(op, (*(6, 5, 4)[:rank], 3)), rng)
    check(one_op(ops.ConvTranspose(kernel, None, (2, 1, 3)[:rank]), (*(3, 2, 2)[:rank], 3)), rng)


@pytest.mark.parametrize("count_padding", [False, True])
@pytest.mark.parametrize("strides", [(), (1, 1), (3, 2)])
@pytest.mark.parametrize("padding", [(), ((1, 0), (0, 1)), ((1, 1), (1, 1))])
def test_average_pooling(rng, strides, padding, count_padding):
    check(one_op(ops.AveragePool((3, 2), strides, padding, count_padding), (7, 6, 3)), rng)


@pytest.mark.parametrize(
    "op",
    [
        ops.Reshape((12, 5, 2)),
        ops.Permute((2, 0, 1)),
        ops.Pad(((1, 2), (0, 1), (1, 0))),
        ops.Slice((1, 0, 1), (4, 6, 5), (2, 3, 1)),
        ops.Upsample((2, 3)),
        ops.Affine(np.array([1.5, -2.0, 0.5, 1.0, 3.0]), np.arange(5.0)),
        ops.Affine(np.array(2.0)),
        ops.Dense(np.arange(15.0).reshape(5, 3) - 7, np.array([1.0, -1.0, 0.5])),
    ],
    ids=lambda op: op.kind,
)
def test_other_ops_with_one_input(rng, op):
    check(one_op(op, (4, 6, 5)), rng)


def test_a_dense_layer_of_a_vector(rng):
    check(one_op(ops.Dense(rng.normal(size=(7, 4)), rng.normal(size=4)), (7,)), rng)


def test_chains_compose(rng):
    nodes = (
        Node("input", ops.Input((9, 8, 3))),
        Node("scale", ops.Affine(rng.normal(size=3), rng.normal(size=3)), ("input",)),
        Node("pool", ops.AveragePool((2, 2), (2, 2), ((0, 1), (1, 1))), ("scale",)),
        Node("conv", ops.Conv(rng.normal(size=(2, 2, 3, 4)), rng.normal(size=4), (2, 1), ((1, 0), (0, 1))), ("pool",)),
        Node("norm", ops.Affine(rng.normal(size=4), rng.normal(size=4)), ("conv",)),
        Node("flat", ops.Reshape((5 * 5 * 4 // 5 * 3,)), ("norm",)),
    )
    shape = nodes[3].op.infer(nodes[2].op.infer((9, 8, 3)))
    flat = Node("flat", ops.Reshape((prod(shape),)), ("norm",))
    dense = Node("dense", ops.Dense(rng.normal(size=(prod(shape), 6)), rng.normal(size=6)), ("flat",))
    check(spiking((*nodes[:-1], flat, dense), "dense"), rng)


def residual(rng):
    """Two layers of neurons whose second gets an identity shortcut, a projection, the input and itself twice."""
    return Graph(
        (
            Node("input", ops.Input((5, 5, 2))),
            Node("conv", ops.Conv(rng.normal(size=(3, 3, 2, 4)), rng.normal(size=4), (), ((1, 1), (1, 1))), ("input",)),
            Node("first", ops.Spiking(IntegrateAndFire()), ("conv",)),
            Node("body", ops.Conv(rng.normal(size=(2, 2, 4, 4)), rng.normal(size=4), (), ((0, 1), (1, 0))), ("first",)),
            Node("scaled", ops.Affine(np.array(0.5), np.array(0.25)), ("first",)),
            Node("projected", ops.Conv(rng.normal(size=(1, 1, 2, 4)), None), ("input",)),
            Node("sum", ops.Add(), ("body", "scaled", "projected", "first", "first")),
            Node("second", ops.Spiking(IntegrateAndFire()), ("sum",)),
            Node("joined", ops.Concat(-1), ("second", "first", "input")),
            Node("out", ops.Spiking(Accumulator()), ("joined",)),
        ),
        ("out",),
    )


@pytest.mark.parametrize("target", ["first", "second", "out"])
def test_branches_and_sums(rng, target):
    check(residual(rng), rng, target)


def test_sources_are_the_nearest_populations(rng):
    graph = residual(rng)
    assert sources(graph, "first") == ("input",)
    assert sources(graph, "second") == ("input", "first")
    assert sources(graph, "out") == ("input", "first", "second")


def test_depths_are_the_longest_ways(rng):
    assert depths(residual(rng)) == {"input": 0, "first": 1, "second": 2, "out": 3}


def test_constant_input_needs_no_synapses(rng):
    graph = residual(rng)
    assert [s.source for s in connect(graph, "second", frozenset({"input"}))] == ["first"]
    x = rng.normal(size=(3, 5, 5, 2))
    silent = np.zeros((3, *graph.shapes["first"]))
    expected = through_ops(graph, "second", {"input": x, "first": silent})
    np.testing.assert_array_equal(constant_current(graph, "second", {"input": x}), expected)


def test_synapses_are_sorted_and_unique(rng):
    for synapses in connect(residual(rng), "second"):
        order = synapses.post * 1000 + synapses.pre
        assert np.all(np.diff(order) > 0)
        assert np.all(synapses.weight != 0)


def test_copies_do_not_touch_each_other(rng):
    (synapses,) = connect(one_op(ops.Dense(rng.normal(size=(4, 3))), (4,)), "out")
    three = synapses.repeat(3, 4, 3)
    assert len(three) == 3 * len(synapses)
    np.testing.assert_array_equal(three.pre // 4, three.post // 3)
    np.testing.assert_array_equal(three.pre[-12:] - 8, synapses.pre)
    np.testing.assert_array_equal(three.post[-12:] - 6, synapses.post)
    np.testing.assert_array_equal(three.weight[12:24], synapses.weight)


def test_what_is_not_linear_is_refused():
    graph = one_op(ops.Relu(), (4,))
    with pytest.raises(UnsupportedError, match="Relu is no linear map"):
        connect(graph, "out")


def test_a_node_with_two_inputs_is_no_population():
    nodes = (Node("a", ops.Input((2,))), Node("b", ops.Input((2,))), Node("sum", ops.Add(), ("a", "b")))
    graph = Graph(nodes, ("sum",))
    with pytest.raises(GraphError, match=r"'sum' \(Add\): expected a population with one input, it has 2"):
        connect(graph, "sum")


def test_a_million_synapses_take_seconds(rng):
    graph = one_op(ops.Conv(rng.normal(size=(5, 5, 4, 20)), rng.normal(size=20)), (28, 28, 4))
    start = time.process_time()
    (synapses,) = connect(graph, "out")
    assert len(synapses) == 24 * 24 * 20 * 100
    assert time.process_time() - start < 5
