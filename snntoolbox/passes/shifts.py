"""Constant summands of a node's values, and what becomes of them in linear ops.

A shift has the compact form of `snntoolbox.passes.factors`. An op carries it if ``op(x + shift) == op(x) + carried``.
"""

from __future__ import annotations

import numpy as np

from snntoolbox.ir import ops
from snntoolbox.ir.ops import Op, Shape
from snntoolbox.passes.factors import Factor, carry, compact, full

__all__ = ["carry_shift", "response"]


def carry_shift(op: Op, shapes: tuple[Shape, ...], *shifts: Factor) -> Factor | None:
    """Return the shift of the output of an op without weights, or None if the op does not carry it.

    Args:
        op: What the values go through.
        shapes: Shapes of the inputs.
        shifts: Compact shift of each input.
    """
    if isinstance(op, ops.Pad):
        return compact(np.pad(full(shifts[0], shapes[0]), op.padding), op.infer(*shapes))
    if isinstance(op, ops.AveragePool) and np.any(shifts[0]) and op.count_padding and np.any(op.padding):
        return None
    return carry(op, shapes, *shifts)


def response(op: ops.Dense | ops.Conv | ops.ConvTranspose, shape: Shape, shift: Factor) -> Factor:
    """Return ``op(x + shift) - op(x)``, which does not depend on x, in compact form.

    Args:
        op: An op with weights.
        shape: Shape of its input.
        shift: Compact shift of its input.
    """
    if not np.any(shift):
        return np.zeros(())
    out, values = op.infer(shape), full(shift, shape)
    if isinstance(op, ops.Dense):
        return compact(values @ op.weight.astype(np.float64), out)
    result = _correlate(op, values, out) if isinstance(op, ops.Conv) else _spread(op, values, out)
    # Sums in another order differ in the last bits; that alone is no reason for one value an element.
    first = np.broadcast_to(result[(0,) * (len(out) - 1)], out)
    same = np.allclose(result, first, rtol=1e-12, atol=1e-12 * float(np.max(np.abs(result))))
    return compact(first if same else result, out)


def _correlate(op: ops.Conv, values: Factor, out: Shape) -> Factor:
    """Return the convolution of one sample without bias, tap by tap."""
    kernel = op.kernel.astype(np.float64).reshape(*op.window, -1, op.groups, out[-1] // op.groups)
    padded = np.pad(values, (*op.padding, (0, 0)))
    grouped = padded.reshape(*padded.shape[:-1], op.groups, -1)
    result = np.zeros((*out[:-1], op.groups, out[-1] // op.groups))
    for tap in np.ndindex(*op.window):
        result += np.einsum("...gi,igo->...go", grouped[_places(op, tap, out)], kernel[tap])
    return result.reshape(out)


def _spread(op: ops.ConvTranspose, values: Factor, out: Shape) -> Factor:
    """Return the transposed convolution of one sample without bias, tap by tap."""
    kernel = op.kernel.astype(np.float64).reshape(*op.window, op.groups, -1, out[-1] // op.groups)
    grouped = values.reshape(*values.shape[:-1], op.groups, -1)
    sizes = [n + before + after for n, (before, after) in zip(out, op.padding, strict=False)]
    whole = np.zeros((*sizes, op.groups, out[-1] // op.groups))
    for tap in np.ndindex(*op.window):
        whole[_places(op, tap, values.shape)] += np.einsum("...gi,gio->...go", grouped, kernel[tap])
    kept = tuple(slice(before, before + n) for n, (before, _) in zip(out, op.padding, strict=False))
    return whole[kept].reshape(out)


def _places(op: ops.Conv | ops.ConvTranspose, tap: tuple[int, ...], shape: Shape) -> tuple[slice, ...]:
    """Return where one weight of the window lies for each of the places it takes along the spatial axes."""
    axes = zip(tap, op.dilation, op.strides, shape, strict=False)
    return tuple(slice(k * d, k * d + (n - 1) * s + 1, s) for k, d, s, n in axes)
