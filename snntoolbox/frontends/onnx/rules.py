"""What several nodes of a file say, said by one. A rule looks at one node and those before it.

It returns what can take the node's place, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.frontends.onnx.rewriting import Rewrite, View
from snntoolbox.ir import Node
from snntoolbox.ir.ops import (
    Add,
    Affine,
    AveragePool,
    Conv,
    ConvTranspose,
    Dense,
    Op,
    Pad,
    Padding,
    Permute,
    Relu,
    Reshape,
    Shape,
    Upsample,
)

__all__ = ["RULES"]


def _add_to_bias(view: View, node: Node) -> Rewrite | None:
    """Dense, Affine(1, shift) -> Dense with a bias; the same for convolutions."""
    op = node.op
    if not isinstance(op, Affine) or op.shift is None or not _is_one(op.scale):
        return None
    before = view.only(node.inputs[0])
    if before is None or not isinstance(before.op, Dense | Conv | ConvTranspose) or before.op.bias is not None:
        return None
    units = view.shapes[before.name][-1]
    if op.shift.ndim > 1 or op.shift.shape not in ((), (1,), (units,)):
        return None
    bias = np.broadcast_to(op.shift, (units,))
    return Rewrite(before.op.replace(bias=bias), before.inputs, before.name)


def _scale_then_shift(view: View, node: Node) -> Rewrite | None:
    """Affine(scale), Affine(1, shift) -> Affine(scale, shift)."""
    op = node.op
    if not isinstance(op, Affine) or op.shift is None or not _is_one(op.scale):
        return None
    before = view.only(node.inputs[0])
    if before is None or not isinstance(before.op, Affine) or before.op.shift is not None:
        return None
    return Rewrite(Affine(before.op.scale, op.shift), before.inputs, before.name)


def _is_one(scale: NDArray[Any]) -> bool:
    return scale.ndim == 0 and scale == 1


def _pad_in_window(view: View, node: Node) -> Rewrite | None:
    """Pad, Conv -> Conv with padding; Pad, AveragePool -> AveragePool that counts its padding."""
    before = view.nodes[node.inputs[0]] if len(node.inputs) == 1 else None
    if before is None or not isinstance(before.op, Pad) or before.op.padding[-1] != (0, 0):
        return None
    margins = before.op.padding[:-1]
    if isinstance(node.op, Conv):
        padding: Padding = tuple((a + c, b + d) for (a, b), (c, d) in zip(node.op.padding, margins, strict=True))
        return Rewrite(node.op.replace(padding=padding), before.inputs, node.name)
    if isinstance(node.op, AveragePool) and not np.any(node.op.padding):
        return Rewrite(node.op.replace(padding=margins, count_padding=True), before.inputs, node.name)
    return None


def _ceiling(view: View, node: Node) -> Rewrite | None:
    """Relu, Relu(max) -> Relu(max)."""
    before = view.only(node.inputs[0]) if isinstance(node.op, Relu) else None
    if before is None or not isinstance(before.op, Relu) or before.op.leaky or before.op.levels is not None:
        return None
    if isinstance(node.op, Relu) and node.op.levels is not None:
        return None
    bounds = [op.max_value for op in (before.op, node.op) if isinstance(op, Relu) and op.max_value is not None]
    lowest = bounds[0] if len(bounds) == 1 else np.minimum(bounds[0], bounds[1]) if bounds else None
    ceiling = float(lowest) if lowest is not None and np.ndim(lowest) == 0 else lowest
    return Rewrite(Relu(ceiling), before.inputs, before.name)


def _levels_in_their_units(view: View, node: Node) -> Rewrite | None:
    """Affine(a), Relu with levels, Affine(1 / a) -> Relu with levels and another ceiling."""
    affine = node.op
    if not isinstance(affine, Affine) or affine.shift is not None or affine.scale.size != 1:
        return None
    before = view.only(node.inputs[0])
    if before is not None and isinstance(before.op, Affine) and before.op.shift is None and before.op.scale.size == 1:
        inner = view.only(before.inputs[0])
        if inner is not None and isinstance(inner.op, Relu) and inner.op.levels is not None:
            scale = before.op.scale * affine.scale
            if np.isclose(scale.item(), 1, rtol=1e-5):
                return Rewrite(inner.op, inner.inputs, inner.name)
            return Rewrite(Affine(scale), before.inputs, node.name)
    if before is None or not isinstance(before.op, Relu) or before.op.levels is None or before.op.max_value is None:
        return None
    scaled = view.nodes[before.inputs[0]]
    if not isinstance(scaled.op, Affine) or scaled.op.shift is not None or scaled.op.scale.size != 1:
        return None
    factor = scaled.op.scale.item()
    if not factor > 0 or not np.isclose(factor * affine.scale.item(), 1, rtol=1e-5):
        return None
    ceiling = np.asarray(before.op.max_value) / factor
    return Rewrite(before.op.replace(max_value=float(ceiling)), scaled.inputs, before.name)


def _slopes(view: View, node: Node) -> Rewrite | None:
    """relu(x) + c relu(-x) -> Relu with the slope -c, as PReLU is exported by Keras."""
    if not isinstance(node.op, Add) or len(node.inputs) != 2:
        return None
    for first, second in (node.inputs, node.inputs[::-1]):
        right, left = view.only(first), _chain(view, second, (Affine, Relu, Affine))
        if right is None or left is None or not _is_plain_relu(right.op):
            continue
        scaled, mirrored, flipped = left
        affine = scaled.op
        if (
            isinstance(affine, Affine)
            and affine.shift is None
            and _is_plain_relu(mirrored.op)
            and isinstance(flipped.op, Affine)
            and _is_one(-flipped.op.scale)
            and flipped.op.shift is None
            and flipped.inputs == right.inputs
        ):
            slope = -affine.scale
            return Rewrite(Relu(negative_slope=slope if slope.size > 1 else slope.item()), right.inputs, right.name)
    return None


def _is_plain_relu(op: Op) -> bool:
    return isinstance(op, Relu) and not op.leaky and op.max_value is None


def _repetition(view: View, node: Node) -> Rewrite | None:
    """Reshape, Upsample, Reshape that repeat each element of an axis -> Upsample, Reshape, as Keras exports it."""
    if not isinstance(node.op, Upsample) or view.consumers(node.name) != {Reshape}:
        return None
    split = view.only(node.inputs[0])
    if split is None or not isinstance(split.op, Reshape):
        return None
    shape, merged = view.shapes[split.inputs[0]], list[int]()
    for size, factor in zip(split.op.shape, (*node.op.factors, 1), strict=True):
        if size == 1 and factor > 1 and merged:
            merged[-1] *= factor
        elif factor == 1 and len(merged) < len(shape) and size == shape[len(merged)]:
            merged.append(1)
        else:
            return None
    if len(merged) < len(shape) or merged[-1] != 1:
        return None
    return Rewrite(Upsample(tuple(merged[:-1])), split.inputs, split.name)


def _times(shape: Shape, factors: Iterable[int]) -> Shape:
    return tuple(size * factor for size, factor in zip(shape, factors, strict=True))


def _twice(view: View, node: Node) -> Rewrite | None:
    """Two reshapes, permutations or repetitions in a row -> one."""
    op = node.op
    if isinstance(op, Reshape):
        before = view.nodes[node.inputs[0]]
        return Rewrite(op, before.inputs, node.name) if isinstance(before.op, Reshape) else None
    before_only = view.only(node.inputs[0]) if isinstance(op, Permute | Upsample) else None
    if before_only is None:
        return None
    if isinstance(op, Permute) and isinstance(before_only.op, Permute):
        perm = tuple(before_only.op.perm[axis] for axis in op.perm)
        return Rewrite(Permute(perm), before_only.inputs, node.name)
    if isinstance(op, Upsample) and isinstance(before_only.op, Upsample):
        return Rewrite(Upsample(_times(before_only.op.factors, op.factors)), before_only.inputs, before_only.name)
    return None


def _chain(view: View, name: str, kinds: tuple[type[Op], ...]) -> list[Node] | None:
    """The node and those before it, if they are of these kinds, last first, and no other node takes those before."""
    found = [view.nodes[name]]
    for _ in kinds[1:]:
        before = view.only(found[-1].inputs[0]) if len(found[-1].inputs) == 1 else None
        if before is None:
            return None
        found.append(before)
    return found if all(isinstance(n.op, kind) for n, kind in zip(found, kinds, strict=True)) else None


RULES: tuple[Callable[[View, Node], Rewrite | None], ...] = (
    _add_to_bias,
    _scale_then_shift,
    _pad_in_window,
    _ceiling,
    _levels_in_their_units,
    _slopes,
    _repetition,
    _twice,
)
