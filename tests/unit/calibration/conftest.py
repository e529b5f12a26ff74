"""What the tests of calibration share: a network whose error is known, and one with shortcuts in three forms."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.calibration.trial import TrialSet
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.testing.residual_graphs import ResidualKind, residual_graph


@pytest.fixture(scope="module")
def network():
    """A residual network without batch norm to fold, in three forms, and samples."""
    graph = residual_graph(3, ResidualKind(projection=True))
    x = np.random.default_rng(0).normal(size=(64, 8, 8, 2)).astype(np.float32)
    code = RateCode(initial_potential=0.0)
    return Conversion().run(graph, x, code), code, x


@pytest.fixture
def single():
    """Make a graph with one hidden layer of two neurons."""

    def make(threshold=1.0, amplitude=None, clamp_steps=0):
        model = IntegrateAndFire(threshold, amplitude=amplitude, clamp_steps=clamp_steps)
        nodes = (
            Node("x", ops.Input((2,))),
            Node("fc", ops.Dense(np.eye(2, dtype=np.float32)), ("x",)),
            Node("hidden", ops.Spiking(model), ("fc",)),
            Node("last", ops.Dense(np.eye(2, dtype=np.float32)), ("hidden",)),
            Node("out", ops.Spiking(Accumulator()), ("last",)),
        )
        return Graph(nodes, ("out",), {"spike_code": "rate"})

    return make


@pytest.fixture
def trials_of():
    """Make trials of some samples, with what layers should answer to them."""

    def make(x, targets, num_steps=10, num_fit=2):
        return TrialSet({"x": RateCode().encode(x)}, targets, num_fit, num_steps)

    return make
