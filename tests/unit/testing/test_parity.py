"""The comparison of backends finds what differs, tells ties from faults, and reports who could not run."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from snntoolbox.backends import Backend, Capabilities
from snntoolbox.backends.reference import ReferenceBackend, ReferenceSimulation
from snntoolbox.codes.rate import RateCode
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


def backend(by: float, kind: type[_Shifted] = _Shifted) -> Backend:
    class Shifted(ReferenceBackend):
        name = "shifted"
        capabilities = Capabilities()

        def _compile(self, graph: Any, **options: Any) -> Any:
            simulation = kind(graph, **options)
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


class _Late(_Shifted):
    """Lets the first layer have a little less in the second step, and as much more in the third."""

    def _run(self, *arguments: Any) -> Any:
        self.step = 0
        return super()._run(*arguments)

    def _fire(self, node: Any, model: Any, current: Any, *rest: Any) -> Any:
        if node.name != "first":
            return ReferenceSimulation._fire(self, node, model, current, *rest)
        self.step += 1
        return super()._fire(node, model, current + {2: -2 * self.shift, 3: 0}.get(self.step, -self.shift), *rest)


@pytest.mark.parametrize(("value", "by", "passed"), [(0.5, 1e-6, True), (0.52, 0.05, False)], ids=["a tie", "no tie"])
def test_a_tie_that_only_moves_a_spike_explains_what_follows(value, by, passed):
    """The first layer sends as many spikes, one of them a step later; the second fires only if two come in a row."""
    nodes = (
        Node("input", ops.Input((1,))),
        Node("first", ops.Spiking(IntegrateAndFire()), ("input",)),
        Node("second", ops.Spiking(IntegrateAndFire(1.4, leak_factor=0.5)), ("first",)),
    )
    late = backend(by, _Late)
    parity = compare_backends(
        Graph(nodes, ("second",), {"spike_code": "rate"}), np.full((3, 1), value), [late], num_steps=9
    )
    (_, other) = parity.backends
    assert [layer.different for layer in other.layers] == [0, 3]
    assert (other.unexplained == 0) == parity.passed == passed


def test_backends_that_cannot_run_say_why(graph, rng):
    odd = graph.with_nodes((*graph.nodes[:1], Node("relu", ops.Relu(), ("input",)), *graph.nodes[1:]))
    odd = odd.with_nodes([Node("dense", n.op, ("relu",)) if n.name == "dense" else n for n in odd.nodes])
    parity = compare_backends(odd, rng.random((2, 4)), ["brian2"], num_steps=3)
    assert "op Relu is not supported by brian2" in parity.backends[1].problem
    assert not parity.passed
    assert [row[0] for row in parity.table()] == ["backend", "reference"]
    assert parity.layer_table()[0] == ["layer", "spikes of reference"]


def test_differences_that_are_declared_pass(graph, rng):
    declared = backend(0.05)
    type(declared).capabilities = Capabilities(deviations={"equals_reference_up_to_ties": "currents are shifted"})
    parity = compare_backends(graph, rng.random((7, 4)), [declared], num_steps=20)
    assert parity.passed
    assert parity.backends[1].unexplained > 0 and parity.backends[1].rule == "currents are shifted"


def test_the_code_can_be_given(graph, rng):
    x = rng.random((3, 4))
    silent = compare_backends(graph, 0 * x, [], num_steps=9).backends[0]
    half = compare_backends(graph, x, [], num_steps=9, code=RateCode(poisson_rate=1.0, max_events=0)).backends[0]
    assert [layer.spikes for layer in half.layers] == [layer.spikes for layer in silent.layers]
    assert compare_backends(graph, x, [], num_steps=9).backends[0].layers != silent.layers


def test_tables_and_dictionary(graph, rng):
    seen = []
    given = {"input": rng.random((2, 4))}
    parity = compare_backends(graph, given, [backend(0.0), backend(0.3)], num_steps=9, on_start=seen.append)
    assert seen == ["reference", "shifted", "shifted"]
    titles, *rows = parity.table()
    assert titles[:4] == ["backend", "spikes", "differing", "no ties"]
    assert [row[0] for row in rows] == ["reference", "shifted", "shifted"]
    assert all(len(row) == len(titles) for row in rows)
    assert rows[1][6] == "0.0e+00" != rows[2][6]
    layers = parity.layer_table()
    assert layers[0] == ["layer", "spikes of reference", "shifted", "shifted"]
    assert [row[0] for row in layers[1:]] == ["first", "second", "out"]
    assert [row[2] for row in layers[1:]] == ["equal"] * 3
    assert re.fullmatch(r"\+\d+ in \d+ neurons, \d+ no tie", layers[1][3])
    found = json.loads(json.dumps(parity.to_dict()))["backends"]
    assert found[1]["layers"][0]["layer"] == "first"
    assert (found[1]["passed"], found[2]["passed"]) == (True, False)
