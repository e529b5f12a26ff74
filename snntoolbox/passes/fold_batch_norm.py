"""Batch normalisation, and every other scale and shift, goes into the weights next to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import bypass, replace_ops
from snntoolbox.ir.ops import Op, Shape
from snntoolbox.passes.absorb import WEIGHTED, absorb
from snntoolbox.passes.append import append_op
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.passes.factors import ONE, Factor, carry, carry_back, channels, compact
from snntoolbox.passes.shifts import carry_shift, response

__all__ = ["FoldBatchNorm"]

ZERO: Factor = np.zeros(())


@dataclass(frozen=True)
class FoldBatchNorm(Pass):
    """Fold every Affine into weights: those before it, or else those after it.

    Before: Dense, Conv or ConvTranspose, then Affine; or Affine, then one of these; also with reshapes, pooling or
    concatenations between, as far as scale and shift pass through them exactly. After: the weights and biases have
    taken in scale and shift (Rueckauer 2020, section 2.1.2.4), and adjacent Affines are one. A shift in front of a
    convolution with zero padding becomes one bias an element, an Affine of scale 1 behind it, since at the border fewer
    weights see the shift. What cannot be folded exactly (between a sum and a rectifier, say) stays an Affine, which is
    a linear op and runs on every backend. Why: spikes go straight into the synapses; nothing is scaled in every step.
    """

    name: ClassVar[str] = "fold_batch_norm"
    preserves: ClassVar[Preserves | None] = "function"

    def __call__(self, graph: Graph) -> Graph:
        """Return the folded graph."""
        changed = True
        while changed:
            graph, up = _everywhere(graph, _fold_up)
            graph, down = _everywhere(graph, _fold_down)
            changed = up or down
        return graph


def _everywhere(graph: Graph, fold: Callable[[Graph, str], Graph | None]) -> tuple[Graph, bool]:
    """Apply a fold to every Affine, front to back; say whether anything changed."""
    changed = False
    for name in [node.name for node in graph.nodes if isinstance(node.op, ops.Affine)]:
        folded = fold(graph, name) if name in graph and isinstance(graph[name].op, ops.Affine) else None
        graph, changed = folded or graph, changed or folded is not None
    return graph, changed


def _scale_and_shift(graph: Graph, name: str) -> tuple[Factor, Factor]:
    op, shape = graph[name].op, graph.shapes[name]
    if not isinstance(op, ops.Affine):
        return ONE, ZERO
    return compact(op.scale, shape), ZERO if op.shift is None else compact(op.shift, shape)


# Upwards: into the op that computes the Affine's input.


def _fold_up(graph: Graph, name: str) -> Graph | None:
    source = graph[name].inputs[0]
    scale, shift = _scale_and_shift(graph, name)
    landed = _land(graph, source, scale, shift)
    if landed is not None:
        return bypass(replace_ops(graph, landed), name)
    if not isinstance(graph[source].op, WEIGHTED) or np.all(scale == 1):
        return None
    landed = _land(graph, source, scale, ZERO)
    rest = ops.Affine(np.ones((), graph[name].op.parameters()["scale"].dtype), graph[name].op.parameters().get("shift"))
    return None if landed is None else replace_ops(graph, {**landed, name: rest})


def _land(graph: Graph, name: str, scale: Factor, shift: Factor) -> dict[str, Op] | None:
    """Return new ops with which node ``name`` computes ``scale * old + shift``, or None if that cannot be exact."""
    node, shapes = graph[name], graph.input_shapes(name)
    if name in graph.outputs or sum(n.inputs.count(name) for n in graph.nodes) != 1:
        return None
    if isinstance(node.op, ops.Affine):
        return {name: absorb(node.op, after=scale, shift=shift)}
    if isinstance(node.op, WEIGHTED):
        after, moved = channels(scale, graph.shapes[name]), channels(shift, graph.shapes[name])
        return None if after is None or moved is None else {name: absorb(node.op, after=after, shift=_or_none(moved))}
    if not _commutes(node.op, scale, shift):
        return None
    found: dict[str, Op] = {}
    for position, source in enumerate(node.inputs):
        parts = [carry_back(node.op, shapes, position, factor) for factor in (scale, shift)]
        landed = None if parts[0] is None or parts[1] is None else _land(graph, source, parts[0], parts[1])
        if landed is None:
            return None
        found |= landed
    return found


def _commutes(op: Op, scale: Factor, shift: Factor) -> bool:
    """Whether ``scale * op(x) + shift`` is ``op`` of a scaled and shifted x."""
    if isinstance(op, ops.MaxPool):
        return bool(np.all(scale > 0))
    if isinstance(op, ops.AveragePool):
        return not (np.any(shift) and op.count_padding and np.any(op.padding))
    return isinstance(op, ops.Reshape | ops.Permute | ops.Upsample | ops.Concat)


def _or_none(shift: Factor) -> Factor | None:
    return shift if np.any(shift) else None


# Downwards: into all ops that the Affine's output arrives at.


def _fold_down(graph: Graph, name: str) -> Graph | None:
    if name in graph.outputs:
        return None
    pending: dict[str, tuple[Factor, Factor]] = {name: _scale_and_shift(graph, name)}
    absorbed: dict[str, Op] = {}
    maps: dict[str, Factor] = {}
    for node in graph.nodes:
        if not any(source in pending for source in node.inputs):
            continue
        arriving = [pending.get(source, (ONE, ZERO)) for source in node.inputs]
        if isinstance(node.op, (*WEIGHTED, ops.Affine)):
            taken = _take(node.op, graph.input_shapes(node.name)[0], *arriving[0])
            if taken is None:
                return None
            absorbed[node.name], maps[node.name] = taken
        else:
            carried = None if node.name in graph.outputs else _carry(graph, node, arriving)
            if carried is None:
                return None
            pending[node.name] = carried
    if not absorbed:
        return None
    graph = bypass(replace_ops(graph, absorbed), name)
    for absorber, shift in maps.items():
        if np.any(shift):
            scale = np.ones((), graph[absorber].op.parameters()["kernel"].dtype)
            graph = append_op(graph, absorber, ops.Affine(scale, shift.astype(scale.dtype)), suffix="shift")
    return graph


def _take(op: Op, shape: Shape, scale: Factor, shift: Factor) -> tuple[Op, Factor] | None:
    """Return the op that scales and shifts its input itself, and what it has to leave to an Affine behind it."""
    if isinstance(op, ops.Affine):
        return absorb(op, before=scale, shift=np.asarray(op.scale, np.float64) * shift), ZERO
    before = channels(scale, shape)
    if before is None or not isinstance(op, WEIGHTED):
        return None
    moved = response(op, shape, shift)
    bias = channels(moved, op.infer(shape))
    if bias is None:
        return absorb(op, before=before), moved
    return absorb(op, before=before, shift=_or_none(bias)), ZERO


def _carry(graph: Graph, node: Node, arriving: list[tuple[Factor, Factor]]) -> tuple[Factor, Factor] | None:
    """Return scale and shift behind an op that has no weights, or None if they do not pass through it."""
    shapes = graph.input_shapes(node.name)
    if isinstance(node.op, ops.MaxPool) and not np.all(arriving[0][0] > 0):
        return None
    scale = carry(node.op, shapes, *(a[0] for a in arriving))
    shift = carry_shift(node.op, shapes, *(a[1] for a in arriving))
    return None if scale is None or shift is None else (scale, shift)
