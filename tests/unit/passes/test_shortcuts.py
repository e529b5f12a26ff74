"""Residual networks of every kind: normalisation is right on all wires, and forgetting the shortcuts is not."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.fold_batch_norm import FoldBatchNorm
from snntoolbox.passes.normalize_activations import NormalizeActivations
from snntoolbox.passes.shortcuts import NormalizeStackedLayers, Shortcut, find_shortcuts
from snntoolbox.testing import random_samples
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.passes import largest_activations
from snntoolbox.testing.residual_graphs import ResidualKind, residual_graph

KINDS = [
    ResidualKind(*values)
    for values in product(("basic", "bottleneck"), ("after", "before", "first"), (False, True), (False, True))
]


def names(kind):
    return f"{kind.block}-{kind.relu}{'-projection' * kind.projection}{'-stem' * kind.stem}"


def channel_scales(graph, samples):
    values = node_values(graph, samples)
    relus = [n.name for n in graph.nodes if isinstance(n.op, ops.Relu)]
    return {name: values[name].reshape(-1, values[name].shape[-1]).max(0) + 0.01 for name in relus}


@pytest.mark.parametrize("kind", KINDS, ids=names)
@pytest.mark.parametrize("find", [largest_activations, channel_scales], ids=["layer", "channel"])
def test_every_activation_is_divided_by_its_scale(kind, find):
    for seed in range(3):
        graph = FoldBatchNorm()(residual_graph(seed, kind))
        samples = random_samples(graph, seed)
        scales = find(graph, samples)
        after = NormalizeActivations(scales)(graph)
        old, new = node_values(graph, samples), node_values(after, samples)
        np.testing.assert_allclose(new["classes"], old["classes"], atol=1e-10)
        for name, scale in scales.items():
            np.testing.assert_allclose(new[name] * scale, old[name], atol=1e-10)
            assert new[name].max() <= 1 + 1e-10


@pytest.mark.parametrize("kind", KINDS, ids=names)
def test_every_shortcut_is_found(kind):
    graph = FoldBatchNorm()(residual_graph(0, kind))
    found = find_shortcuts(graph)
    assert [one.sum for one in found] == ["b0_sum", "b1_sum"]
    assert {one.position for one in found} == {1}
    assert found[0].path == ()
    assert [graph[name].op.kind for name in found[1].path] == (["Conv"] if kind.projection else [])


@pytest.mark.parametrize("kind", KINDS, ids=names)
def test_without_shortcuts_the_layers_between_them_are_normalised_alone(kind):
    graph = FoldBatchNorm()(residual_graph(1, kind))
    samples = random_samples(graph, 1)
    scales = {name: 3.0 * scale for name, scale in largest_activations(graph, samples).items()}
    right, wrong = (one(scales)(graph) for one in (NormalizeActivations, NormalizeStackedLayers))
    expected, received = node_values(right, samples), node_values(wrong, samples)
    first = "b0_conv0" if kind.relu == "after" else "stem_relu"
    np.testing.assert_allclose(received[first], expected[first], atol=1e-10)
    assert np.abs(received["classes"] - expected["classes"]).max() > 0.05 * np.abs(expected["classes"]).max()
    for one in find_shortcuts(graph):
        for name in one.path:
            np.testing.assert_array_equal(wrong[name].op.kernel, graph[name].op.kernel)
        assert wrong[one.sum].inputs[one.position] == graph[one.sum].inputs[one.position]


def test_an_identity_shortcut_that_is_not_scaled_adds_what_eq_5_says():
    weight = np.array([[0.5]])
    nodes = (
        Node("x", ops.Input((1,))),
        Node("in", ops.Relu(), ("x",)),
        Node("w1", ops.Dense(weight), ("in",)),
        Node("inner", ops.Relu(), ("w1",)),
        Node("w2", ops.Dense(weight), ("inner",)),
        Node("sum", ops.Add(), ("w2", "in")),
        Node("out", ops.Relu(), ("sum",)),
        Node("classes", ops.Dense(np.eye(1)), ("out",)),
    )
    graph = NormalizeStackedLayers({"in": 2.0, "inner": 1.0, "out": 5.0})(Graph(nodes, ("classes",)))
    value = node_values(graph, {"x": np.array([[2.0]])})["out"]
    np.testing.assert_allclose(value, 0.25 * 2 / 5 + 2 / 2)  # W2 W1 X / max_out + X / max_in


def test_sums_without_a_longer_branch_have_no_shortcut():
    weight = np.eye(2)
    nodes = (
        Node("x", ops.Input((2,))),
        Node("a", ops.Dense(weight), ("x",)),
        Node("b", ops.Dense(2 * weight), ("x",)),
        Node("sum", ops.Add(), ("a", "b")),
        Node("relu", ops.Relu(), ("sum",)),
        Node("again", ops.Add(), ("relu", "x")),
    )
    assert find_shortcuts(Graph(nodes, ("again",))) == (Shortcut("again", 1, ()),)


def test_the_switch_of_the_conversion():
    graph = residual_graph(2, ResidualKind(projection=True))
    x = random_samples(graph, 2, 16)["x"]
    on, off = (Conversion(normalize_shortcuts=switch).run(graph, x, RateCode()) for switch in (True, False))
    assert on.normalized.equals(off.normalized)  # what the rates should be is the same
    assert "stem_relu_rescale" in on.spiking and "stem_relu_rescale" not in off.spiking
