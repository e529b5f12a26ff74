"""Layers with weights, and normalisation: dense, convolutions, batch norm, rescaling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.frontends.keras.activations import activate
from snntoolbox.frontends.keras.calls import Call, values
from snntoolbox.ir.ops import Affine, Conv, ConvTranspose, Dense, Padding, Shape
from snntoolbox.ir.padding import dilated, same_padding

__all__ = [
    "batch_normalization",
    "conv",
    "conv_transpose",
    "dense",
    "depthwise_conv",
    "normalization",
    "rescaling",
    "separable_conv",
]


def dense(call: Call) -> str:
    """Dense acts on the last axis."""
    return activate(call, call.add(Dense(values(call.layer.kernel), _bias(call.layer))))


def conv(call: Call) -> str:
    """Conv1D, Conv2D, Conv3D, with groups."""
    layer = call.layer
    op = Conv(
        values(layer.kernel),
        _bias(layer),
        strides=layer.strides,
        padding=_padding(call),
        dilation=layer.dilation_rate,
        groups=layer.groups,
    )
    return activate(call, call.add(op))


def depthwise_conv(call: Call) -> str:
    """DepthwiseConv1D, DepthwiseConv2D: a group for each channel."""
    return activate(call, call.add(_depthwise(call, call.layer.kernel, _bias(call.layer))))


def separable_conv(call: Call) -> str:
    """SeparableConv1D, SeparableConv2D: a depthwise, then a pointwise convolution, which has the layer's name."""
    layer = call.layer
    spread = call.add(_depthwise(call, layer.depthwise_kernel, None), suffix="depthwise")
    return activate(call, call.add(Conv(values(layer.pointwise_kernel), _bias(layer)), spread))


def conv_transpose(call: Call) -> str:
    """Conv1DTranspose, Conv2DTranspose, Conv3DTranspose; Keras keeps (*window, out, in)."""
    layer = call.layer
    kernel = np.swapaxes(values(layer.kernel), -1, -2)
    *spatial, _ = layer.compute_output_shape((None, *call.shape))[1:]
    padding, extra = _transposed_padding(call, tuple(spatial))
    op = ConvTranspose(kernel, _bias(layer), layer.strides, padding, layer.dilation_rate, extra)
    return activate(call, call.add(op))


def batch_normalization(call: Call) -> str:
    """Inference: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, computed once in float64."""
    layer = call.layer
    rank = len(call.shape)
    if layer.axis % (rank + 1) != rank:
        call.refuse(
            f"normalises axis {layer.axis} of an input of shape (batch, {', '.join(map(str, call.shape))}).",
            "Channels are the last axis here: use BatchNormalization(axis=-1).",
        )
    scale = 1 / np.sqrt(values(layer.moving_variance).astype(np.float64) + layer.epsilon)
    if layer.gamma is not None:
        scale = scale * values(layer.gamma)
    shift = -values(layer.moving_mean) * scale
    if layer.beta is not None:
        shift = shift + values(layer.beta)
    return call.add(_affine(scale, shift))


def normalization(call: Call) -> str:
    """Feature-wise normalisation by constants; with ``invert`` the other way round."""
    layer = call.layer
    mean = values(layer.mean).astype(np.float64)[0]
    deviation = np.maximum(np.sqrt(values(layer.variance).astype(np.float64)), 1e-7)[0]
    if layer.invert:
        return call.add(_affine(deviation, mean))
    return call.add(_affine(1 / deviation, -mean / deviation))


def rescaling(call: Call) -> str:
    """Rescaling: y = scale x + offset."""
    return call.add(_affine(np.asarray(call.layer.scale), np.asarray(call.layer.offset)))


def _affine(scale: NDArray[Any], shift: NDArray[Any]) -> Affine:
    return Affine(scale.astype(np.float32), shift.astype(np.float32) if np.any(shift) else None)


def _bias(layer: Any) -> NDArray[np.float32] | None:
    return None if layer.bias is None else values(layer.bias)


def _depthwise(call: Call, kernel: Any, bias: NDArray[np.float32] | None) -> Conv:
    """Keras keeps (*window, in, multiplier); output channel c * multiplier + m is the same for both."""
    layer, weights = call.layer, values(kernel)
    *window, channels, multiplier = weights.shape
    return Conv(
        weights.reshape(*window, 1, channels * multiplier),
        bias,
        strides=layer.strides,
        padding=_padding(call),
        dilation=layer.dilation_rate,
        groups=channels,
    )


def _padding(call: Call) -> Padding:
    """The padding of a convolution in numbers."""
    layer, spatial = call.layer, call.shape[:-1]
    if layer.padding == "valid":
        return ()
    if layer.padding == "causal":
        return tuple((extent - 1, 0) for extent in dilated(layer.kernel_size, layer.dilation_rate))
    return same_padding(spatial, layer.kernel_size, layer.strides, layer.dilation_rate)


def _transposed_padding(call: Call, spatial: Shape) -> tuple[Padding, Shape]:
    """What is cut off the full result, and added after it, to get the ``spatial`` sizes that Keras promises.

    "same" is the reverse of a "same" convolution: half of the surplus goes before, an odd element after.
    """
    layer = call.layer
    extents = dilated(layer.kernel_size, layer.dilation_rate)
    full = [(n - 1) * s + e for n, s, e in zip(call.shape, layer.strides, extents, strict=False)]
    surplus = [f - n for f, n in zip(full, spatial, strict=True)]
    before = [max(n, 0) // 2 if layer.padding == "same" else 0 for n in surplus]
    padding = tuple((b, max(n, 0) - b) for b, n in zip(before, surplus, strict=True))
    return padding, tuple(max(-n, 0) for n in surplus)
