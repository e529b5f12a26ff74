"""The contract of a pass: on networks of random structure it keeps what it promises to keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import DeviationError, GraphError
from snntoolbox.ir import Graph, ops
from snntoolbox.passes.base import Pass
from snntoolbox.passes.insert_neurons import InsertNeurons
from snntoolbox.passes.normalize_activations import NormalizeActivations
from snntoolbox.registry import CODES
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.random_graphs import random_graph, random_samples

__all__ = ["check_pass", "largest_activations"]

Array = NDArray[Any]
TOLERANCE = 1e-9
"""Everything is computed in float64, so that only faults deviate by more."""
NUM_STEPS = 200
RATE_TOLERANCE = 20 / NUM_STEPS
"""The error of a rate falls as 1 / steps; the constant allows for some layers of random weights that add theirs up."""


def check_pass(one: Pass | Callable[[Graph], Pass], graphs: Sequence[Graph] | None = None, *, seed: int = 0) -> None:
    """Check that a pass returns the same for the same graph, keeps the outputs, and preserves what it promises.

    Args:
        one: The pass, or a function that makes it for a graph (one that needs names or scales of nodes).
        graphs: Networks with float64 parameters to check it on; random ones unless given. If the pass preserves rates,
            they are normalised by their largest activations first, and neurons of the rate code are inserted
            if it does not insert neurons itself.
        seed: Seed of networks and samples.

    Raises:
        GraphError: The pass is no frozen dataclass, or not deterministic, or loses outputs.
        DeviationError: Something it promises to preserve is not preserved; the message shows the graphs.
    """
    chosen = [random_graph(seed + i) for i in range(20)] if graphs is None else graphs
    make: Callable[[Graph], Pass] = (lambda graph: one) if isinstance(one, Pass) else one
    preserves = make(chosen[0]).preserves
    if graphs is None and preserves == "rate":
        chosen = [random_graph(seed + i, num_blocks=2, leaky=i % 2 == 1) for i in range(6)]
    for number, graph in enumerate(chosen):
        samples = random_samples(graph, seed + number, num_samples=4)
        original = graph
        if preserves == "rate":
            original = graph = NormalizeActivations(largest_activations(graph, samples))(graph)
            if "spike_code" not in make(graph)(graph).attributes:  # it changes neurons that are there already
                graph = InsertNeurons(RateCode())(graph)
        after = _check_form(make(graph), graph)
        if preserves in ("function", "scaled"):
            _check_values(make(graph), graph, after, samples)
        elif preserves == "rate":
            _check_rates(make(graph), original, after, samples)


def largest_activations(graph: Graph, samples: Mapping[str, Any]) -> dict[str, float]:
    """Return a scale for each rectifier: its largest activation, at most its ceiling; 1 for a silent one."""
    values = node_values(graph, samples)
    scales = {}
    for node in graph.nodes:
        if isinstance(node.op, ops.Relu):
            largest = float(np.abs(values[node.name]).max()) or 1.0
            scales[node.name] = largest if node.op.max_value is None else float(np.min([largest, node.op.max_value]))
    return scales


def _check_form(one: Pass, graph: Graph) -> Graph:
    """Check what holds for every pass; return the graph after it."""
    if not getattr(getattr(type(one), "__dataclass_params__", None), "frozen", False):
        raise GraphError(f"pass {type(one).__name__}: expected a frozen dataclass whose fields are its options")
    after, again = one(graph), one(graph)
    if not after.equals(again):
        raise GraphError(f"pass {one.name}: expected the same graph from the same graph, got\n{after}\nand\n{again}")
    shapes = tuple([g.shapes[name] for name in g.outputs] for g in (graph, after))
    if shapes[0] != shapes[1]:
        raise GraphError(f"pass {one.name}: expected outputs of shapes {shapes[0]}, got {shapes[1]}")
    return after


def _check_values(one: Pass, graph: Graph, after: Graph, samples: Mapping[str, Any]) -> None:
    before_values, after_values = node_values(graph, samples), node_values(after, samples)
    for name, new_name in zip(graph.outputs, after.outputs, strict=True):
        _compare(one, f"output '{name}'", before_values[name], after_values[new_name], TOLERANCE, graph, after)
    if one.preserves == "scaled":
        for name in graph.shapes:
            if name in after:
                old, new = before_values[name], after_values[name]
                total = np.abs(new).sum(axis=0)
                scale = np.divide(np.abs(old).sum(axis=0), total, out=np.ones_like(total), where=total > 0)
                _compare(one, f"node '{name}' times its scale", old, new * scale, TOLERANCE, graph, after)


def _check_rates(one: Pass, graph: Graph, after: Graph, samples: Mapping[str, Any]) -> None:
    values, code = node_values(graph, samples), CODES.load(after.attributes["spike_code"])()
    with ReferenceBackend().compile(after, batch_size=len(next(iter(samples.values())))) as simulation:
        record = simulation.run({name: code.encode(x) for name, x in samples.items()}, NUM_STEPS)
    for name, new_name in zip(graph.outputs, after.outputs, strict=True):
        what = f"output '{name}' after {NUM_STEPS} steps"
        _compare(one, what, values[name], record.outputs[new_name], RATE_TOLERANCE, graph, after)


def _compare(
    one: Pass, what: str, expected: Array, received: Array, tolerance: float, graph: Graph, after: Graph
) -> None:
    scale = float(np.abs(expected).max()) or 1.0
    deviation = float(np.abs(expected - received).max()) / scale
    if not deviation <= tolerance:
        raise DeviationError(
            f"pass {one.name}: {what} deviates by {deviation:.3g} of its largest value, expected at most "
            f"{tolerance:.3g}\nbefore:\n{graph}\nafter:\n{after}"
        )
