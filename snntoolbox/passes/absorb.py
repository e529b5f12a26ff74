"""Scales and shifts that linear ops take into their weights. Everything is computed in float64."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from snntoolbox.ir import Graph, ops
from snntoolbox.ir.ops import Op
from snntoolbox.passes.factors import Factor

__all__ = ["WEIGHTED", "absorb", "parameter_dtype"]

WEIGHTED = (ops.Dense, ops.Conv, ops.ConvTranspose)
"""Ops with synaptic weights. They absorb scales and shifts that are one value a channel."""
_BLOCK = 512
"""Rows of a weight matrix that are in memory in float64 at a time."""


def parameter_dtype(graph: Graph) -> np.dtype[Any]:
    """Return the common dtype of a graph's parameters; float32 if it has none."""
    found = {array.dtype for node in graph.nodes for array in node.op.parameters().values() if array.dtype.kind == "f"}
    return np.result_type(*found) if found else np.dtype(np.float32)


@singledispatch
def absorb(op: Op, before: ArrayLike = 1.0, after: ArrayLike = 1.0, shift: ArrayLike | None = None) -> Any:
    """Return the op that computes ``after * op(before * x) + shift``, with parameters of the same dtype.

    Args:
        op: One of `WEIGHTED`, or Affine.
        before: Scalar or one value for each input channel; any shape that broadcasts for Affine.
        after: Scalar or one value for each output channel; any shape that broadcasts for Affine.
        shift: As ``after``; None for 0.

    Raises:
        TypeError: Ops of this kind have no weights.
    """
    raise TypeError(f"{op.kind} cannot absorb a scale")


@absorb.register
def _(op: ops.Dense, before: ArrayLike = 1.0, after: ArrayLike = 1.0, shift: ArrayLike | None = None) -> ops.Dense:
    units_in, units_out = op.weight.shape
    rows, columns = _vector(before, units_in)[:, None], _vector(after, units_out)
    weight = np.empty_like(op.weight)
    for start in range(0, units_in, _BLOCK):
        block = slice(start, start + _BLOCK)
        weight[block] = op.weight[block] * (rows[block] * columns)
    weight.flags.writeable = False
    return ops.Dense(weight, _bias(op.bias, after, shift, units_out, weight.dtype))


@absorb.register
def _(op: ops.Conv, before: ArrayLike = 1.0, after: ArrayLike = 1.0, shift: ArrayLike | None = None) -> ops.Conv:
    units_out = op.kernel.shape[-1]
    # Output channel o sees the input channels of group o // (out / groups).
    rows = _vector(before, op.in_channels).reshape(op.groups, -1)
    ratio = np.repeat(rows, units_out // op.groups, axis=0).T * _vector(after, units_out)
    bias = _bias(op.bias, after, shift, units_out, op.kernel.dtype)
    converted: ops.Conv = op.replace(kernel=_every_tap(op.kernel, ratio), bias=bias)
    return converted


@absorb.register
def _(
    op: ops.ConvTranspose, before: ArrayLike = 1.0, after: ArrayLike = 1.0, shift: ArrayLike | None = None
) -> ops.ConvTranspose:
    units_out = op.kernel.shape[-1] * op.groups
    # Input channel i feeds the output channels of group i // (in / groups).
    rows = np.repeat(_vector(after, units_out).reshape(op.groups, -1), op.in_channels // op.groups, axis=0)
    bias = _bias(op.bias, after, shift, units_out, op.kernel.dtype)
    kernel = _every_tap(op.kernel, rows * _vector(before, op.in_channels)[:, None])
    converted: ops.ConvTranspose = op.replace(kernel=kernel, bias=bias)
    return converted


@absorb.register
def _(op: ops.Affine, before: ArrayLike = 1.0, after: ArrayLike = 1.0, shift: ArrayLike | None = None) -> ops.Affine:
    after, dtype = np.asarray(after, np.float64), op.scale.dtype
    scale = np.asarray(np.asarray(op.scale, np.float64) * np.asarray(before, np.float64) * after, dtype)
    if op.shift is None and shift is None:
        return ops.Affine(scale)
    moved = np.zeros(()) if op.shift is None else np.asarray(op.shift, np.float64) * after
    return ops.Affine(scale, np.asarray(moved if shift is None else moved + np.asarray(shift, np.float64), dtype))


def _every_tap(kernel: NDArray[Any], ratio: Factor) -> NDArray[Any]:
    """Return the weights of each place of the window times ``ratio``, shape (in, out), read-only."""
    scaled = np.empty_like(kernel)
    for tap in np.ndindex(kernel.shape[:-2]):
        scaled[tap] = kernel[tap] * ratio
    scaled.flags.writeable = False
    return scaled


def _vector(factor: ArrayLike, size: int) -> Factor:
    return np.broadcast_to(np.asarray(factor, np.float64), (size,))


def _bias(
    bias: NDArray[Any] | None, after: ArrayLike, shift: ArrayLike | None, size: int, dtype: DTypeLike
) -> NDArray[Any] | None:
    if bias is None and shift is None:
        return None
    moved = np.zeros(size) if bias is None else bias * _vector(after, size)
    return (moved if shift is None else moved + _vector(shift, size)).astype(dtype)
