"""Ops that move, copy or sum values without weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

from snntoolbox.errors import GraphError
from snntoolbox.ir.ops.base import Op, Padding, Shape

__all__ = ["Add", "Concat", "Input", "Pad", "Permute", "Reshape", "Slice", "Upsample"]


@dataclass(frozen=True, eq=False)
class Input(Op):
    """Where samples enter.

    Attributes:
        shape: Shape of one sample, channels last.
    """

    shape: Shape
    arity: ClassVar[int | None] = 0

    def __post_init__(self) -> None:
        """Check the shape.

        Raises:
            GraphError: A dimension is unknown or below 1.
        """
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        if not self.shape or min(self.shape) < 1:
            raise GraphError(f"Input: expected a shape of known sizes >= 1, got {self.shape}")

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of a sample."""
        return self.shape


@dataclass(frozen=True, eq=False)
class Reshape(Op):
    """Give the elements, read in row-major (channels-last) order, another shape.

    Attributes:
        shape: New shape without batch, every size given.
    """

    shape: Shape
    linear: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        """Return the new shape."""
        (shape,) = inputs
        if prod(self.shape) != prod(shape) or min(self.shape, default=1) < 1:
            raise GraphError(f"cannot reshape {shape} ({prod(shape)} elements) to {self.shape}")
        return tuple(self.shape)


@dataclass(frozen=True, eq=False)
class Permute(Op):
    """Reorder the axes of a sample.

    Attributes:
        perm: Output axis i is input axis perm[i]; axes are counted from 0 without batch.
    """

    perm: Shape
    linear: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        """Return the reordered shape."""
        (shape,) = inputs
        if sorted(self.perm) != list(range(len(shape))):
            raise GraphError(f"expected a permutation of the {len(shape)} axes of {shape}, got {self.perm}")
        return tuple(shape[axis] for axis in self.perm)


@dataclass(frozen=True, eq=False)
class Pad(Op):
    """Surround a sample with zeros.

    Attributes:
        padding: Zeros (before, after) along every axis, channels included.
    """

    padding: Padding
    linear: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        """Return the padded shape."""
        (shape,) = inputs
        if len(self.padding) != len(shape) or min(min(p) for p in self.padding) < 0:
            raise GraphError(f"expected {len(shape)} pairs >= 0 to pad {shape}, got {self.padding}")
        return tuple(size + before + after for size, (before, after) in zip(shape, self.padding, strict=True))


@dataclass(frozen=True, eq=False)
class Slice(Op):
    """Cut a block out of a sample: start <= i < stop along every axis, every ``step``-th element.

    Attributes:
        start, stop: One number for each axis, 0 <= start < stop <= size.
        step: One number for each axis, >= 1.
    """

    start: Shape
    stop: Shape
    step: Shape

    linear: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        """Return the shape of the block."""
        (shape,) = inputs
        lengths = {len(self.start), len(self.stop), len(self.step)}
        if lengths != {len(shape)} or any(
            not 0 <= a < b <= n or s < 1 for a, b, s, n in zip(self.start, self.stop, self.step, shape, strict=True)
        ):
            raise GraphError(f"block {self.start}:{self.stop}:{self.step} does not lie within input {shape}")
        return tuple(-(-(b - a) // s) for a, b, s in zip(self.start, self.stop, self.step, strict=True))


@dataclass(frozen=True, eq=False)
class Upsample(Op):
    """Repeat every element along the spatial axes (nearest neighbour).

    Attributes:
        factors: One whole number for each spatial axis.
    """

    factors: Shape
    linear: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        """Return the enlarged shape."""
        (shape,) = inputs
        if len(self.factors) != len(shape) - 1 or min(self.factors) < 1:
            raise GraphError(f"expected {len(shape) - 1} factors >= 1 for input {shape}, got {self.factors}")
        return (*(n * f for n, f in zip(shape, self.factors, strict=False)), shape[-1])


@dataclass(frozen=True, eq=False)
class Concat(Op):
    """Join inputs along one axis.

    Attributes:
        axis: Counted from 0 without batch; negative counts from the end.
    """

    axis: int = -1
    arity: ClassVar[int | None] = None
    linear: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        """Return the joined shape."""
        first = inputs[0]
        axis = self.axis % len(first) if first and -len(first) <= self.axis < len(first) else -1
        others = {(*s[:axis], *s[axis + 1 :]) for s in inputs}
        if axis < 0 or len(others) > 1 or {len(s) for s in inputs} != {len(first)}:
            raise GraphError(f"expected inputs that differ only along axis {self.axis}, got {list(inputs)}")
        return (*first[:axis], sum(s[axis] for s in inputs), *first[axis + 1 :])


@dataclass(frozen=True, eq=False)
class Add(Op):
    """Sum of inputs of one shape."""

    arity: ClassVar[int | None] = None
    linear: ClassVar[bool] = True

    def infer(self, *inputs: Shape) -> Shape:
        """Return the common shape."""
        if len(set(inputs)) != 1:
            raise GraphError(f"expected inputs of one shape, got {list(inputs)}")
        return inputs[0]
