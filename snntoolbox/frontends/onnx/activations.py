"""Rectifiers, softmax, and the other activations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.frontends.onnx.calls import Call, Translator
from snntoolbox.frontends.onnx.layout import Tensor
from snntoolbox.frontends.onnx.staircases import staircase
from snntoolbox.ir.ops import Activation, Op, Relu, Softmax

__all__ = [
    "clip",
    "elu",
    "function",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "log_softmax",
    "maximum",
    "minimum",
    "prelu",
    "relu",
    "selu",
    "softmax",
    "swish",
]

_LARGEST = float(np.finfo(np.float32).max)


def relu(call: Call) -> Tensor:
    """max(x, 0)."""
    return call.unary(Relu())


def leaky_relu(call: Call) -> Tensor:
    """A rectifier with a slope below zero, one for all."""
    return call.unary(Relu(negative_slope=float(call.attribute("alpha", 0.01))))


def prelu(call: Call) -> Tensor:
    """A rectifier with a slope below zero for each channel or element."""
    slope = call.broadcast(call.tensor(), call.constant(1, "slope"))
    return call.unary(Relu(negative_slope=float(slope) if slope.size == 1 else slope))


def clip(call: Call) -> Tensor:
    """A clip from 0 is a rectifier with a ceiling; a clip of what a rectifier gives is the ceiling of that one."""
    low, high = call.number("min", 1, -math.inf), call.number("max", 2, math.inf)
    if low <= -_LARGEST and high >= _LARGEST:
        return call.tensor()
    if low == 0 and high > 0:
        found = staircase(call, call.tensor(), high)
        if found is not None:
            return found
        return call.unary(Relu(None if high >= _LARGEST else high))
    before = _rectifier(call, call.tensor())
    if before is None or not low < 0 < high or (before.leaky and low > -_LARGEST):
        call.refuse(f"clips to [{low:g}, {high:g}].", "Only a clip from 0 to a positive number is a rectifier.")
    return _capped(call, call.tensor(), before, np.asarray(high))


def maximum(call: Call) -> Tensor:
    """max(x, 0)."""
    index, bound = _bound(call)
    if np.any(bound):
        call.refuse("takes the larger of x and a constant.", "Only max(x, 0) is a rectifier.")
    return call.unary(Relu(), index)


def minimum(call: Call) -> Tensor:
    """min(x, c) of what a rectifier gives: its ceiling."""
    index, bound = _bound(call)
    x = call.tensor(index)
    before = _rectifier(call, x)
    if before is None or not np.all(bound > 0):
        call.refuse("takes the smaller of x and a constant.", "Only min(relu(x), c) with c > 0 is a rectifier.")
    return _capped(call, x, before, bound)


def _rectifier(call: Call, x: Tensor) -> Relu | None:
    op = call.builder.nodes[x.node].op
    return op if isinstance(op, Relu) else None


def _capped(call: Call, x: Tensor, before: Relu, bound: NDArray[Any]) -> Tensor:
    """The rectifier that gives x, with a ceiling, in its place."""
    ceiling = np.minimum(call.broadcast(x, bound), np.inf if before.max_value is None else before.max_value)
    op = Relu(float(ceiling) if ceiling.size == 1 else ceiling, before.negative_slope)
    node = call.builder.add(op, *call.builder.nodes[x.node].inputs, origin=call.origin)
    return Tensor(node, x.layout, x.shape)


def _bound(call: Call) -> tuple[int, NDArray[Any]]:
    """Which input is the tensor, and the constant that is compared with it."""
    indices = [index for index in range(call.num_inputs) if not call.is_constant(index)]
    if len(indices) != 1 or call.num_inputs != 2:
        what = f"compares {len(indices)} tensors of the network."
        call.refuse(what, "Only a comparison with a constant is a rectifier: use MaxPool for a maximum.")
    return indices[0], call.constant(1 - indices[0], "bound")


def softmax(call: Call) -> Tensor:
    """Along one axis; before opset 13 along one axis and all after it, together."""
    return _along_axis(call, Softmax())


def log_softmax(call: Call) -> Tensor:
    """The logarithm of a softmax."""
    return _along_axis(call, Activation("log_softmax"))


def _along_axis(call: Call, op: Op) -> Tensor:
    x = call.tensor()
    rank = len(x.shape)
    axis = int(call.attribute("axis", -1 if call.opset >= 13 else 1)) % rank
    joined = range(axis, rank if call.opset < 13 else axis + 1)
    long_axes = [a for a in joined if x.shape[a] > 1] or [joined[-1]]
    if len(long_axes) > 1:
        flat = call.reshape(x, (*x.shape[:axis], math.prod(x.shape[axis:])))
        flat = call.align(flat, (*(a for a in flat.layout if a != axis), axis))
        y = Tensor(call.add(op, flat), flat.layout, flat.shape)
        return call.reshape(y, x.shape)
    (last,) = long_axes
    if last == 0:
        call.refuse("normalises along the batch.", "Samples are independent: use another axis.")
    if x.layout[-1] != last:
        x = call.align(x, (*(a for a in x.layout if a != last), last))
    return Tensor(call.add(op, x), x.layout, x.shape)


def function(name: str) -> Translator:
    """Return a translator for an activation without settings."""
    return lambda call: call.unary(Activation(name))


def elu(call: Call) -> Tensor:
    """With alpha = 1."""
    _require(call, alpha=(1.0, 1.0))
    return call.unary(Activation("elu"))


def selu(call: Call) -> Tensor:
    """With the constants of its paper."""
    _require(call, alpha=(1.6732632, 1.6732632), gamma=(1.0507010, 1.0507010))
    return call.unary(Activation("selu"))


def hard_sigmoid(call: Call) -> Tensor:
    """clip(x / 6 + 1 / 2, 0, 1), as Keras and PyTorch have it."""
    _require(call, alpha=(0.2, 1 / 6), beta=(0.5, 0.5))
    return call.unary(Activation("hard_sigmoid"))


def gelu(call: Call) -> Tensor:
    """Exact, not by the hyperbolic tangent."""
    if call.attribute("approximate", "none") != "none":
        call.refuse("is the approximate GELU.", "Export the exact one.")
    return call.unary(Activation("gelu"))


def swish(call: Call) -> Tensor:
    """Swish: x sigmoid(x)."""
    _require(call, alpha=(1.0, 1.0))
    return call.unary(Activation("silu"))


def _require(call: Call, **settings: tuple[float, float]) -> None:
    """Refuse other settings than those of which the op is known; each is a (default, expected value)."""
    for name, (default, expected) in settings.items():
        value = float(call.attribute(name, default))
        if not math.isclose(value, expected, rel_tol=1e-4):
            call.refuse(f"has {name} = {value:g}.", f"Only {name} = {expected:g} can be taken.")
