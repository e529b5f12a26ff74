"""Which wires of a residual network are shortcuts, and a normalisation that forgets them, to show what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.absorb import WEIGHTED
from snntoolbox.passes.base import Preserves
from snntoolbox.passes.factors import CARRIERS
from snntoolbox.passes.normalize_activations import NormalizeActivations, write_normalized
from snntoolbox.passes.scales import plan_scales

__all__ = ["NormalizeStackedLayers", "Shortcut", "find_shortcuts"]

_LINEAR = (*WEIGHTED, *CARRIERS, ops.Add, ops.Affine)


@dataclass(frozen=True)
class Shortcut:
    """One branch of a sum that skips layers.

    Attributes:
        sum: Name of the Add.
        position: Number of its input.
        path: Nodes that only this branch uses, from the sum back: empty for an identity, the ops of a projection.
    """

    sum: str
    position: int
    path: tuple[str, ...]


def find_shortcuts(graph: Graph) -> tuple[Shortcut, ...]:
    """Return the shortcuts of a network without neurons.

    A branch of a sum is a shortcut if all rectifiers and entrances that it comes from, through linear ops, lie before
    those of another branch: that one goes through more layers.
    """
    sources, ancestors = _sources(graph), _ancestors(graph)
    found = []
    for node in graph.nodes:
        if isinstance(node.op, ops.Add):
            for position, name in enumerate(node.inputs):
                others = {s for i, other in enumerate(node.inputs) if i != position for s in sources[other]}
                if all(any(s in ancestors[other] for other in others) for s in sources[name]):
                    found.append(Shortcut(node.name, position, _path(graph, name)))
    return tuple(found)


def _sources(graph: Graph) -> dict[str, frozenset[str]]:
    """Return for each node the nearest nodes before or at it that are not linear."""
    sources: dict[str, frozenset[str]] = {}
    for node in graph.nodes:
        linear = isinstance(node.op, _LINEAR)
        sources[node.name] = frozenset().union(*(sources[i] for i in node.inputs)) if linear else frozenset([node.name])
    return sources


def _ancestors(graph: Graph) -> dict[str, frozenset[str]]:
    """Return for each node all nodes before it that it depends on."""
    ancestors: dict[str, frozenset[str]] = {}
    for node in graph.nodes:
        ancestors[node.name] = frozenset(node.inputs).union(*(ancestors[i] for i in node.inputs))
    return ancestors


def _path(graph: Graph, name: str) -> tuple[str, ...]:
    path: list[str] = []
    node: Node = graph[name]
    while isinstance(node.op, _LINEAR) and len(node.inputs) == 1 and len(graph.consumers(node.name)) == 1:
        path.append(node.name)
        node = graph[node.inputs[0]]
    return tuple(path)


@dataclass(frozen=True, eq=False)
class NormalizeStackedLayers(NormalizeActivations):
    """Normalise the layers between shortcuts, but not the shortcuts.

    Before: activations in the ANN's units. After: as with `NormalizeActivations`, except that an identity shortcut
    passes values on as they are, and a projection keeps the ANN's weights and biases, though what it is fed has been
    scaled (Hu et al. 2018, eq. 5). Why: to measure what the normalisation of shortcuts is worth. The function changes,
    unless all scales are the same; nobody should want it otherwise.
    """

    name: ClassVar[str] = "normalize_stacked_layers"
    preserves: ClassVar[Preserves | None] = None

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with its stacked layers normalised."""
        shortcuts = find_shortcuts(graph)
        plan = plan_scales(graph, self.scales, keep_head=self.keep_head)
        path = frozenset(name for one in shortcuts for name in one.path)
        return write_normalized(graph, plan, kept=path, unscaled={(one.sum, one.position) for one in shortcuts})
