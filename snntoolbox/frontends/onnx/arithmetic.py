"""Sums of tensors; sums and products of a tensor and constants."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.frontends.onnx.calls import Call
from snntoolbox.frontends.onnx.layout import Tensor, with_axes
from snntoolbox.ir.ops import Activation, Add, Affine, Shape, Upsample

__all__ = ["add", "broadcast_to", "divide", "mean", "multiply", "negative", "subtract"]

_ONE = np.float32(1)


def add(call: Call) -> Tensor:
    """Add and Sum: tensors and constants, any number of each."""
    tensors = [call.tensor(i) for i in range(call.num_inputs) if not call.is_constant(i)]
    constants = [call.weights(i, "summand") for i in range(call.num_inputs) if call.is_constant(i)]
    total = _sum(call, tensors)
    return _affine(call, total, _ONE, reduce(np.add, constants)) if constants else total


def subtract(call: Call) -> Tensor:
    """A tensor or constant less another."""
    if call.is_constant(1):
        return _affine(call, call.tensor(0), _ONE, -call.weights(1, "subtrahend"))
    if call.is_constant(0):
        return _affine(call, call.tensor(1), -_ONE, call.weights(0, "minuend"))
    return _sum(call, [call.tensor(0), _affine(call, call.tensor(1), -_ONE)])


def negative(call: Call) -> Tensor:
    """-x."""
    return _affine(call, call.tensor(), -_ONE)


def multiply(call: Call) -> Tensor:
    """A tensor times a constant; x sigmoid(x) is an activation."""
    if call.is_constant(0) or call.is_constant(1):
        side = 0 if call.is_constant(0) else 1
        return _affine(call, call.tensor(1 - side), call.weights(side, "factor"))
    for x, gate in ((0, 1), (1, 0)):
        node = call.builder.nodes[call.tensor(gate).node]
        same_layout = call.tensor(x).layout == call.tensor(gate).layout
        if _is_sigmoid(node.op) and node.inputs == (call.tensor(x).node,) and same_layout:
            return call.unary(Activation("silu"), x)
    call.refuse(
        "multiplies two tensors, as gates and attention do.",
        "Only a product with a constant is linear: train the network without the gate.",
    )


def _is_sigmoid(op: Any) -> bool:
    return isinstance(op, Activation) and op.function == "sigmoid"


def divide(call: Call) -> Tensor:
    """A tensor divided by a constant."""
    if not call.is_constant(1):
        call.refuse("divides by a tensor.", "Only a division by a constant is linear.")
    divisor = np.asarray(call.constant(1, "divisor"), np.float64)
    if not np.all(divisor):
        call.refuse("divides by zero.", "Correct the constant.")
    return _affine(call, call.tensor(0), 1 / divisor)


def mean(call: Call) -> Tensor:
    """The mean of some tensors: their sum, scaled."""
    total = add(call)
    return _affine(call, total, np.float32(1 / call.num_inputs))


def broadcast_to(call: Call, x: Tensor, shape: Shape) -> Tensor:
    """Repeat a tensor along axes where it has size 1, other than that of the channels.

    Raises:
        RefusedNode: It would have to be repeated along its last stored axis.
    """
    x = call.reshape(x, (1,) * (len(shape) - len(x.shape)) + x.shape)
    if x.shape == shape:
        return x
    factors = [wanted // size for wanted, size in zip(shape, x.shape, strict=True)]
    repeated = [axis for axis, factor in enumerate(factors) if factor > 1]
    layout = with_axes(x.layout, (axis for axis in repeated if axis not in x.layout))
    if factors[x.layout[-1]] > 1 or 0 in repeated or any(n % m for n, m in zip(shape, x.shape, strict=True)):
        call.refuse(
            f"repeats a tensor of shape {x.shape} to {shape}.",
            "Only repetition along space can be taken.",
        )
    x = call.align(x, layout)
    node = call.add(Upsample(tuple(factors[axis] for axis in layout[:-1])), x)
    return Tensor(node, layout, shape)


def _sum(call: Call, tensors: list[Tensor]) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    shape = tuple(int(n) for n in np.broadcast_shapes(*(x.shape for x in tensors)))
    # The layout of the largest: smaller ones are repeated to its size anyway.
    layout = max(tensors, key=lambda x: x.shape == shape).layout
    aligned = [call.align(broadcast_to(call, x, shape), layout) for x in tensors]
    return Tensor(call.add(Add(), *aligned), layout, shape)


def _affine(call: Call, x: Tensor, scale: NDArray[Any] | np.floating[Any], shift: NDArray[Any] | None = None) -> Tensor:
    shape = np.broadcast_shapes(x.shape, np.shape(scale), np.shape(shift) if shift is not None else ())
    x = broadcast_to(call, x, tuple(int(n) for n in shape))
    op = Affine(call.broadcast(x, np.asarray(scale)), None if shift is None else call.broadcast(x, shift))
    return Tensor(call.add(op, x), x.layout, x.shape)
