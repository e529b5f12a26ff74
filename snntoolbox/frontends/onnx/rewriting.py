"""A graph while rules are applied to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Op

__all__ = ["Rewrite", "View"]


@dataclass(frozen=True)
class Rewrite:
    """What takes the place of a node.

    Attributes:
        op, inputs: Of the new node.
        named_after: Node whose place in the user's file the new one takes.
    """

    op: Op
    inputs: tuple[str, ...]
    named_after: str


class View:
    """A graph while rules are applied: nodes as rewritten so far."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = {node.name: node for node in graph.nodes}
        self.shapes = dict(graph.shapes)
        self._outputs = graph.outputs
        self._uses = Counter([*(name for node in graph.nodes for name in node.inputs), *graph.outputs])

    def replace(self, node: Node, rewrite: Rewrite) -> None:
        """Let a rewrite take the place of a node."""
        self.nodes[node.name] = Node(node.name, rewrite.op, rewrite.inputs)
        self.shapes[node.name] = rewrite.op.infer(*(self.shapes[name] for name in rewrite.inputs))
        self._uses.update(rewrite.inputs)
        released = list(node.inputs)
        while released:
            name = released.pop()
            self._uses[name] -= 1
            released += self.nodes[name].inputs if self._uses[name] == 0 else ()

    def is_used(self, name: str) -> bool:
        """Whether anything takes a node."""
        return self._uses[name] > 0

    def consumers(self, name: str) -> set[type[Op] | None]:
        """Kinds of the ops that take a node; None stands for the outputs."""
        kinds = {type(node.op) for node in self.nodes.values() if name in node.inputs}
        return kinds | ({None} if name in self._outputs else set())

    def only(self, name: str) -> Node | None:
        """Return a node that nothing but one consumer takes, or None."""
        return self.nodes[name] if self._uses[name] == 1 else None
