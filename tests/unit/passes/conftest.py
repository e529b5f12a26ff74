"""What the tests of passes share: short graphs, and their values in float64."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.random_graphs import random_samples


@pytest.fixture
def chain():
    """Make a graph of ops in a row: ``chain((4,), fc=Dense(...), relu=Relu())``; the first node is ``x``."""

    def make(shape, outputs=None, **named):
        nodes, last = [Node("x", ops.Input(shape))], "x"
        for name, op in named.items():
            nodes.append(Node(name, op, (last,)))
            last = name
        return Graph(tuple(nodes), outputs or (last,))

    return make


@pytest.fixture
def same_outputs():
    """Check that two graphs have the same outputs on random samples, up to rounding in float64."""

    def check(before, after, num_samples=5, tolerance=1e-12):
        samples = random_samples(before, 1, num_samples)
        old, new = node_values(before, samples), node_values(after, samples)
        assert len(before.outputs) == len(after.outputs)
        for name, new_name in zip(before.outputs, after.outputs, strict=True):
            scale = np.abs(old[name]).max()
            np.testing.assert_allclose(new[new_name], old[name], rtol=0, atol=tolerance * scale)

    return check


@pytest.fixture
def kinds():
    """Kinds of the ops of a graph, without the entrance."""
    return lambda graph: [node.op.kind for node in graph.nodes[1:]]


@pytest.fixture
def normal(rng):
    """Random parameters of a shape."""
    return lambda *shape: rng.normal(size=shape)
