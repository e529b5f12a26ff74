"""Convolutions, dense layers and batch normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.frontends.onnx.calls import Call
from snntoolbox.frontends.onnx.layout import Tensor
from snntoolbox.frontends.onnx.windows import Window, channels_last, sliding_window, spatial_axes
from snntoolbox.ir.ops import Affine, Conv, ConvTranspose, Dense, Padding, Shape
from snntoolbox.ir.padding import dilated

__all__ = ["batch_normalization", "conv", "conv_transpose", "gemm", "matmul"]


def conv(call: Call) -> Tensor:
    """Conv of any spatial rank; ONNX keeps its kernel as (out, in / groups, *window)."""
    weight = call.weights(1, "kernel")
    window = sliding_window(call, weight.shape[2:])
    x, kept = channels_last(call, call.tensor(), window)
    op = Conv(
        _kernel(weight, kept, out_axis=0),
        _bias(call),
        strides=window.on(kept).strides,
        padding=window.on(kept).padding,
        dilation=window.on(kept).dilation,
        groups=int(call.attribute("group", 1)),
    )
    return call.result(call.add(op, x), x.layout)


def conv_transpose(call: Call) -> Tensor:
    """ConvTranspose; ONNX keeps its kernel as (in, out / groups, *window)."""
    weight = call.weights(1, "kernel")
    x = call.tensor()
    axes = spatial_axes(call, x)
    window = sliding_window(call, weight.shape[2:], padded=False)
    padding, extra = _transposed_padding(call, tuple(x.shape[axis] for axis in axes), window)
    x = call.align(x, (*axes, 1))
    groups = int(call.attribute("group", 1))
    op = ConvTranspose(
        _kernel(weight, axes, out_axis=1), _bias(call), window.strides, padding, window.dilation, extra, groups
    )
    return call.result(call.add(op, x), x.layout)


def gemm(call: Call) -> Tensor:
    """Gemm: alpha A B + beta C, where A is a tensor and B a constant, each possibly transposed."""
    alpha, weight = np.float32(call.attribute("alpha", 1.0)), call.weights(1, "weights")
    weight = weight.T if call.attribute("transB", 0) else weight
    weight = weight if alpha == 1 else weight * alpha
    transposed = bool(call.attribute("transA", 0))
    y = _contracted(call, call.tensor(), 0 if transposed else 1, weight)
    y = y.transposed((1, 0)) if transposed else y
    if not call.has(2):
        return y
    beta = np.float32(call.attribute("beta", 1.0))
    if not call.is_constant(2):
        call.refuse("adds a tensor to its product.", "Only a constant bias can be taken: add the tensor afterwards.")
    shift = call.broadcast(y, call.weights(2, "bias") * beta)
    node = call.add(Affine(np.array(1, np.float32), shift), y)
    return Tensor(node, y.layout, y.shape)


def matmul(call: Call) -> Tensor:
    """A tensor times a constant matrix, or the other way round."""
    if not call.is_constant(0) and not call.is_constant(1):
        call.refuse(
            "multiplies two tensors, as attention does.", "Only a product with a constant is a layer of synapses."
        )
    side = 1 if call.is_constant(1) else 0
    x, weight = call.tensor(1 - side), call.weights(side, "matrix")
    if weight.ndim > 2 and max(weight.shape[:-2]) == 1:
        weight = weight.reshape(weight.shape[-2:])
    if weight.ndim != 2 or len(x.shape) < 2:
        call.refuse(f"multiplies shapes {x.shape} and {weight.shape}.", "Only a product with one matrix can be taken.")
    if side == 1:
        return _contracted(call, x, len(x.shape) - 1, weight)
    return _contracted(call, x, len(x.shape) - 2, weight.T)


def _contracted(call: Call, x: Tensor, axis: int, weight: NDArray[np.float32]) -> Tensor:
    """Multiply along one axis of the file's tensor; that axis gets the number of outputs as its size."""
    if axis == 0 and x.shape[0] == 1:
        call.refuse("multiplies along the batch.", "Samples are independent: let the batch be the first axis.")
    if x.layout[-1:] != (axis,):
        x = call.align(x, (*sorted(a for a in x.layout if a != axis), axis))
    node = call.add(Dense(_owned(weight)), x)
    return Tensor(node, x.layout, (*x.shape[:axis], weight.shape[1], *x.shape[axis + 1 :]))


def batch_normalization(call: Call) -> Tensor:
    """Inference: y = scale (x - mean) / sqrt(variance + epsilon) + bias, computed once in float64."""
    if call.attribute("training_mode", 0) or len([name for name in call.node.output if name]) > 1:
        call.refuse("normalises by the statistics of its batch.", "Export the model in evaluation mode.")
    x = call.tensor()
    scale, bias, mean, variance = (
        np.asarray(call.constant(index, what), np.float64)
        for index, what in ((1, "scale"), (2, "bias"), (3, "mean"), (4, "variance"))
    )
    factor = scale / np.sqrt(variance + float(call.attribute("epsilon", 1e-5)))
    shift = bias - mean * factor
    # One value a channel; opset 7 may have one for every element.
    shape = factor.shape if factor.ndim > 1 else (-1,) + (1,) * (len(x.shape) - 2)
    parameters = [call.broadcast(x, values.reshape(shape)) for values in (factor, shift)]
    op = Affine(parameters[0], parameters[1] if np.any(shift) else None)
    return call.result(call.add(op, x), x.layout)


def _bias(call: Call) -> NDArray[np.float32] | None:
    return call.weights(2, "bias") if call.has(2) else None


def _kernel(weight: NDArray[np.float32], axes: Shape, out_axis: int) -> NDArray[np.float32]:
    """(*window, in, out) with the window along the given axes of the input; along the others it is 1."""
    kept = weight[(slice(None), slice(None), *(slice(None) if a in axes else 0 for a in range(2, weight.ndim)))]
    return _owned(kept.transpose(*range(2, kept.ndim), 1 - out_axis, out_axis))


def _owned(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """A read-only copy, which an op takes without another; weights may be most of the memory."""
    copy = weight.copy()
    copy.flags.writeable = False
    return copy


def _transposed_padding(call: Call, spatial: Shape, window: Window) -> tuple[Padding, Shape]:
    """What is cut off the full result, and added after it."""
    extra = tuple(int(n) for n in call.attribute("output_padding", (0,) * len(spatial)))
    full = [
        (n - 1) * stride + extent + more
        for n, stride, extent, more in zip(
            spatial, window.strides, dilated(window.size, window.dilation), extra, strict=True
        )
    ]
    wanted: Any = call.attribute("output_shape")
    auto = call.attribute("auto_pad", "NOTSET")
    if wanted is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [n * stride for n, stride in zip(spatial, window.strides, strict=True)]
    if wanted is None:
        return window.padding, extra
    surplus = [f - int(w) for f, w in zip(full, wanted[-len(spatial) :], strict=True)]
    smaller = [max(n, 0) // 2 for n in surplus]
    cut = [(a, max(n, 0) - a) for a, n in zip(smaller, surplus, strict=True)]
    if auto != "SAME_UPPER":
        cut = [(b, a) for a, b in cut]
    return tuple(cut), tuple(e + max(-n, 0) for e, n in zip(extra, surplus, strict=True))
