"""What an op is: attributes, parameters and a shape rule. No execution lives here.

Conventions: channels last; shapes without the batch axis; parameters are arrays that are copied and read-only;
anything a framework writes in words ("same", "valid") arrives here as numbers.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import GraphError

__all__ = ["Op", "Padding", "Shape", "check_broadcast", "freeze", "pooled_size", "window_shape"]

Shape = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]
"""Zeros (before, after) along each spatial axis."""


def freeze(value: Any) -> NDArray[Any]:
    """Return a read-only array. A read-only owner is shared rather than copied, so passes stay cheap on large nets."""
    array = np.asarray(value)
    if array.flags.writeable or array.base is not None:
        array = array.copy()
        array.flags.writeable = False
    return array


class Op(ABC):
    """One operation of a graph. Concrete ops are frozen dataclasses.

    Attributes:
        arity: Number of inputs; None for any number from 2 on.
        linear: Whether the op is a linear map plus a constant, so that spikes pass through it as synaptic current.
    """

    arity: ClassVar[int | None] = 1
    linear: ClassVar[bool] = False

    @abstractmethod
    def infer(self, *inputs: Shape) -> Shape:
        """Return the output shape for the input shapes (without batch).

        Raises:
            GraphError: The inputs do not fit; the message says what was expected and what was received.
        """

    @property
    def kind(self) -> str:
        """Name of the op, as printed and saved."""
        return type(self).__name__

    def fields(self) -> Iterator[tuple[str, Any]]:
        """Yield the name and value of each attribute and parameter, in the order of the definition."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            yield field.name, getattr(self, field.name)

    def parameters(self) -> dict[str, NDArray[Any]]:
        """Return the arrays among the attributes."""
        return {name: value for name, value in self.fields() if isinstance(value, np.ndarray)}

    def replace(self, **changes: Any) -> Any:
        """Return a copy with some attributes changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


def pooled_size(size: int, window: int, stride: int, dilation: int, padding: tuple[int, int]) -> int:
    """Return how many places a sliding window takes along an axis of ``size``; below 1 if it does not fit."""
    return (size + sum(padding) - ((window - 1) * dilation + 1)) // stride + 1


def window_shape(kind: str, shape: Shape, window: Shape, strides: Shape, dilation: Shape, padding: Padding) -> Shape:
    """Return the spatial output shape of a sliding window over ``shape`` = (*spatial, channels).

    Raises:
        GraphError: Ranks do not match, or the window does not fit into the padded input.
    """
    if len(shape) != len(window) + 1:
        raise GraphError(f"expected an input of {len(window)} spatial axes and channels last, got shape {shape}")
    for name, value in (("strides", strides), ("dilation", dilation), ("padding", padding)):
        if len(value) != len(window):
            raise GraphError(f"expected {len(window)} entries in {name} of {kind}, got {value}")
    sizes = zip(shape, window, strides, dilation, padding, strict=False)
    out = tuple(pooled_size(*axis) for axis in sizes)
    if min(out) < 1:
        raise GraphError(f"window {window} (dilation {dilation}, padding {padding}) does not fit into input {shape}")
    return out


def check_broadcast(op: Op, shape: Shape) -> None:
    """Check that every parameter array of an element-wise op broadcasts to ``shape`` without enlarging it.

    Raises:
        GraphError: One does not.
    """
    for name, value in op.parameters().items():
        try:
            fits = np.broadcast_shapes(value.shape, shape) == shape
        except ValueError:
            fits = False
        if not fits:
            raise GraphError(f"expected {name} to broadcast against input {shape}, got shape {value.shape}")
