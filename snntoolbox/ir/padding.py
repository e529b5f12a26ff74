"""Padding that frameworks write as a word, in numbers."""

from __future__ import annotations

from snntoolbox.ir.ops import Padding, Shape

__all__ = ["dilated", "same_padding"]


def dilated(window: Shape, dilation: Shape) -> Shape:
    """Return how many elements a window spans along each axis."""
    return tuple((w - 1) * d + 1 for w, d in zip(window, dilation, strict=True))


def same_padding(spatial: Shape, window: Shape, strides: Shape, dilation: Shape | None = None) -> Padding:
    """Return the zeros of "same" padding: ceil(size / stride) places, an odd zero goes after.

    TensorFlow and Keras mean this by "same", ONNX by SAME_UPPER.

    Args:
        spatial: Size of the input along each spatial axis.
        window: Size of the sliding window along each axis.
        strides: Step along each axis.
        dilation: Distance of the window's elements along each axis; ones if not given.
    """
    extents = window if dilation is None else dilated(window, dilation)
    totals = (
        max((-(-size // stride) - 1) * stride + extent - size, 0)
        for size, extent, stride in zip(spatial, extents, strides, strict=True)
    )
    return tuple((total // 2, total - total // 2) for total in totals)
