"""Which scale every node's value has after normalisation, and where that takes an explicit rescaling.

The scale of a node is what a normalised value of 1 stands for: value after = value before / scale. Rectifiers have the
scales that calibration found; entrances, outputs and the head have 1; linear ops take the scale of what they feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.absorb import WEIGHTED
from snntoolbox.passes.factors import CARRIERS, ONE, Factor, carry, carry_back, channels, compact
from snntoolbox.passes.head import head_nodes

__all__ = ["ScalePlan", "node_scales", "plan_scales"]


@dataclass(frozen=True, eq=False)
class ScalePlan:
    """The scales of a graph.

    Attributes:
        scales: Scale of each node's value, in compact form.
        rescaled: (node, number of the input) -> factor by which the value must be multiplied on that wire.
    """

    scales: Mapping[str, Factor]
    rescaled: Mapping[tuple[str, int], Factor]


def node_scales(graph: Graph, scales: Mapping[str, ArrayLike], *, keep_head: bool = True) -> dict[str, Factor]:
    """Return the scale of each node of ``graph`` after `NormalizeActivations` with the same arguments.

    Args:
        graph: The graph before normalisation.
        scales: Name of each rectifier -> its scale, a scalar or one value for each channel.
        keep_head: Whether rectifiers of the output keep the ANN's units.

    Returns:
        Arrays that broadcast against the shape of the node.
    """
    return dict(plan_scales(graph, scales, keep_head=keep_head).scales)


def plan_scales(graph: Graph, scales: Mapping[str, ArrayLike], *, keep_head: bool = True) -> ScalePlan:
    """Settle the scale of each node; arguments as for `node_scales`.

    Raises:
        ConversionError: A rectifier has no scale, a scale is not finite and positive or does not fit, or a name is none
            of a rectifier's.
    """
    head = head_nodes(graph, rectifiers=keep_head)
    fixed = _fixed_scales(graph, scales, head)
    targets = _targets(graph, fixed)
    settled: dict[str, Factor] = {}
    rescaled: dict[tuple[str, int], Factor] = {}
    for node in graph.nodes:
        arriving = [settled[source] for source in node.inputs]
        required, settled[node.name] = _settle(graph, node, arriving, fixed.get(node.name), targets[node.name])
        for position, factor in enumerate(arriving):
            if required is not None:
                ratio = compact(factor / required, graph.shapes[node.inputs[position]])
                if ratio.ndim or ratio != 1:
                    rescaled[node.name, position] = ratio
    return ScalePlan(settled, rescaled)


def _fixed_scales(graph: Graph, scales: Mapping[str, ArrayLike], head: frozenset[str]) -> dict[str, Factor]:
    """Return the scales of nodes that have no choice: entrances, rectifiers, other activations, the head."""
    fixed: dict[str, Factor] = {}
    rectifiers = {node.name for node in graph.nodes if isinstance(node.op, ops.Relu)}
    wrong = [f"'{name}' is no Relu of the graph" for name in scales if name not in rectifiers]
    for node in graph.nodes:
        if node.name in head or isinstance(node.op, ops.Input | ops.Softmax | ops.Activation):
            fixed[node.name] = ONE
        elif isinstance(node.op, ops.Relu):
            problem = _problem(graph, node, scales)
            fixed[node.name] = ONE if problem else compact(scales[node.name], graph.shapes[node.name])
            wrong += [f"node {node}: {problem}"] if problem else []
        elif isinstance(node.op, ops.Spiking | ops.SpikingMaxPool):
            wrong.append(f"node {node}: it is spiking already; normalise before neurons are inserted")
    if wrong:
        raise ConversionError("cannot normalise: " + "; ".join(wrong))
    return fixed


def _problem(graph: Graph, node: Node, scales: Mapping[str, ArrayLike]) -> str:
    """Return what is wrong with the scale of a rectifier, or an empty string."""
    if node.name not in scales:
        return "no scale given; calibrate on this very graph"
    scale, shape = np.asarray(scales[node.name], np.float64), graph.shapes[node.name]
    if scale.shape not in ((), shape[-1:]):
        return f"expected a scalar or one scale for each of {shape[-1]} channels, got shape {scale.shape}"
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        return f"expected finite scales > 0, got values from {scale.min()} to {scale.max()}"
    return ""


def _targets(graph: Graph, fixed: Mapping[str, Factor]) -> dict[str, Factor | None]:
    """Return the scale in which each node's value is wanted by what comes after it; None: any would do."""
    targets: dict[str, Factor | None] = dict.fromkeys(graph.shapes)
    for node in reversed(graph.nodes):
        own = fixed.get(node.name, ONE if node.name in graph.outputs else targets[node.name])
        targets[node.name] = own
        if own is None:
            continue
        shapes = graph.input_shapes(node.name)
        for position, source in reversed(list(enumerate(node.inputs))):
            if isinstance(node.op, CARRIERS) and node.name not in fixed:
                wanted = carry_back(node.op, shapes, position, own)
            elif isinstance(node.op, (*WEIGHTED, ops.Affine)) and node.name not in fixed:
                wanted = None  # weights take any scale
            else:
                wanted = own
            # Of several consumers the first is served: nodes and inputs are walked from the last to the first.
            targets[source] = targets[source] if wanted is None else wanted
    return targets


def _settle(
    graph: Graph, node: Node, arriving: list[Factor], fixed: Factor | None, target: Factor | None
) -> tuple[Factor | None, Factor]:
    """Return the scale that all inputs must have (None: they can stay as they are), and that of the output."""
    wanted = ONE if target is None else target
    shapes = graph.input_shapes(node.name)
    if fixed is not None:
        return fixed, fixed
    if isinstance(node.op, ops.Affine):
        return None, wanted
    if isinstance(node.op, WEIGHTED):
        fits = channels(arriving[0], shapes[0]) is not None
        return None if fits else ONE, wanted if channels(wanted, graph.shapes[node.name]) is not None else ONE
    carried = carry(node.op, shapes, *arriving)
    if carried is not None:
        return None, carried
    if isinstance(node.op, ops.Add):
        return wanted, wanted
    # Averages and maxima need one scale over each window.
    common = wanted if channels(wanted, graph.shapes[node.name]) is not None else ONE
    return common, common
