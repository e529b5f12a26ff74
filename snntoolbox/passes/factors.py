"""Element-wise factors of a node's values, and how they travel through ops that only move values.

A factor is a float64 array in the smallest of three forms: () for the whole node, (channels,) for the last axis, or the
node's full shape. An op carries a factor if ``op(factor * x) == carried * op(x)`` for every x.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snntoolbox.ir import ops
from snntoolbox.ir.ops import Op, Shape

__all__ = ["CARRIERS", "ONE", "Factor", "carry", "carry_back", "channels", "compact", "full"]

Factor = NDArray[np.float64]
ONE: Factor = np.ones(())
CARRIERS = (
    ops.AveragePool,
    ops.Concat,
    ops.MaxPool,
    ops.Pad,
    ops.Permute,
    ops.Reshape,
    ops.Slice,
    ops.Upsample,
)
"""Ops that carry a factor as long as it is the same wherever values are compared or averaged."""


def compact(factor: ArrayLike, shape: Shape) -> Factor:
    """Return a factor that broadcasts against ``shape`` in its smallest form."""
    array = np.asarray(factor, np.float64)
    if array.ndim == 0 or not shape:
        return array.reshape(())
    whole = np.broadcast_to(array, shape)
    last = whole[(0,) * (len(shape) - 1)]
    if not np.array_equal(whole, np.broadcast_to(last, shape)):
        return np.array(whole)
    return np.array(last[0]) if np.all(last == last[0]) else np.array(last)


def full(factor: ArrayLike, shape: Shape) -> Factor:
    """Return a factor with one value for each element."""
    return np.broadcast_to(np.asarray(factor, np.float64), shape)


def channels(factor: Factor, shape: Shape) -> Factor | None:
    """Return a compact factor as one value for each channel, or None if it varies along other axes."""
    return None if factor.ndim > 1 else np.broadcast_to(factor, shape[-1:])


def carry(op: Op, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    """Return the factor of the output for compact factors of the inputs, or None if the op does not carry them.

    Args:
        op: What the values go through.
        shapes: Shapes of the inputs.
        factors: One for each input, positive where ``op`` is a max-pooling.
    """
    if isinstance(op, CARRIERS) and all(f.ndim == 0 and f == factors[0] for f in factors):
        return factors[0]
    return _carry(op, shapes, *factors)


@singledispatch
def _carry(op: Op, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    return None


@_carry.register(ops.MaxPool)
@_carry.register(ops.AveragePool)
def _(op: Op, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    return factors[0] if factors[0].ndim <= 1 else None


@_carry.register
def _(op: ops.Reshape, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    return _moved(op, shapes, factors, full(factors[0], shapes[0]).reshape(op.shape))


@_carry.register
def _(op: ops.Permute, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    return _moved(op, shapes, factors, full(factors[0], shapes[0]).transpose(op.perm))


@_carry.register
def _(op: ops.Slice, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    block = tuple(slice(*bounds) for bounds in zip(op.start, op.stop, op.step, strict=True))
    return _moved(op, shapes, factors, full(factors[0], shapes[0])[block])


@_carry.register
def _(op: ops.Pad, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    # Zeros have any factor: repeating the edge keeps the result compact where it can be.
    return _moved(op, shapes, factors, np.pad(full(factors[0], shapes[0]), op.padding, mode="edge"))


@_carry.register
def _(op: ops.Upsample, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    moved = full(factors[0], shapes[0])
    for axis, times in enumerate(op.factors):
        moved = np.repeat(moved, times, axis=axis)
    return _moved(op, shapes, factors, moved)


@_carry.register
def _(op: ops.Concat, shapes: tuple[Shape, ...], *factors: Factor) -> Factor | None:
    joined = np.concatenate([full(f, s) for f, s in zip(factors, shapes, strict=True)], axis=op.axis)
    return _moved(op, shapes, factors, joined)


def _moved(op: Op, shapes: tuple[Shape, ...], factors: tuple[Factor, ...], moved: Any) -> Factor:
    return compact(moved, op.infer(*shapes))


def carry_back(op: Op, shapes: tuple[Shape, ...], position: int, factor: Factor) -> Factor | None:
    """Return the factor of one input that arrives at the output as ``factor``, or None if there is none.

    Args:
        op: What the values go through.
        shapes: Shapes of the inputs.
        position: Which input.
        factor: Compact factor of the output.
    """
    shape = shapes[position]
    if isinstance(op, ops.Reshape):
        return compact(full(factor, op.shape).reshape(shape), shape)
    if isinstance(op, ops.Permute):
        return compact(full(factor, op.infer(*shapes)).transpose(np.argsort(op.perm)), shape)
    if isinstance(op, ops.Concat):
        axis = op.axis % len(shape)
        start = sum(s[axis] for s in shapes[:position])
        part = (*(slice(None),) * axis, slice(start, start + shape[axis]))
        return compact(full(factor, op.infer(*shapes))[part], shape)
    if isinstance(op, ops.MaxPool | ops.AveragePool | ops.Upsample | ops.Pad | ops.Slice):
        fits = factor.ndim == 0 or (factor.ndim == 1 and factor.shape == shape[-1:] == op.infer(*shapes)[-1:])
        return factor if fits else None
    return None
