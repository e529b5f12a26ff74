"""Folding: everywhere it is exact, nowhere else, and always the same function."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.fold_batch_norm import FoldBatchNorm

RNG = np.random.default_rng(0)
SHAPE = (6, 6, 3)
SAME = ((1, 1), (1, 1))


def normal(*shape):
    return RNG.normal(size=shape)


def norm(channels, positive=False):
    scale = normal(channels)
    return ops.Affine(np.abs(scale) + 0.1 if positive else scale, normal(channels))


def conv(size_in, size_out, **options):
    return ops.Conv(normal(3, 3, size_in // options.get("groups", 1), size_out), normal(size_out), **options)


RELU = ops.Relu()
FOLDED = {
    "behind a convolution": (SHAPE, {"c": conv(3, 4, padding=SAME), "n": norm(4), "r": RELU}, ["Conv", "Relu"]),
    "behind a depthwise one": (SHAPE, {"c": conv(3, 6, groups=3), "n": norm(6)}, ["Conv"]),
    "behind a transposed one": (SHAPE, {"c": ops.ConvTranspose(normal(2, 2, 3, 4)), "n": norm(4)}, ["ConvTranspose"]),
    "behind a dense layer without bias": ((3,), {"d": ops.Dense(normal(3, 4)), "n": norm(4)}, ["Dense"]),
    "two in a row": ((3,), {"d": ops.Dense(normal(3, 4)), "n": norm(4), "m": norm(4)}, ["Dense"]),
    "two in a row alone": ((3,), {"r": RELU, "n": norm(3), "m": norm(3), "s": RELU}, ["Relu", "Affine", "Relu"]),
    "behind average-pooling": (
        SHAPE,
        {"c": conv(3, 4), "p": ops.AveragePool((2, 2), padding=SAME), "n": norm(4)},
        ["Conv", "AveragePool"],
    ),
    "behind max-pooling": (
        SHAPE,
        {"c": conv(3, 4), "p": ops.MaxPool((2, 2)), "n": norm(4, positive=True), "r": RELU},
        ["Conv", "MaxPool", "Relu"],
    ),
    "behind flattening": (
        SHAPE,
        {"c": conv(3, 4), "f": ops.Reshape((64,)), "n": norm(64), "d": ops.Dense(normal(64, 2))},
        ["Conv", "Reshape", "Dense"],
    ),
    "behind a permutation": (SHAPE, {"c": conv(3, 4), "p": ops.Permute((1, 0, 2)), "n": norm(4)}, ["Conv", "Permute"]),
    "behind up-sampling": (SHAPE, {"c": conv(3, 4), "u": ops.Upsample((2, 2)), "n": norm(4)}, ["Conv", "Upsample"]),
    "before a dense layer": ((3,), {"r": RELU, "n": norm(3), "d": ops.Dense(normal(3, 4))}, ["Relu", "Dense"]),
    "before a convolution": (SHAPE, {"r": RELU, "n": norm(3), "c": conv(3, 4)}, ["Relu", "Conv"]),
    "before a transposed one": (
        (3, 3, 3),
        {"r": RELU, "n": ops.Affine(normal(3)), "c": ops.ConvTranspose(normal(2, 2, 3, 4))},
        ["Relu", "ConvTranspose"],
    ),
    "on the input": (SHAPE, {"n": norm(3), "c": conv(3, 4), "r": RELU}, ["Conv", "Relu"]),
    "before max-pooling": (
        SHAPE,
        {"r": RELU, "n": norm(3, positive=True), "p": ops.MaxPool((2, 2), padding=SAME), "c": conv(3, 4)},
        ["Relu", "MaxPool", "Conv"],
    ),
    "before global pooling": (
        SHAPE,
        {
            "r": RELU,
            "n": norm(3),
            "p": ops.AveragePool((6, 6)),
            "f": ops.Reshape((3,)),
            "d": ops.Dense(normal(3, 4)),
        },
        ["Relu", "AveragePool", "Reshape", "Dense"],
    ),
    "before and behind": (SHAPE, {"r": RELU, "n": norm(3), "c": conv(3, 4), "m": norm(4)}, ["Relu", "Conv"]),
    "only a scale, before a border": (
        SHAPE,
        {"r": RELU, "n": ops.Affine(normal(3)), "c": conv(3, 4, padding=SAME)},
        ["Relu", "Conv"],
    ),
    # One bias an element, as the border sees less of the shift.
    "before a border": (
        SHAPE,
        {"r": RELU, "n": norm(3), "c": conv(3, 4, padding=SAME), "s": RELU},
        ["Relu", "Conv", "Affine", "Relu"],
    ),
    "before a border, and behind": (
        SHAPE,
        {"r": RELU, "n": norm(3), "c": conv(3, 4, padding=SAME), "m": norm(4), "s": RELU},
        ["Relu", "Conv", "Affine", "Relu"],
    ),
    "before padding": (
        SHAPE,
        {"n": norm(3), "p": ops.Pad(((0, 1), (0, 1), (0, 0))), "c": conv(3, 4), "s": RELU},
        ["Pad", "Conv", "Affine", "Relu"],
    ),
    "before two convolutions": (
        SHAPE,
        {"r": RELU, "n": norm(3), "c": conv(3, 4, padding=SAME), "d": conv(4, 2)},
        ["Relu", "Conv", "Conv", "Affine"],
    ),
}
KEPT = {
    "between rectifiers": (SHAPE, {"r": RELU, "n": norm(3), "s": RELU}),
    "negative, behind max-pooling": (SHAPE, {"c": conv(3, 4), "p": ops.MaxPool((2, 2)), "n": ops.Affine(-np.ones(4))}),
    "negative, before max-pooling": (
        SHAPE,
        {"n": ops.Affine(-np.ones(3)), "p": ops.MaxPool((2, 2)), "c": conv(3, 4)},
    ),
    "shift, behind an average that counts zeros": (
        SHAPE,
        {"c": conv(3, 4), "p": ops.AveragePool((2, 2), padding=SAME, count_padding=True), "n": norm(4)},
    ),
    "different along space": (SHAPE, {"n": ops.Affine(normal(6, 6, 1)), "c": conv(3, 4)}),
    "at the output, behind a rectifier": (SHAPE, {"r": RELU, "n": norm(3)}),
}


@pytest.mark.parametrize(("shape", "named", "expected"), FOLDED.values(), ids=FOLDED)
def test_folded(shape, named, expected, chain, kinds, same_outputs):
    graph = chain(shape, **named)
    after = FoldBatchNorm()(graph)
    assert kinds(after) == expected
    assert after.outputs == graph.outputs
    same_outputs(graph, after)


@pytest.mark.parametrize(("shape", "named"), KEPT.values(), ids=KEPT)
def test_kept(shape, named, chain, same_outputs):
    graph = chain(shape, **named)
    assert FoldBatchNorm()(graph).equals(graph)


def test_a_scale_goes_where_only_the_shift_cannot(chain, kinds, same_outputs):
    shift = ops.Affine(normal(4), normal(4, 4, 4))
    graph = chain(SHAPE, c=conv(3, 4), n=shift, r=RELU)
    after = FoldBatchNorm()(graph)
    assert kinds(after) == ["Conv", "Affine", "Relu"]
    assert after["n"].op.scale == 1
    same_outputs(graph, after)


def test_equation(chain):
    """Rueckauer 2020, section 2.1.2.4: W -> γ/σ W, b -> γ/σ (b - μ) + β."""
    weight, bias, gamma, sigma, mu, beta = (
        normal(3, 2),
        normal(2),
        normal(2),
        np.array([1.0, 2.0]),
        normal(2),
        normal(2),
    )
    norm = ops.Affine(gamma / sigma, beta - gamma / sigma * mu)
    after = FoldBatchNorm()(chain((3,), fc=ops.Dense(weight, bias), bn=norm))
    np.testing.assert_allclose(after["bn"].op.weight, weight * gamma / sigma)
    np.testing.assert_allclose(after["bn"].op.bias, gamma / sigma * (bias - mu) + beta)


def test_parameters_keep_their_dtype(chain):
    single = {n: ops.Conv(normal(3, 3, 3, 3).astype(np.float32), padding=SAME) for n in ("a", "b")}
    norms = {n: ops.Affine(normal(3).astype(np.float32), normal(3).astype(np.float32)) for n in ("n", "m")}
    graph = chain(SHAPE, a=single["a"], n=norms["n"], r=RELU, m=norms["m"], b=single["b"])
    for node in FoldBatchNorm()(graph).nodes:
        assert all(array.dtype == np.float32 for array in node.op.parameters().values())


def branch(*tail, outputs=("out",)):
    """A convolution that two branches share, then what is given."""
    nodes = (Node("x", ops.Input(SHAPE)), Node("c", conv(3, 3, padding=SAME), ("x",)))
    return Graph((*nodes, *tail), outputs)


def test_shared_weights_are_not_changed_for_one_branch(kinds, same_outputs):
    graph = branch(
        Node("n", norm(3), ("c",)),
        Node("r", RELU, ("n",)),
        Node("out", ops.Add(), ("r", "c")),
    )
    after = FoldBatchNorm()(graph)
    assert after.equals(graph)


def test_weights_of_an_output_are_not_changed(same_outputs):
    graph = branch(Node("n", norm(3), ("c",)), Node("out", RELU, ("n",)), outputs=("out", "c"))
    assert FoldBatchNorm()(graph).equals(graph)


def test_every_branch_behind_takes_the_norm_in(kinds, same_outputs):
    graph = branch(
        Node("r", RELU, ("c",)),
        Node("n", norm(3), ("r",)),
        Node("a", conv(3, 2), ("n",)),
        Node("q", ops.AveragePool((3, 3), (1, 1)), ("n",)),
        Node("b", ops.Conv(normal(1, 1, 3, 2)), ("q",)),
        Node("out", ops.Add(), ("a", "b")),
    )
    after = FoldBatchNorm()(graph)
    assert "n" not in after
    same_outputs(graph, after)


def test_a_branch_that_cannot_take_it_in_keeps_it_for_all(same_outputs):
    graph = branch(
        Node("r", RELU, ("c",)),
        Node("n", norm(3), ("r",)),
        Node("a", conv(3, 3, padding=SAME), ("n",)),
        Node("out", ops.Add(), ("a", "n")),
    )
    assert FoldBatchNorm()(graph).equals(graph)


def test_behind_a_concatenation_of_convolutions(kinds, same_outputs):
    graph = Graph(
        (
            Node("x", ops.Input(SHAPE)),
            Node("a", conv(3, 2), ("x",)),
            Node("b", conv(3, 5), ("x",)),
            Node("cat", ops.Concat(-1), ("a", "b")),
            Node("n", norm(7), ("cat",)),
            Node("out", RELU, ("n",)),
        ),
        ("out",),
    )
    after = FoldBatchNorm()(graph)
    assert kinds(after) == ["Conv", "Conv", "Concat", "Relu"]
    same_outputs(graph, after)


def test_behind_a_concatenation_with_rectifiers_it_stays():
    graph = Graph(
        (
            Node("x", ops.Input(SHAPE)),
            Node("a", conv(3, 2), ("x",)),
            Node("b", RELU, ("a",)),
            Node("cat", ops.Concat(-1), ("a", "b")),
            Node("n", norm(4), ("cat",)),
            Node("out", RELU, ("n",)),
        ),
        ("out",),
    )
    assert FoldBatchNorm()(graph).equals(graph)


def test_one_input_of_a_concatenation_before_a_convolution(kinds, same_outputs):
    graph = branch(
        Node("r", RELU, ("c",)),
        Node("n", norm(3), ("r",)),
        Node("s", RELU, ("c",)),
        Node("cat", ops.Concat(-1), ("s", "n")),
        Node("out", conv(6, 2), ("cat",)),
    )
    after = FoldBatchNorm()(graph)
    assert kinds(after) == ["Conv", "Relu", "Relu", "Concat", "Conv"]
    same_outputs(graph, after)


def test_an_output_with_a_map_of_biases_keeps_its_name(chain, same_outputs):
    graph = chain(SHAPE, r=RELU, n=norm(3), c=conv(3, 4, padding=SAME))
    after = FoldBatchNorm()(graph)
    assert after.outputs == ("c",)
    assert isinstance(after["c"].op, ops.Affine) and isinstance(after["c_current"].op, ops.Conv)
    same_outputs(graph, after)
