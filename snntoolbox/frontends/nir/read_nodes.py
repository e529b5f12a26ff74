"""Every node of NIR that the toolbox knows, as nodes of the graph. A new one is registered in `READERS`."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import ops
from snntoolbox.ir.graph import Node
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.neurons.integrate_and_fire import Reset

__all__ = ["Builder", "read_node"]

Array = NDArray[Any]


class Builder:
    """Collects nodes.

    Attributes:
        reset, dt: Options of the frontend.
        nodes: The nodes so far.
        shapes: Their shapes, channels-last.
    """

    def __init__(self, reset: Reset, dt: float) -> None:
        self.reset, self.dt = reset, dt
        self.nodes: list[Node] = []
        self.shapes: dict[str, ops.Shape] = {}

    def add(self, name: str, op: ops.Op, *inputs: str) -> str:
        """Add a node and return its name, which is another one if the name is taken."""
        while name in self.shapes:
            name += "_"
        self.shapes[name] = op.infer(*(self.shapes[source] for source in inputs))
        self.nodes.append(Node(name, op, inputs))
        return name

    def op(self, name: str) -> ops.Op:
        """Return the op of a node."""
        return next(node.op for node in self.nodes if node.name == name)


Reader = Callable[[Builder, str, Any, str], str]


def read_node(kind: str, builder: Builder, name: str, node: Any, source: str) -> str:
    """Add the nodes that stand for a NIR node and return the name of the last.

    Raises:
        UnsupportedError: The toolbox has no words for it.
    """
    if kind not in READERS:
        raise UnsupportedError(f"expected one of {', '.join(READERS)}, Output")
    return READERS[kind](builder, name, node, source)


def _input(builder: Builder, name: str, node: Any, source: str) -> str:
    del source
    shape = tuple(int(n) for n in node.input_type["input"])
    return builder.add(name, ops.Input((*shape[1:], shape[0])))


def _affine(builder: Builder, name: str, node: Any, source: str) -> str:
    weight, bias = np.asarray(node.weight), getattr(node, "bias", None)
    if weight.ndim != 2:
        raise UnsupportedError(f"expected a weight of shape (out, in), got {weight.shape}")
    return builder.add(name, ops.Dense(weight.T, None if bias is None else np.ravel(bias)), source)


def _convolution(builder: Builder, name: str, node: Any, source: str) -> str:
    weight = np.asarray(node.weight)
    rank = weight.ndim - 2
    window = weight.shape[2:]
    strides, dilation = (_numbers(value, rank) for value in (node.stride, node.dilation))
    kernel = weight.transpose(*range(2, rank + 2), 1, 0)
    bias = None if node.bias is None or not np.any(node.bias) else np.ravel(node.bias)
    padding = _padding(node.padding, window, dilation)
    return builder.add(name, ops.Conv(kernel, bias, strides, padding, dilation, int(node.groups)), source)


def _padding(given: Any, window: ops.Shape, dilation: ops.Shape) -> ops.Padding:
    text = given.decode() if isinstance(given, bytes) else given
    if not isinstance(text, str):
        return tuple((n, n) for n in _numbers(given, len(window)))
    if text == "valid":
        return ((0, 0),) * len(window)
    total = [(w - 1) * d for w, d in zip(window, dilation, strict=True)]
    return tuple((n // 2, n - n // 2) for n in total)


def _average(builder: Builder, name: str, node: Any, source: str) -> str:
    pool, strides, padding = (_numbers(value, 2) for value in (node.kernel_size, node.stride, node.padding))
    op = ops.AveragePool(pool, strides, tuple((n, n) for n in padding), count_padding=True)
    return builder.add(name, op, source)


def _sum(builder: Builder, name: str, node: Any, source: str) -> str:
    pool = _numbers(node.kernel_size, 2)
    return builder.add(name, ops.Affine(np.array(float(prod(pool)))), _average(builder, f"{name}.mean", node, source))


def _flatten(builder: Builder, name: str, node: Any, source: str) -> str:
    shape = builder.shapes[source]
    # NIR counts no batch, but tools differ in what they take for the first axis: all of them mean everything.
    if len(shape) > 1:
        channels_first = (len(shape) - 1, *range(len(shape) - 1))
        source = builder.add(f"{name}.channels_first", ops.Permute(channels_first), source)
    if int(node.end_dim) not in (-1, len(shape) - 1):
        raise UnsupportedError(f"expected all axes to be flattened, got end_dim = {int(node.end_dim)}")
    return builder.add(name, ops.Reshape((prod(shape),)), source)


def _scale(builder: Builder, name: str, node: Any, source: str) -> str:
    return builder.add(name, ops.Affine(np.asarray(_parameter(node.scale))), source)


def _integrator(builder: Builder, name: str, node: Any, source: str) -> str:
    return builder.add(name, ops.Spiking(Accumulator()), _resistance(builder, name, _gain(node.r, builder.dt), source))


def _integrate_and_fire(builder: Builder, name: str, node: Any, source: str) -> str:
    return _neuron(builder, name, node, source, 1.0, _gain(node.r, builder.dt))


def _leaky(builder: Builder, name: str, node: Any, source: str) -> str:
    if np.any(node.v_leak):
        raise UnsupportedError(f"expected v_leak = 0, got {np.ravel(node.v_leak)[0]}")
    share = builder.dt / np.asarray(node.tau, np.float64)
    if np.ptp(share) > 1e-12:
        raise UnsupportedError("expected one time constant for the layer")
    leak = float(np.ravel(_metadata(node, "leak_factor", 1 - share))[0])
    if not 0 < leak <= 1:
        raise UnsupportedError(f"expected time constants above dt = {builder.dt:g}, got {np.min(node.tau):g}")
    return _neuron(builder, name, node, source, leak, _gain(node.r, 1 - leak))


def _gain(resistance: Any, share: float) -> Any:
    """Return what an input is multiplied with in one step, free of the rounding of a quotient and its inverse."""
    gain = np.asarray(resistance, np.float64) * share
    return _parameter(np.where(np.abs(gain - 1) < 1e-12, 1.0, gain))


def _neuron(builder: Builder, name: str, node: Any, source: str, leak: float, gain: Any) -> str:
    reset = _metadata(node, "reset", builder.reset)
    reset = reset.decode() if isinstance(reset, bytes) else str(reset)
    v_reset = getattr(node, "v_reset", None)
    if v_reset is not None and np.any(v_reset):
        raise UnsupportedError(f"expected v_reset = 0, got {np.ravel(v_reset)[0]}")
    model = IntegrateAndFire(
        threshold=_parameter(node.v_threshold),
        amplitude=1.0,
        reset=reset,  # type: ignore[arg-type]
        leak_factor=leak,
        initial_potential=_parameter(_metadata(node, "initial_potential", 0.0)),
    )
    return builder.add(name, ops.Spiking(model), _resistance(builder, name, gain, source))


def _resistance(builder: Builder, name: str, gain: Any, source: str) -> str:
    if np.all(np.asarray(gain) == 1):
        return source
    return builder.add(f"{name}.resistance", ops.Affine(np.asarray(gain)), source)


def _metadata(node: Any, key: str, default: Any) -> Any:
    metadata = getattr(node, "metadata", None) or {}
    return metadata.get(key, default)


def _parameter(value: Any) -> Any:
    """Return a parameter channels-last; one value if all are the same."""
    array = np.asarray(value, np.float64)
    if array.size and np.all(array == array.flat[0]):
        return float(array.flat[0])
    return np.moveaxis(array, 0, -1) if array.ndim > 1 else array


def _numbers(value: Any, rank: int) -> ops.Shape:
    flat = [int(n) for n in np.ravel(value)]
    return tuple(flat * rank if len(flat) == 1 else flat)


READERS: dict[str, Reader] = {
    "Input": _input,
    "Affine": _affine,
    "Linear": _affine,
    "Scale": _scale,
    "Conv1d": _convolution,
    "Conv2d": _convolution,
    "AvgPool2d": _average,
    "SumPool2d": _sum,
    "Flatten": _flatten,
    "I": _integrator,
    "IF": _integrate_and_fire,
    "LIF": _leaky,
}
