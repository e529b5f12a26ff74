"""Linear ops with weights: the synapses of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import GraphError
from snntoolbox.ir.ops.base import Op, Padding, Shape, check_broadcast, freeze, window_shape

__all__ = ["Affine", "Conv", "ConvTranspose", "Dense"]

Weights = NDArray[np.floating[Any]]


def _check_bias(kind: str, bias: Weights | None, units: int) -> None:
    if bias is not None and bias.shape != (units,):
        raise GraphError(f"{kind}: expected a bias of shape ({units},), got {bias.shape}")


@dataclass(frozen=True, eq=False)
class Dense(Op):
    """y = x W + b along the last axis: (*rest, in) -> (*rest, out).

    Attributes:
        weight: W, shape (in, out).
        bias: b, shape (out,), or None.
    """

    weight: Weights
    bias: Weights | None = None
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Freeze the arrays and check their shapes."""
        object.__setattr__(self, "weight", freeze(self.weight))
        if self.bias is not None:
            object.__setattr__(self, "bias", freeze(self.bias))
        if self.weight.ndim != 2:
            raise GraphError(f"Dense: expected a weight of shape (in, out), got {self.weight.shape}")
        _check_bias("Dense", self.bias, self.weight.shape[1])

    def infer(self, *inputs: Shape) -> Shape:
        """Return (*rest, out)."""
        (shape,) = inputs
        if not shape or shape[-1] != self.weight.shape[0]:
            raise GraphError(f"expected an input of {self.weight.shape[0]} features on the last axis, got {shape}")
        return (*shape[:-1], self.weight.shape[1])


@dataclass(frozen=True, eq=False)
class Conv(Op):
    """Cross-correlation over any number of spatial axes: (*spatial, in) -> (*spatial', out).

    Output channel o belongs to group o // (out / groups) and sees the input channels of that group; a depthwise
    convolution has groups = in, output channel c * multiplier + m.

    Attributes:
        kernel: Shape (*window, in / groups, out).
        bias: Shape (out,), or None.
        strides, dilation: One number for each spatial axis; empty stands for ones.
        padding: Zeros (before, after) along each spatial axis; empty stands for none.
        groups: Number of groups of channels.
    """

    kernel: Weights
    bias: Weights | None = None
    strides: Shape = ()
    padding: Padding = ()
    dilation: Shape = ()
    groups: int = 1
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Freeze the arrays, fill in defaults and check shapes."""
        _freeze_kernel(self)

    @property
    def window(self) -> Shape:
        """Size of the kernel along each spatial axis."""
        return tuple(self.kernel.shape[:-2])

    @property
    def in_channels(self) -> int:
        """Number of input channels."""
        return int(self.kernel.shape[-2]) * self.groups

    def infer(self, *inputs: Shape) -> Shape:
        """Return (*spatial', out)."""
        (shape,) = inputs
        if len(shape) != len(self.window) + 1 or shape[-1] != self.in_channels:
            raise GraphError(
                f"expected an input of {len(self.window)} spatial axes and {self.in_channels} channels, got {shape}"
            )
        spatial = window_shape("Conv", shape, self.window, self.strides, self.dilation, self.padding)
        return (*spatial, int(self.kernel.shape[-1]))


@dataclass(frozen=True, eq=False)
class ConvTranspose(Op):
    """Transposed convolution: (*spatial, in) -> (*spatial', out).

    Input element p adds kernel[k] x to output element p * stride + k * dilation - padding_before;
    spatial' = (spatial - 1) * stride + (window - 1) * dilation + 1 - sum(padding) + output_padding.

    Attributes:
        kernel: Shape (*window, in, out / groups); input channel i belongs to group i // (in / groups).
        bias: Shape (out,), or None.
        strides, dilation: One number for each spatial axis; empty stands for ones.
        padding: Elements cut off (before, after) the full result along each spatial axis; empty stands for none.
        output_padding: Elements added after the result along each spatial axis; empty stands for none.
        groups: Number of groups of channels.
    """

    kernel: Weights
    bias: Weights | None = None
    strides: Shape = ()
    padding: Padding = ()
    dilation: Shape = ()
    output_padding: Shape = ()
    groups: int = 1
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Freeze the arrays, fill in defaults and check shapes."""
        rank = np.asarray(self.kernel).ndim - 2
        object.__setattr__(self, "output_padding", tuple(self.output_padding or (0,) * rank))
        _freeze_kernel(self)

    @property
    def window(self) -> Shape:
        """Size of the kernel along each spatial axis."""
        return tuple(self.kernel.shape[:-2])

    @property
    def in_channels(self) -> int:
        """Number of input channels."""
        return int(self.kernel.shape[-2])

    def infer(self, *inputs: Shape) -> Shape:
        """Return (*spatial', out)."""
        (shape,) = inputs
        rank = len(self.window)
        if len(shape) != rank + 1 or shape[-1] != self.in_channels:
            raise GraphError(f"expected an input of {rank} spatial axes and {self.in_channels} channels, got {shape}")
        spatial = tuple(
            (shape[a] - 1) * self.strides[a]
            + ((self.window[a] - 1) * self.dilation[a] + 1)
            - sum(self.padding[a])
            + self.output_padding[a]
            for a in range(rank)
        )
        if min(spatial) < 1:
            raise GraphError(f"padding {self.padding} cuts off the whole result for input {shape}")
        return (*spatial, int(self.kernel.shape[-1]) * self.groups)


def _freeze_kernel(op: Conv | ConvTranspose) -> None:
    """Freeze kernel and bias, fill in defaults, and check them against each other."""
    object.__setattr__(op, "kernel", freeze(op.kernel))
    if op.kernel.ndim < 3:
        raise GraphError(f"{op.kind}: expected a kernel of shape (*window, in, out), got {op.kernel.shape}")
    rank = op.kernel.ndim - 2
    object.__setattr__(op, "strides", tuple(op.strides or (1,) * rank))
    object.__setattr__(op, "dilation", tuple(op.dilation or (1,) * rank))
    object.__setattr__(op, "padding", tuple((int(a), int(b)) for a, b in op.padding or ((0, 0),) * rank))
    shared = op.kernel.shape[-1] if isinstance(op, Conv) else op.kernel.shape[-2]
    if op.groups < 1 or shared % op.groups:
        raise GraphError(f"{op.kind}: {shared} channels cannot be split into {op.groups} groups")
    out = op.kernel.shape[-1] * (1 if isinstance(op, Conv) else op.groups)
    if op.bias is not None:
        object.__setattr__(op, "bias", freeze(op.bias))
        _check_bias(op.kind, op.bias, out)


@dataclass(frozen=True, eq=False)
class Affine(Op):
    """y = scale x + shift, element by element: batch normalisation at inference, rescaling, sign changes.

    Attributes:
        scale: Scalar or an array that broadcasts against the input, usually shape (channels,).
        shift: Likewise, or None.
    """

    scale: Weights
    shift: Weights | None = None
    linear: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        object.__setattr__(self, "scale", freeze(self.scale))
        if self.shift is not None:
            object.__setattr__(self, "shift", freeze(self.shift))

    def infer(self, *inputs: Shape) -> Shape:
        """Return the input shape."""
        (shape,) = inputs
        check_broadcast(self, shape)
        return shape
