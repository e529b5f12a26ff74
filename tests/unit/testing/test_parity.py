"""The comparison of backends finds what differs, tells ties from faults, and reports who could not run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from snntoolbox.backends import Backend, Capabilities
from snntoolbox.backends.reference import ReferenceBackend, ReferenceSimulation
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.testing.parity import compare_backends


@pytest.fixture
def graph(rng):
    nodes = (
        Node("input", ops.Input((4,))),
        Node("dense", ops.Dense(rng.normal(size=(4, 5)), rng.normal(size=5)), ("input",)),
        Node("first", ops.Spiking(IntegrateAndFire()), ("dense",)),
        Node("second", ops.Spiking(IntegrateAndFire()), ("first",)),
        Node("out", ops.Spiking(Accumulator()), ("second",)),
    )
    return Graph(nodes, ("out",), {"spike_code": "rate"})


class _Shifted(ReferenceSimulation):
    """Adds a little to every current."""

    shift = 0.0

    def _fire(self, node: Any, model: Any, current: Any, *rest: Any) -> Any:
        return super()._fire(node, model, current + self.shift, *rest)


def backend(by: float) -> Backend:
    class Shifted(ReferenceBackend):
        name = "shifted"
        capabilities = Capabilities()

        def _compile(self, graph: Any, **options: Any) -> Any:
            simulation = _Shifted(graph, **options)
            simulation.shift = by
            return simulation

    return Shifted()


def test_equal_backends(graph, rng):
    x = rng.random((7, 4))
    parity = compare_backends(graph, x, ["reference", backend(0.0)], num_steps=20, labels=np.zeros(7), batch_size=3)
    assert [one.backend for one in parity.backends] == ["reference", "shifted"]
    assert parity.passed and parity.num_samples == 7
    reference, other = parity.backends
    assert other.layers == reference.layers and other.different == 0
    assert reference.agreement == other.agreement == 1
    assert reference.accuracy == other.accuracy
    assert other.layers[0].layer == "first" and other.layers[0].spikes > 20
    assert other.start_seconds > 0 and other.microseconds == pytest.approx(1e6 * other.run_seconds / 140)


def test_faults_are_no_ties(graph, rng):
    parity = compare_backends(graph, rng.random((7, 4)), [backend(0.05)], num_steps=20)
    (_, other) = parity.backends
    assert not parity.passed
    assert other.different >= other.unexplained > 0
    assert other.accuracy is None


def test_consequences_are_counted_once():
    """The first layer is a tie: it may differ, and the second layer, which only repeats it, may do so then."""
    nodes = (
        Node("input", ops.Input((1,))),
        Node("first", ops.Spiking(IntegrateAndFire()), ("input",)),
        Node("scale", ops.Affine(np.array(0.9)), ("first",)),
        Node("second", ops.Spiking(IntegrateAndFire(0.4)), ("scale",)),
    )
    graph = Graph(nodes, ("second",), {"spike_code": "rate"})
    parity = compare_backends(graph, np.ones((1, 1)), [backend(-1e-9)], num_steps=8)
    (_, other) = parity.backends
    assert [(layer.different, layer.unexplained) for layer in other.layers] == [(1, 0), (1, 0)]
    assert parity.passed


def test_backends_that_cannot_run_say_why(graph, rng):
    odd = graph.with_nodes((*graph.nodes[:1], Node("relu", ops.Relu(), ("input",)), *graph.nodes[1:]))
    odd = odd.with_nodes([Node("dense", n.op, ("relu",)) if n.name == "dense" else n for n in odd.nodes])
    parity = compare_backends(odd, rng.random((2, 4)), ["brian2"], num_steps=3)
    assert "op Relu is not supported by brian2" in parity.backends[1].problem
    assert not parity.passed
    assert "op Relu" in parity.table()[2][1]


def test_table_and_dictionary(graph, rng):
    seen = []
    parity = compare_backends(graph, {"input": rng.random((2, 4))}, [backend(0.0)], num_steps=3, on_start=seen.append)
    assert seen == ["reference", "shifted"]
    titles, *rows = parity.table()
    assert titles[:4] == ["backend", "first", "second", "out"]
    assert all(len(row) == len(titles) for row in rows)
    assert json.loads(json.dumps(parity.to_dict()))["backends"][1]["layers"][0]["layer"] == "first"
