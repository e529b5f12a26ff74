"""Data-based weight normalisation, correct through sums, concatenations, pooling and reshapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.ops import Op
from snntoolbox.passes.absorb import WEIGHTED, absorb, parameter_dtype
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.passes.factors import Factor
from snntoolbox.passes.scales import ScalePlan, plan_scales

__all__ = ["NormalizeActivations", "write_normalized"]


@dataclass(frozen=True, eq=False)
class NormalizeActivations(Pass):
    """Scale weights so that the activation ``scales[r]`` of each rectifier r becomes 1.

    Before: activations in the ANN's units. After: ``W -> W scale_in / scale_out``, ``b -> b / scale_out`` (Rueckauer
    2020, section 2.1.2.2), with scale_in that of the input's value and scale_out that of the rectifier behind. Layout
    ops and pooling pass a scale on. At a sum every branch is brought to the sum's scale, identity shortcuts included
    (Hu et al. 2018, section 3.2): by its own weights if it has any, else by an Affine ``<branch>_rescale``. A ceiling
    (ReLU6) is scaled with its rectifier. Outputs stay in the ANN's units; an output that is a scaled rectifier gets an
    Affine ``<output>_rescale`` behind it, which then is the output. Why: a rate cannot exceed one spike a step.

    Attributes:
        scales: Name of each rectifier -> its scale, a scalar or one value for each channel.
        keep_head: Whether rectifiers of the output keep the ANN's units, as they are not to be neurons.

    Raises:
        ConversionError: When called: scales are missing, too many, not positive or do not fit.
    """

    name: ClassVar[str] = "normalize_activations"
    preserves: ClassVar[Preserves | None] = "scaled"

    scales: Mapping[str, float | NDArray[np.floating[Any]]]
    keep_head: bool = True

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "scales", MappingProxyType(dict(self.scales)))

    def __call__(self, graph: Graph) -> Graph:
        """Return the normalised graph."""
        return write_normalized(graph, plan_scales(graph, self.scales, keep_head=self.keep_head))


def write_normalized(
    graph: Graph, plan: ScalePlan, *, kept: Collection[str] = (), unscaled: Collection[tuple[str, int]] = ()
) -> Graph:
    """Return the graph with the scales of a plan.

    Args:
        graph: The graph before normalisation.
        plan: The scale of each node.
        kept: Nodes that stay as they are, and so do the wires to them.
        unscaled: Other wires, (node, number of the input), whose values stay as they are.
    """
    rescaled = {
        (name, position): ratio
        for (name, position), ratio in plan.rescaled.items()
        if name not in kept and (name, position) not in unscaled
    }
    return _Writer(graph, ScalePlan(plan.scales, rescaled), frozenset(kept)).write()


class _Writer:
    """Writes the nodes of the normalised graph in order, with rescalings where they are first needed."""

    def __init__(self, graph: Graph, plan: ScalePlan, kept: frozenset[str]) -> None:
        self._graph, self._plan, self._kept = graph, plan, kept
        self._dtype = parameter_dtype(graph)
        self._nodes: list[Node] = []
        self._names = set(graph.shapes)
        self._rescalings: dict[tuple[str, bytes], str] = {}

    def write(self) -> Graph:
        for node in self._graph.nodes:
            inputs = tuple(self._wire(node, position) for position in range(len(node.inputs)))
            self._nodes.append(Node(node.name, self._op(node), inputs))
        outputs = [self._rescale(name, self._plan.scales[name]) for name in self._graph.outputs]
        return self._graph.with_nodes(self._nodes, outputs)

    def _wire(self, node: Node, position: int) -> str:
        """Return what takes the place of an input of ``node``."""
        source = node.inputs[position]
        ratio = self._plan.rescaled.get((node.name, position))
        return source if ratio is None else self._rescale(source, ratio)

    def _rescale(self, source: str, ratio: Factor) -> str:
        """Return the name of the node whose value is ``ratio`` times that of ``source``."""
        if ratio.ndim == 0 and ratio == 1:
            return source
        key = (source, ratio.tobytes())
        if key not in self._rescalings:
            name, number = f"{source}_rescale", 1
            while name in self._names:
                number += 1
                name = f"{source}_rescale_{number}"
            self._names.add(name)
            self._rescalings[key] = name
            self._nodes.append(Node(name, ops.Affine(ratio.astype(self._dtype)), (source,)))
        return self._rescalings[key]

    def _op(self, node: Node) -> Op:
        if node.name in self._kept:
            return node.op
        scale = self._plan.scales[node.name]
        if isinstance(node.op, (*WEIGHTED, ops.Affine)):
            rescaled = (node.name, 0) in self._plan.rescaled
            before = 1.0 if rescaled else self._plan.scales[node.inputs[0]]
            op: Op = absorb(node.op, before=before, after=1 / scale)
            return op
        if isinstance(node.op, ops.Relu) and node.op.max_value is not None:
            ceiling = np.asarray(node.op.max_value, np.float64) / scale
            limited: Op = node.op.replace(
                max_value=float(ceiling) if ceiling.ndim == 0 else ceiling.astype(self._dtype)
            )
            return limited
        if isinstance(node.op, ops.Relu) and node.op.clamps:
            least = np.asarray(node.op.threshold, np.float64) / scale
            clamped: Op = node.op.replace(threshold=float(least) if least.ndim == 0 else least.astype(self._dtype))
            return clamped
        return node.op
