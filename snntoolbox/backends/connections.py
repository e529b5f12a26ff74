"""Graph -> synapses: what a simulator that knows only populations and synapses needs of a converted graph.

Between two populations lies any number of linear ops, with branches and sums. They are composed into one sparse matrix
for each pair of populations, and into one constant current for each neuron. This is the place for that; building the
populations is the backend's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from snntoolbox.backends.connection_matrices import matrices
from snntoolbox.backends.kernels import apply_op
from snntoolbox.errors import GraphError
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Input, Spiking, SpikingMaxPool

__all__ = ["Synapses", "connect", "constant_current", "depths", "is_population", "sources"]

Array = NDArray[np.floating[Any]]
_NO_VALUES: Mapping[str, Array] = {}


@dataclass(frozen=True, eq=False)
class Synapses:
    """All synapses from one population to another, sorted by target, then by source; no pair occurs twice.

    Attributes:
        source, target: Names of the populations' nodes.
        pre: Index of each synapse's source neuron in the flattened (row-major) layer, int64.
        post: Index of its target neuron, int64.
        weight: Charge that a message of size 1 brings, float64, never 0.
    """

    source: str
    target: str
    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of synapses."""
        return len(self.weight)

    def repeat(self, copies: int, num_pre: int, num_post: int) -> Synapses:
        """Return the synapses of ``copies`` unconnected copies of both populations, numbered one after the other.

        Args:
            copies: Number of copies, such as the samples simulated side by side.
            num_pre: Number of neurons of one copy of the source.
            num_post: Likewise of the target.
        """
        copy = np.repeat(np.arange(copies), len(self))
        pre = np.tile(self.pre, copies) + copy * num_pre
        post = np.tile(self.post, copies) + copy * num_post
        return Synapses(self.source, self.target, pre, post, np.tile(self.weight, copies))


def is_population(node: Node) -> bool:
    """Whether a node sends messages of its own: input, neurons, or max-pooling, which is no linear map of messages."""
    return isinstance(node.op, Input | Spiking | SpikingMaxPool)


def sources(graph: Graph, target: str) -> tuple[str, ...]:
    """Return the populations that reach ``target`` through linear ops only, in the order of the graph."""
    return tuple(node.name for node in _cone(graph, target) if is_population(node))


def connect(graph: Graph, target: str, skip: frozenset[str] = frozenset()) -> list[Synapses]:
    """Return the synapses onto a population, a `Synapses` for each source.

    Args:
        graph: A converted graph.
        target: A node that takes its input from one node: neurons or spiking max-pooling.
        skip: Sources that need no synapses, such as an input that is a constant current.

    Raises:
        UnsupportedError: An op in between is not linear.
    """
    cone = [node for node in _cone(graph, target) if node.name not in skip]
    found: dict[str, Any] = {_only_input(graph, target): None}  # None stands for the identity
    synapses = []
    for node in reversed(cone):
        if node.name not in found:
            continue
        after = found.pop(node.name)
        if is_population(node):
            synapses.append(_synapses(graph, node.name, target, after))
            continue
        for source, matrix in zip(node.inputs, matrices(node.op, graph.input_shapes(node.name)), strict=True):
            product = matrix if after is None else after @ matrix
            before = found.get(source)
            found[source] = product if source not in found else _identity_or(before, graph.size(source)) + product
    return synapses[::-1]


def constant_current(graph: Graph, target: str, inputs: Mapping[str, Array] = _NO_VALUES) -> Array:
    """Return the current into each neuron of a population when no population in front of it sends anything.

    That is the sum of all biases on the way and, given ``inputs``, of what constant input contributes.

    Args:
        graph: A converted graph.
        target: As for `connect`.
        inputs: Input node -> constant values, shape (batch, *shape).

    Returns:
        Shape (batch, *target shape) in float64; batch is 1 without inputs.
    """
    batch = max((len(value) for value in inputs.values()), default=1)
    values: dict[str, Array] = {}
    for node in _cone(graph, target):
        if is_population(node):
            silent = np.zeros((batch, *graph.shapes[node.name]))
            values[node.name] = np.asarray(inputs[node.name], np.float64) if node.name in inputs else silent
        else:
            values[node.name] = apply_op(node.op, *(values[source] for source in node.inputs))
    return values[_only_input(graph, target)]


def depths(graph: Graph) -> dict[str, int]:
    """Return the largest number of synapses between the input and each population; 0 for an input.

    A population without sources (its current is constant) has depth 1, like one that only inputs reach.
    """
    found: dict[str, int] = {}
    for node in graph.nodes:
        if isinstance(node.op, Input):
            found[node.name] = 0
        elif is_population(node):
            found[node.name] = 1 + max((found[source] for source in sources(graph, node.name)), default=0)
    return found


def _only_input(graph: Graph, target: str) -> str:
    node = graph[target]
    if len(node.inputs) != 1:
        raise GraphError(f"node {node}: expected a population with one input, it has {len(node.inputs)}")
    return node.inputs[0]


def _cone(graph: Graph, target: str) -> list[Node]:
    """Return what lies before ``target``, back to the nearest populations, in the order of the graph."""
    wanted, cone = {_only_input(graph, target)}, []
    for node in reversed(graph.nodes):
        if node.name in wanted:
            cone.append(node)
            if not is_population(node):
                wanted.update(node.inputs)
    return cone[::-1]


def _identity_or(matrix: Any, size: int) -> Any:
    return sparse.csr_array(sparse.eye_array(size, format="csr")) if matrix is None else matrix


def _synapses(graph: Graph, source: str, target: str, matrix: Any) -> Synapses:
    matrix = _identity_or(matrix, prod(graph.shapes[source]))
    matrix.sum_duplicates()
    entries = matrix.tocoo()
    rows, columns = (np.asarray(index, np.int64) for index in entries.coords)
    kept = entries.data != 0
    return Synapses(source, target, columns[kept], rows[kept], np.asarray(entries.data[kept], np.float64))
