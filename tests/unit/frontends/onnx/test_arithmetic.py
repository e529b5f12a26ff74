"""Sums of tensors, and arithmetic with constants."""

import numpy as np
import pytest

from snntoolbox.errors import UnsupportedError

IMAGE = ["N", 3, 4, 5]


@pytest.fixture
def weights(rng):
    """Arrays by name, of the given shapes."""
    return lambda **shapes: {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


OPERATIONS = [("Add", "c k"), ("Sub", "c k"), ("Sub", "k c"), ("Mul", "k c"), ("Div", "c k")]


@pytest.mark.parametrize("shape", [(), (3, 1, 1), (1, 4, 1), (5,), (1, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("node", OPERATIONS, ids=str)
def test_a_constant_follows_the_order_of_the_axes(model, assert_same, kinds, weights, node, shape):
    arrays = weights(w=(3, 3, 1, 1), k=shape)
    graph = assert_same(model([("Conv", "x w b", "c", {}), (*node, "y", {})], IMAGE, {**arrays, **weights(b=3)}))
    assert kinds(graph) == ["Conv", "Affine"]


def test_negation(model, assert_same, kinds):
    assert kinds(assert_same(model([("Neg", "x", "y", {})], IMAGE))) == ["Affine"]


def test_sums_of_tensors_and_constants(model, assert_same, kinds, weights):
    nodes = [("Relu", "x", "r", {}), ("Sum", "x k r x", "y", {})]
    assert kinds(assert_same(model(nodes, IMAGE, weights(k=(3, 1, 1))))) == ["Relu", "Add", "Affine"]


def test_difference_and_mean_of_tensors(model, assert_same, kinds):
    nodes = [("Relu", "x", "r", {}), ("Sub", "x r", "d", {}), ("Mean", "d r x", "y", {})]
    assert kinds(assert_same(model(nodes, IMAGE))) == ["Relu", "Affine", "Add", "Add", "Affine"]


def test_tensors_stored_differently_are_brought_together(model, assert_same, kinds, weights):
    """One summand comes channels-first, the other does not."""
    nodes = [
        ("Conv", "x w", "c", {}),
        ("Transpose", "c", "t", {"perm": [0, 1, 3, 2]}),
        ("Add", "c t", "y", {}),
    ]
    graph = assert_same(model(nodes, ["N", 3, 4, 4], weights(w=(3, 3, 1, 1))))
    assert kinds(graph) == ["Conv", "Permute", "Add"]


def test_a_vector_of_channels_is_added_everywhere(model, assert_same, kinds):
    nodes = [("GlobalAveragePool", "x", "g", {}), ("Add", "x g", "y", {})]
    assert kinds(assert_same(model(nodes, IMAGE))) == ["AveragePool", "Upsample", "Add"]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (("Mul", "x r", "y", {}), "multiplies two tensors, as gates and attention do"),
        (("Div", "x r", "y", {}), "divides by a tensor"),
        (("Div", "one x", "y", {}), "divides by a tensor"),
        (("Div", "x zero", "y", {}), "divides by zero"),
        (("Add", "x wide", "y", {}), "repeats a tensor of shape (1, 1, 3, 4, 5) to (2, 1, 3, 4, 5)"),
    ],
    ids=str,
)
def test_refusals(model, assert_same, node, words):
    arrays = {"one": np.float32(1), "zero": np.float32(0), "wide": np.ones((2, 1, 3, 4, 5), np.float32)}
    with pytest.raises(UnsupportedError) as caught:
        assert_same(model([("Relu", "x", "r", {}), node], IMAGE, arrays))
    assert f"node 'y' ({node[0]}): {words}" in str(caught.value)
