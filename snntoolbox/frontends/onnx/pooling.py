"""Pooling, over windows and over all of space."""

from __future__ import annotations

import numpy as np

from snntoolbox.frontends.onnx.calls import Call
from snntoolbox.frontends.onnx.layout import Tensor
from snntoolbox.frontends.onnx.windows import channels_last, sliding_window, spatial_axes
from snntoolbox.ir.ops import Affine, AveragePool, MaxPool, Op, Pad, Padding

__all__ = [
    "average_pool",
    "global_average_pool",
    "global_max_pool",
    "max_pool",
    "reduce_max",
    "reduce_mean",
    "reduce_sum",
]


def max_pool(call: Call) -> Tensor:
    """MaxPool; with ``ceil_mode`` the windows that stick out are padding, which never wins."""
    if len([name for name in call.node.output if name]) > 1:
        call.refuse(
            "gives the places of its maxima too.", "Unpooling has no counterpart: use Upsample or ConvTranspose."
        )
    window = sliding_window(call, call.attribute("kernel_shape"))
    _require_no_dilation(call, window.dilation)
    x, kept = channels_last(call, call.tensor(), window)
    window = window.on(kept)
    padding = _with_overhang(call, x, kept, window.padding)
    return call.result(call.add(MaxPool(window.size, window.strides, padding), x), x.layout)


def average_pool(call: Call) -> Tensor:
    """AveragePool; ``ceil_mode`` lets windows stick out, and what is outside the padding never counts."""
    window = sliding_window(call, call.attribute("kernel_shape"))
    _require_no_dilation(call, window.dilation)
    x, kept = channels_last(call, call.tensor(), window)
    window = window.on(kept)
    padding = _with_overhang(call, x, kept, window.padding)
    counted = bool(call.attribute("count_include_pad", 0)) and bool(np.any(window.padding))
    if counted and padding != window.padding:
        # The padding counts, what is beyond does not: make the padding a part of the input.
        margins = (*window.padding, (0, 0))
        node = call.add(Pad(margins), x)
        shape = list(x.shape)
        for axis, (before, after) in zip(x.layout, margins, strict=True):
            shape[axis] += before + after
        x = Tensor(node, x.layout, tuple(shape))
        padding = tuple((0, b - d) for (_, b), (_, d) in zip(padding, window.padding, strict=True))
        counted = False
    op = AveragePool(window.size, window.strides, padding, counted)
    return call.result(call.add(op, x), x.layout)


def _require_no_dilation(call: Call, dilation: tuple[int, ...]) -> None:
    if set(dilation) - {1}:
        call.refuse(f"pools with dilation {dilation}.", "Only pooling of neighbours can be taken.")


def _with_overhang(call: Call, x: Tensor, axes: tuple[int, ...], padding: Padding) -> Padding:
    """The padding with as much more after it as ``ceil_mode`` makes the last window stick out.

    How many windows there are is asked of onnx: a last window that would start in the padding does not count.
    """
    sizes, strides = call.attribute("kernel_shape"), call.attribute("strides") or [1] * (len(x.shape) - 2)
    shape = call.shape()
    reach = [(shape[axis] - 1) * strides[axis - 2] + sizes[axis - 2] - x.shape[axis] for axis in axes]
    return tuple((before, max(after, n - before)) for n, (before, after) in zip(reach, padding, strict=True))


def global_average_pool(call: Call) -> Tensor:
    """Mean over all of space; the spatial axes stay, with size 1."""
    return _pool_everything(call, AveragePool)


def global_max_pool(call: Call) -> Tensor:
    """Maximum over all of space."""
    return _pool_everything(call, MaxPool)


def _pool_everything(call: Call, kind: type[AveragePool] | type[MaxPool]) -> Tensor:
    x = call.tensor()
    axes = spatial_axes(call, x)
    kept = tuple(axis for axis in axes if axis in x.layout) or axes
    x = call.align(x, (*kept, 1))
    return call.result(call.add(kind(x.stored[:-1]), x), x.layout)


def reduce_mean(call: Call) -> Tensor:
    """Mean over some axes."""
    return _reduce(call, AveragePool)


def reduce_max(call: Call) -> Tensor:
    """Maximum over some axes."""
    return _reduce(call, MaxPool)


def reduce_sum(call: Call) -> Tensor:
    """Sum over some axes: the mean, scaled."""
    return _reduce(call, AveragePool, total=True)


def _reduce(call: Call, kind: type[AveragePool] | type[MaxPool], *, total: bool = False) -> Tensor:
    """Pool along some axes; another axis takes the place of the channels."""
    x = call.tensor()
    rank = len(x.shape)
    given = call.setting("axes", 1) or []
    if not given and call.attribute("noop_with_empty_axes", 0):
        return x
    axes = {axis % rank for axis in given} or set(range(rank))
    reduced = [axis for axis in x.layout if axis in axes]
    rest = [axis for axis in x.layout if axis not in axes]
    if 0 in axes or not rest:
        call.refuse(
            f"reduces the axes {sorted(axes)} of {x.shape}.", "Only space can be pooled: keep batch and channels."
        )
    if not reduced:
        return call.reshape(x, call.shape())
    if x.layout[-1] in axes:
        x = call.align(x, (*reduced, *rest))
    op: Op = kind(tuple(x.shape[axis] if axis in axes else 1 for axis in x.layout[:-1]))
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    y = Tensor(call.add(op, x), x.layout, shape)
    if total:
        count = np.array(np.prod([x.shape[axis] for axis in axes]), np.float32)
        y = Tensor(call.add(Affine(count), y), y.layout, shape)
    return call.reshape(y, call.shape())
