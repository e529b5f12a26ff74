"""The one type that everything before simulation passes on: an immutable, checked graph of ops."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.ir.ops import Input, Op, Shape, Spiking

__all__ = ["Graph", "Node"]


@dataclass(frozen=True, eq=False)
class Node:
    """One op at one place.

    Attributes:
        name: Unique name, as the user's model has it.
        op: What is done.
        inputs: Names of the nodes whose outputs go in, in order.
    """

    name: str
    op: Op
    inputs: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Name and kind, as messages show a node."""
        return f"'{self.name}' ({self.op.kind})"


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which each comes after its inputs. Building one checks names, order and shapes.

    Attributes:
        nodes: All nodes.
        outputs: Names of the nodes whose values are the network's outputs, in order.
        attributes: Text that travels with the graph: where it came from, which spike code it was converted to.
        shapes: Derived: output shape of each node, without batch.

    Raises:
        GraphError: A name is taken twice or unknown, an input comes later, or shapes do not fit.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(init=False)

    def __post_init__(self) -> None:
        """Check the graph and derive shapes."""
        object.__setattr__(self, "nodes", tuple(self.nodes))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))
        shapes: dict[str, Shape] = {}
        for node in self.nodes:
            shapes[node.name] = _check(node, shapes)
        missing = [name for name in self.outputs if name not in shapes]
        if missing or not self.outputs:
            raise GraphError(f"expected outputs to name nodes of the graph, got {missing or 'none'}")
        object.__setattr__(self, "shapes", MappingProxyType(shapes))
        object.__setattr__(self, "_index", {node.name: node for node in self.nodes})

    def __getitem__(self, name: str) -> Node:
        """Return the node of that name.

        Raises:
            GraphError: There is none.
        """
        index: dict[str, Node] = self._index  # type: ignore[attr-defined]
        if name not in index:
            raise GraphError(f"no node '{name}' in the graph; it has {', '.join(index)}")
        return index[name]

    def __contains__(self, name: object) -> bool:
        """Whether a node of that name exists."""
        return name in self.shapes

    def __str__(self) -> str:
        """The graph as text, one line a node."""
        from snntoolbox.ir.text import to_text

        return to_text(self)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the nodes where samples enter, in order."""
        return tuple(node.name for node in self.nodes if isinstance(node.op, Input))

    @property
    def neurons(self) -> tuple[str, ...]:
        """Names of the layers of neurons, in order; empty before conversion."""
        return tuple(node.name for node in self.nodes if isinstance(node.op, Spiking))

    def consumers(self, name: str) -> tuple[Node, ...]:
        """Return the nodes that take the output of ``name``, in order."""
        return tuple(node for node in self.nodes if name in node.inputs)

    def input_shapes(self, name: str) -> tuple[Shape, ...]:
        """Return the shapes of a node's inputs."""
        return tuple(self.shapes[source] for source in self[name].inputs)

    def size(self, name: str) -> int:
        """Return the number of elements of a node's output."""
        return prod(self.shapes[name])

    def num_parameters(self, name: str | None = None) -> int:
        """Return the number of stored parameter values of a node, or of the whole graph."""
        nodes = self.nodes if name is None else (self[name],)
        return sum(array.size for node in nodes for array in node.op.parameters().values())

    def with_nodes(self, nodes: Iterable[Node], outputs: Iterable[str] | None = None) -> Graph:
        """Return a graph of other nodes with the same attributes, and the same outputs unless given."""
        return replace(self, nodes=tuple(nodes), outputs=tuple(self.outputs if outputs is None else outputs))

    def with_attributes(self, **attributes: str) -> Graph:
        """Return a graph with some attributes set."""
        return replace(self, attributes={**self.attributes, **attributes})

    def equals(self, other: Graph) -> bool:
        """Whether both graphs have the same nodes, outputs and attributes, parameters equal bit by bit."""
        return (
            self.outputs == other.outputs
            and dict(self.attributes) == dict(other.attributes)
            and len(self.nodes) == len(other.nodes)
            and all(_same_node(a, b) for a, b in zip(self.nodes, other.nodes, strict=True))
        )


def _check(node: Node, shapes: Mapping[str, Shape]) -> Shape:
    """Return the output shape of ``node``, given those of the nodes before it."""
    if node.name in shapes:
        raise GraphError(f"node {node}: the name is taken twice")
    unknown = [name for name in node.inputs if name not in shapes]
    if unknown:
        raise GraphError(f"node {node}: input {unknown} is not a node before it")
    arity = node.op.arity
    if (arity is None and len(node.inputs) < 2) or (arity is not None and len(node.inputs) != arity):
        expected = "2 or more" if arity is None else arity
        raise GraphError(f"node {node}: expected {expected} inputs, got {len(node.inputs)}")
    try:
        return node.op.infer(*(shapes[name] for name in node.inputs))
    except GraphError as error:
        raise GraphError(f"node {node}: {error}") from error


def _same_node(a: Node, b: Node) -> bool:
    return a.name == b.name and a.inputs == b.inputs and a.op.kind == b.op.kind and _same(a.op.fields(), b.op.fields())


def _same(a: Any, b: Any) -> bool:
    return all(name == other and _same_value(x, y) for (name, x), (other, y) in zip(a, b, strict=True))


def _same_value(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if hasattr(a, "__dataclass_fields__") and type(a) is type(b):
        return _same(vars(a).items(), vars(b).items())
    # A number saved as a NumPy scalar comes back as Python's.
    a, b = (value.item() if isinstance(value, np.generic) else value for value in (a, b))
    return type(a) is type(b) and bool(a == b)
