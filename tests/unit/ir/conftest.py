"""Graphs that tests of this room share."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Add, Affine, Conv, Dense, Input, Relu, Reshape


@pytest.fixture
def branching():
    """A convolution whose rectified output is added to a rescaled copy of it, then a dense layer."""
    rng = np.random.default_rng(1)
    nodes = (
        Node("in", Input((4, 4, 2))),
        Node("conv", Conv(rng.normal(size=(3, 3, 2, 3)), np.zeros(3), padding=((1, 1), (1, 1))), ("in",)),
        Node("relu", Relu(), ("conv",)),
        Node("half", Affine(np.array(0.5)), ("relu",)),
        Node("sum", Add(), ("relu", "half")),
        Node("flat", Reshape((48,)), ("sum",)),
        Node("fc", Dense(rng.normal(size=(48, 5))), ("flat",)),
    )
    return Graph(nodes, ("fc",), {"model": "net"})
