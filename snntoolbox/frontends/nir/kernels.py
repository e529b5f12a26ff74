"""Convolutions in the form that NIR has: padding of the same size on both sides, square kernels, no groups.

NIR's type inference takes the first size of a kernel for all, and the number of channels of a group for that of the
input, so files with other kernels are refused by tools that check types. Zeros make any kernel fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.ir import ops

__all__ = ["diagonal_kernel", "square_kernel"]

Array = NDArray[Any]


def diagonal_kernel(values: Array, window: ops.Shape) -> Array:
    """Return a kernel (*window, channels, channels) that multiplies each channel by its value at every place."""
    return np.broadcast_to(np.diag(values), (*window, len(values), len(values))).copy()


def square_kernel(op: ops.Conv) -> tuple[Array, ops.Shape, ops.Shape]:
    """Return kernel (*window, in, out), padding and dilation of a convolution without groups that does the same.

    Padding is the same on both sides. The kernel is square but where no square kernel gives the right size.
    """
    kernel = _without_groups(op)
    if all(before == after for before, after in op.padding) and len(set(op.window)) == 1:
        return kernel, tuple(before for before, _ in op.padding), op.dilation
    kernel = _without_dilation(kernel, op.dilation)
    window, surplus = kernel.shape[: len(op.window)], [after - before for before, after in op.padding]
    sizes = _sizes(window, surplus)
    # A zero in front of the kernel goes with one more of padding before, a zero behind with one more behind.
    front = [(size - w + d) // 2 for size, w, d in zip(sizes, window, surplus, strict=True)]
    behind = [size - w - f for size, w, f in zip(sizes, window, front, strict=True)]
    kernel = np.pad(kernel, (*zip(front, behind, strict=True), (0, 0), (0, 0)))
    padding = tuple(before + f for (before, _), f in zip(op.padding, front, strict=True))
    return kernel, padding, (1,) * len(padding)


def _sizes(window: ops.Shape, surplus: list[int]) -> list[int]:
    """Return the size of the kernel along each axis, one for all if the parities allow it."""
    least = [w + abs(d) for w, d in zip(window, surplus, strict=True)]
    if len({n % 2 for n in least}) > 1:
        return least
    return [max(least)] * len(least)


def _without_groups(op: ops.Conv) -> Array:
    """Return the kernel with all input channels, zero outside of the own group."""
    if op.groups == 1:
        return np.array(op.kernel)
    size_in, size_out = op.in_channels // op.groups, op.kernel.shape[-1] // op.groups
    whole = np.zeros((*op.window, op.in_channels, op.kernel.shape[-1]), op.kernel.dtype)
    for group in range(op.groups):
        own_out = slice(group * size_out, (group + 1) * size_out)
        whole[..., group * size_in : (group + 1) * size_in, own_out] = op.kernel[..., own_out]
    return whole


def _without_dilation(kernel: Array, dilation: ops.Shape) -> Array:
    """Return the kernel with its zeros between elements written out."""
    window = tuple((w - 1) * d + 1 for w, d in zip(kernel.shape, dilation, strict=False))
    whole = np.zeros((*window, *kernel.shape[-2:]), kernel.dtype)
    whole[tuple(slice(None, None, d) for d in dilation)] = kernel
    return whole
