"""Windows that slide over space: their settings in numbers, and the axes along which they slide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from snntoolbox.frontends.onnx.calls import Call
from snntoolbox.frontends.onnx.layout import Layout, Tensor
from snntoolbox.ir.ops import Padding, Shape
from snntoolbox.ir.padding import same_padding

__all__ = ["Window", "channels_last", "sliding_window", "spatial_axes"]


@dataclass(frozen=True)
class Window:
    """One number for each spatial axis of the file's tensor, or a pair (before, after)."""

    size: Shape
    strides: Shape
    dilation: Shape
    padding: Padding

    def on(self, axes: Sequence[int]) -> Window:
        """Return the window on some axes of the tensor, of which 2 is the first spatial one."""
        pick = [axis - 2 for axis in axes]
        size, strides, dilation = (tuple(v[i] for i in pick) for v in (self.size, self.strides, self.dilation))
        return Window(size, strides, dilation, tuple(self.padding[i] for i in pick))

    def trivial(self, axis: int) -> bool:
        """Whether the window does nothing along an axis of size 1."""
        return self.size[axis - 2] == 1 and self.padding[axis - 2] == (0, 0)


def sliding_window(call: Call, size: Sequence[int], *, padded: bool = True) -> Window:
    """Return the window that a node's attributes describe.

    Args:
        call: The node.
        size: Size of the window.
        padded: Whether ``auto_pad`` means padding of the input; otherwise it is left to the caller.
    """
    rank = len(size)
    strides = tuple(int(n) for n in call.attribute("strides", (1,) * rank))
    dilation = tuple(int(n) for n in call.attribute("dilations", (1,) * rank))
    pads = [int(n) for n in call.attribute("pads", (0,) * (2 * rank))]
    padding: Padding = tuple(zip(pads[:rank], pads[rank:], strict=True))
    auto = call.attribute("auto_pad", "NOTSET")
    if padded and auto in ("SAME_UPPER", "SAME_LOWER"):
        padding = same_padding(call.tensor().shape[2:], tuple(size), strides, dilation)
        if auto == "SAME_LOWER":
            padding = tuple((after, before) for before, after in padding)
    elif auto == "VALID":
        padding = ((0, 0),) * rank
    if min(map(min, padding), default=0) < 0:
        call.refuse(f"has negative padding {padding}.", "Cut the input with a Slice instead.")
    return Window(tuple(size), strides, dilation, padding)


def spatial_axes(call: Call, x: Tensor) -> Layout:
    """Return the axes after batch and channels.

    Raises:
        RefusedNode: There are several images in a sample.
    """
    if x.shape[0] != 1:
        call.refuse(
            f"works on {x.shape[0]} images of each sample.", "Give every image as a sample, or stack them as channels."
        )
    return tuple(range(2, len(x.shape)))


def channels_last(call: Call, x: Tensor, window: Window) -> tuple[Tensor, Layout]:
    """Return the input channels-last, and the spatial axes that it is stored with.

    An axis of size 1 that the file only adds for a while, as around one-dimensional convolutions, is left out.
    """
    axes = spatial_axes(call, x)
    kept = tuple(axis for axis in axes if axis in x.layout or not window.trivial(axis)) or axes
    return call.align(x, (*kept, 1)), kept
