"""What comes after the last neurons: ops such as softmax, applied to the decoded output outside the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Array
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Spiking

__all__ = ["Head", "split_head"]


@dataclass(frozen=True, eq=False)
class Head:
    """A converted graph in two parts.

    Attributes:
        body: The part to simulate; its outputs are the readout layers.
        nodes: The rest, in order.
        outputs: Output nodes of the whole graph.
    """

    body: Graph
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    @property
    def readouts(self) -> tuple[str, ...]:
        """Layers whose potential or messages are decoded."""
        return self.body.outputs

    def apply(self, decoded: Mapping[str, Array]) -> dict[str, Array]:
        """Return the network's outputs for the decoded values of the readout layers, each of shape (batch, *shape)."""
        values = dict(decoded)
        for node in self.nodes:
            values[node.name] = apply_op(node.op, *(values[source] for source in node.inputs))
        return {name: values[name] for name in self.outputs}


def split_head(graph: Graph) -> Head:
    """Split a converted graph after its last layers of neurons.

    The head is every node from which no layer of neurons can be reached. In a graph without neurons all is body.
    """
    needed: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, Spiking) or node.name in needed:
            needed.update((node.name, *node.inputs))
    if not needed:
        return Head(graph, (), graph.outputs)
    body = [node for node in graph.nodes if node.name in needed]
    head = tuple(node for node in graph.nodes if node.name not in needed)
    read = {source for node in head for source in node.inputs} | set(graph.outputs)
    readouts = tuple(node.name for node in body if node.name in read)
    return Head(graph.with_nodes(body, readouts), head, graph.outputs)
