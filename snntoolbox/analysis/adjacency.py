"""Which outputs of an op an input reaches: the structural connections of the network, whatever the weights are.

`pull_back` applies the transpose of an op's 0/1 adjacency matrix: given a value for every output element, each input
element receives the sum over the output elements it is connected to. Padding is no element and connects to nothing. A
new op that spikes pass through is registered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import ops

__all__ = ["WEIGHTED", "pull_back"]

Array = NDArray[Any]

WEIGHTED = (ops.Dense, ops.Conv, ops.ConvTranspose, ops.Affine)
"""Ops whose connections are synapses: one operation for each arriving spike. Other ops only pass spikes on."""


@singledispatch
def pull_back(op: ops.Op, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    """Sum ``values`` over the output elements that each input element is connected to.

    Args:
        op: An op that spikes pass through: linear ones and pooling.
        values: Shape of the op's output.
        shapes: Shapes of the op's inputs.

    Returns:
        One array for each input, of its shape and the dtype of ``values``.

    Raises:
        UnsupportedError: Spikes do not pass through this op.
    """
    raise UnsupportedError(f"op {op.kind} has no connections that spikes could pass through")


@pull_back.register
def _(op: ops.Dense, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    return (np.broadcast_to(values.sum(axis=-1, keepdims=True), shapes[0]),)


@pull_back.register
def _(op: ops.Conv, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    collapsed = _sum_groups(values, op.groups)
    windows = _scatter(collapsed, shapes[0][:-1], op.window, op.strides, op.dilation, op.padding)
    return (np.repeat(windows, op.in_channels // op.groups, axis=-1),)


@pull_back.register
def _(op: ops.ConvTranspose, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    spatial, collapsed = shapes[0][:-1], _sum_groups(values, op.groups)
    # Put back what `padding` cut off, and what the last element does not reach, as zeros.
    extent = _extent(spatial, op.window, op.strides, op.dilation)
    behind = (max(e - lo - n, 0) for e, (lo, _), n in zip(extent, op.padding, values.shape, strict=False))
    before = (lo for lo, _ in op.padding)
    full = np.pad(collapsed, (*zip(before, behind, strict=True), (0, 0)))
    total = np.zeros((*spatial, op.groups), values.dtype)
    for place in product(*(range(w) for w in op.window)):
        total += full[_places(place, spatial, op.strides, op.dilation)]
    return (np.repeat(total, op.in_channels // op.groups, axis=-1),)


@pull_back.register
def _(op: ops.Affine, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    return (values,)


@pull_back.register(ops.MaxPool)
@pull_back.register(ops.AveragePool)
@pull_back.register(ops.SpikingMaxPool)
def _(
    op: ops.MaxPool | ops.AveragePool | ops.SpikingMaxPool, values: Array, shapes: Sequence[ops.Shape]
) -> tuple[Array, ...]:
    return (_scatter(values, shapes[0][:-1], op.pool, op.strides, (1,) * len(op.pool), op.padding),)


@pull_back.register
def _(op: ops.Reshape, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    return (values.reshape(shapes[0]),)


@pull_back.register
def _(op: ops.Permute, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    return (values.transpose(np.argsort(op.perm)),)


@pull_back.register
def _(op: ops.Pad, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    inner = tuple(slice(before, before + n) for (before, _), n in zip(op.padding, shapes[0], strict=True))
    return (values[inner],)


@pull_back.register
def _(op: ops.Slice, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    whole = np.zeros(shapes[0], values.dtype)
    whole[tuple(slice(*bounds) for bounds in zip(op.start, op.stop, op.step, strict=True))] = values
    return (whole,)


@pull_back.register
def _(op: ops.Upsample, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    *spatial, channels = shapes[0]
    blocks = [size for pair in zip(spatial, op.factors, strict=True) for size in pair]
    return (values.reshape(*blocks, channels).sum(axis=tuple(range(1, 2 * len(spatial), 2))),)


@pull_back.register
def _(op: ops.Concat, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    ends = np.cumsum([shape[op.axis] for shape in shapes])[:-1]
    return tuple(np.split(values, ends, axis=op.axis))


@pull_back.register
def _(op: ops.Add, values: Array, shapes: Sequence[ops.Shape]) -> tuple[Array, ...]:
    return (values,) * len(shapes)


def _sum_groups(values: Array, groups: int) -> Array:
    """Sum the channels of each group: (*spatial, channels) -> (*spatial, groups)."""
    return np.asarray(values.reshape(*values.shape[:-1], groups, -1).sum(axis=-1))


def _extent(count: ops.Shape, window: ops.Shape, strides: ops.Shape, dilation: ops.Shape) -> tuple[int, ...]:
    """Return how many elements ``count`` windows cover along each axis."""
    axes = zip(count, window, strides, dilation, strict=True)
    return tuple((n - 1) * s + (w - 1) * d + 1 for n, w, s, d in axes)


def _places(place: tuple[int, ...], count: ops.Shape, strides: ops.Shape, dilation: ops.Shape) -> tuple[slice, ...]:
    """Return where the kernel element at ``place`` lies in each of ``count`` windows."""
    axes = zip(place, count, strides, dilation, strict=True)
    return tuple(slice(k * d, k * d + (n - 1) * s + 1, s) for k, n, s, d in axes)


def _scatter(
    values: Array, spatial: ops.Shape, window: ops.Shape, strides: ops.Shape, dilation: ops.Shape, padding: ops.Padding
) -> Array:
    """Sum the values (*spatial', channels) of all windows that an element is in: (*spatial, channels)."""
    padded = tuple(before + n + after for n, (before, after) in zip(spatial, padding, strict=True))
    total = np.zeros((*padded, values.shape[-1]), values.dtype)
    for place in product(*(range(w) for w in window)):
        total[_places(place, values.shape[:-1], strides, dilation)] += values
    inner = tuple(slice(before, before + n) for (before, _), n in zip(padding, spatial, strict=True))
    return total[inner]
