"""Every op and neuron as nodes of NIR. An op that NIR can express is registered here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import singledispatch
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.nir.files import library
from snntoolbox.frontends.nir.kernels import diagonal_kernel, square_kernel
from snntoolbox.ir import ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire

__all__ = ["Tensor", "Writer", "write_op"]

Array = NDArray[Any]
LARGEST_DIAGONAL = 4096
"""Largest vector that is scaled by a diagonal matrix, since few tools read NIR's ``Scale``."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """What flows out of one or several NIR nodes, whose sum is meant.

    Attributes:
        nodes: Names of the nodes.
        shape: NIR's shape, channels first.
        order: For each element of NIR's tensor, in row-major order, the number of the graph's element.
    """

    nodes: tuple[str, ...]
    shape: ops.Shape
    order: Array


class Writer:
    """Collects nodes and edges.

    Attributes:
        dt: Length of a time step.
        nodes: Name -> NIR node.
        edges: Pairs of names.
    """

    def __init__(self, dt: float) -> None:
        self.dt = dt
        self.nodes: dict[str, Any] = {}
        self.edges: list[tuple[str, str]] = []

    def add_node(self, name: str, node: Any, sources: Tensor | None, shape: ops.Shape, order: Array) -> Tensor:
        """Add a node and the edges to it; a name that HDF5 would take for a path, or that is taken, is changed."""
        name = name.replace("/", ".")
        while name in self.nodes:
            name += "_"
        self.nodes[name] = node
        self.edges += [(source, name) for source in (sources.nodes if sources else ())]
        return Tensor((name,), shape, order)

    def input(self, name: str, shape: ops.Shape) -> Tensor:
        """Add an entrance."""
        first = _channels_first(shape)
        node = library().Input(input_type={"input": np.array(first)})
        return self.add_node(name, node, None, first, _channels_first_order(shape))

    def output(self, name: str, tensor: Tensor) -> None:
        """Add an exit."""
        node = library().Output(output_type={"output": np.array(tensor.shape)})
        self.add_node(name, node, tensor, tensor.shape, tensor.order)

    def in_order(self, name: str, tensor: Tensor) -> Tensor:
        """Return a flat tensor with its elements in the order of the graph; others as they are."""
        plain = np.arange(len(tensor.order))
        if len(tensor.shape) > 1 or np.array_equal(tensor.order, plain):
            return tensor
        weight = np.zeros((len(plain), len(plain)))
        weight[tensor.order, plain] = 1
        return self.add_node(f"{name}.order", library().Linear(weight), tensor, tensor.shape, plain)

    def add(self, name: str, inputs: Sequence[Tensor]) -> Tensor:
        """Return the sum of tensors; nodes that occur twice pass a node that does nothing, since edges are a set."""
        first, nodes = inputs[0], list[str]()
        for tensor in inputs:
            if tensor.shape != first.shape or not np.array_equal(tensor.order, first.order):
                raise UnsupportedError("it adds values that NIR would have in different order")
            for node in tensor.nodes:
                again = replace(tensor, nodes=(node,))
                if node in nodes:
                    again = self.add_node(
                        f"{name}_again", library().Scale(np.ones(tensor.shape)), again, *_form(tensor)
                    )
                nodes += again.nodes
        return Tensor(tuple(nodes), first.shape, first.order)


@singledispatch
def write_op(op: ops.Op, writer: Writer, name: str, inputs: Sequence[Tensor], shape: ops.Shape) -> Tensor:
    """Add the nodes of an op.

    Args:
        op: The op.
        writer: Where nodes go.
        name: Name of the graph's node.
        inputs: What flows in.
        shape: Shape of the op's output in the graph.

    Raises:
        UnsupportedError: NIR has no words for the op.
    """
    hints = {
        "SpikingMaxPool": "; convert with max2avg_pool=True",
        "Concat": "; NIR adds what meets, it does not join",
        "Pad": "; let the convolution pad",
    }
    raise UnsupportedError(f"NIR has no {op.kind}{hints.get(op.kind, '')}")


@write_op.register
def _(op: ops.Dense, writer: Writer, name: str, inputs: Sequence[Tensor], shape: ops.Shape) -> Tensor:
    (source,) = inputs
    if len(shape) > 1:
        kernel = op.weight.reshape(*(1,) * (len(shape) - 1), *op.weight.shape)
        return write_op(ops.Conv(kernel, op.bias), writer, name, inputs, shape)
    weight = np.ascontiguousarray(op.weight[source.order].T)
    nir = library()
    node = nir.Linear(weight) if op.bias is None else nir.Affine(weight, np.array(op.bias))
    return writer.add_node(name, node, source, shape, np.arange(shape[0]))


@write_op.register
def _(op: ops.Conv, writer: Writer, name: str, inputs: Sequence[Tensor], shape: ops.Shape) -> Tensor:
    (source,) = inputs
    rank = len(op.window)
    if rank > 2:
        raise UnsupportedError(f"NIR convolves over 1 or 2 axes, not {rank}")
    kernel, padding, dilation = square_kernel(op)
    weight = np.ascontiguousarray(kernel.transpose(rank + 1, rank, *range(rank)))
    bias = np.zeros(shape[-1], weight.dtype) if op.bias is None else np.array(op.bias)
    kind = library().Conv1d if rank == 1 else library().Conv2d
    sizes = tuple(source.shape[1:])
    arguments = ((v[0] if rank == 1 else v) for v in (sizes, op.strides, padding, dilation))
    size, stride, pad, spread = arguments
    node = kind(input_shape=size, weight=weight, stride=stride, padding=pad, dilation=spread, groups=1, bias=bias)
    return writer.add_node(name, node, source, _channels_first(shape), _channels_first_order(shape))


@write_op.register
def _(op: ops.AveragePool, writer: Writer, name: str, inputs: Sequence[Tensor], shape: ops.Shape) -> Tensor:
    padded = bool(np.any(op.padding))
    if padded and not op.count_padding:
        raise UnsupportedError("NIR's average pooling counts padded zeros")
    if len(op.pool) == 2 and all(before == after for before, after in op.padding):
        sizes = (np.array(v) for v in (op.pool, op.strides, [before for before, _ in op.padding]))
        node = library().AvgPool2d(*sizes)
        return writer.add_node(name, node, inputs[0], _channels_first(shape), _channels_first_order(shape))
    kernel = diagonal_kernel(np.full(shape[-1], 1 / prod(op.pool)), op.pool)
    return write_op(ops.Conv(kernel, None, op.strides, op.padding), writer, name, inputs, shape)


@write_op.register
def _(op: ops.Affine, writer: Writer, name: str, inputs: Sequence[Tensor], shape: ops.Shape) -> Tensor:
    (source,) = inputs
    scale = np.broadcast_to(op.scale, shape)
    shift = None if op.shift is None or not np.any(op.shift) else np.broadcast_to(op.shift, shape)
    by_channel = all(_by_channel(value) for value in (scale, shift) if value is not None)
    if len(shape) == 1 and (shift is not None or len(scale) <= LARGEST_DIAGONAL):
        weight = np.diag(_arrange(scale, shape, source))
        nir = library()
        node = nir.Linear(weight) if shift is None else nir.Affine(weight, _arrange(shift, shape, source))
        return writer.add_node(name, node, source, *_form(source))
    if len(shape) in (2, 3) and by_channel:
        kernel = diagonal_kernel(scale.reshape(-1, shape[-1])[0], (1,) * (len(shape) - 1))
        bias = None if shift is None else np.array(shift.reshape(-1, shape[-1])[0])
        return write_op(ops.Conv(kernel, bias), writer, name, inputs, shape)
    if shift is not None:
        raise UnsupportedError("NIR has no shift of each element of a tensor with space")
    return writer.add_node(name, library().Scale(_arrange(scale, shape, source)), source, *_form(source))


def _by_channel(values: Array) -> bool:
    return not np.ptp(values.reshape(-1, values.shape[-1]), axis=0).any()


@write_op.register
def _(op: ops.Reshape, writer: Writer, name: str, inputs: Sequence[Tensor], shape: ops.Shape) -> Tensor:
    (source,) = inputs
    if len(shape) > 1:
        raise UnsupportedError(f"NIR flattens, but cannot reshape to {shape}")
    if len(source.shape) == 1:
        return source
    node = library().Flatten(input_type={"input": np.array(source.shape)}, start_dim=0, end_dim=-1)
    return writer.add_node(name, node, source, shape, source.order)


@write_op.register
def _(op: ops.Spiking, writer: Writer, name: str, inputs: Sequence[Tensor], shape: ops.Shape) -> Tensor:
    (source,) = inputs
    model, rate = op.model, np.full(source.shape, 1 / writer.dt)
    if isinstance(model, Accumulator):
        return writer.add_node(name, library().I(r=rate), source, *_form(source))
    if not isinstance(model, IntegrateAndFire):
        raise UnsupportedError(f"NIR has no {type(model).__name__}")
    for parameter in ("refractory_steps", "clamp_steps"):
        if getattr(model, parameter):
            raise UnsupportedError(f"NIR's neurons have no {parameter} = {getattr(model, parameter)}")
    if model.reset == "modulo":
        raise UnsupportedError("NIR has no reset by modulo")
    threshold = _arrange(model.threshold, shape, source)
    nir, zero = library(), np.zeros(source.shape)
    if model.leak_factor == 1:
        node = nir.IF(r=rate, v_threshold=threshold, **_reset(nir.IF, zero))
    else:
        # One step of Euler's method, which is how most tools take it: v + dt / tau (r x - v) = leak v + x.
        tau = np.full(source.shape, writer.dt / (1 - model.leak_factor))
        node = nir.LIF(tau=tau, r=tau / writer.dt, v_leak=zero, v_threshold=threshold, **_reset(nir.LIF, zero))
    node.metadata = {
        "reset": model.reset,
        "leak_factor": float(model.leak_factor),
        "initial_potential": _arrange(model.initial_potential, shape, source),
    }
    sent = writer.add_node(name, node, source, *_form(source))
    if np.all(np.asarray(model.message_size) == 1):
        return sent
    return write_op(ops.Affine(np.asarray(model.message_size)), writer, f"{name}.message", [sent], shape)


def _reset(kind: Any, value: Array) -> dict[str, Array]:
    """Return the potential after a spike as an argument, which neurons have from version 1.0.6 on."""
    return {"v_reset": value} if "v_reset" in {field.name for field in fields(kind)} else {}


def _channels_first(shape: ops.Shape) -> ops.Shape:
    """Return a channels-last shape channels-first."""
    return (shape[-1], *shape[:-1])


def _channels_first_order(shape: ops.Shape) -> Array:
    """Return the numbers of the elements of a channels-last tensor in the order of a channels-first one."""
    return np.moveaxis(np.arange(prod(shape)).reshape(shape), -1, 0).ravel()


def _arrange(value: Any, shape: ops.Shape, tensor: Tensor) -> Array:
    """Return a parameter, which broadcasts to a shape of the graph, as NIR has the tensor: full shape, its order."""
    return np.asarray(np.broadcast_to(value, shape), np.float64).ravel()[tensor.order].reshape(tensor.shape)


def _form(tensor: Tensor) -> tuple[ops.Shape, Array]:
    return tensor.shape, tensor.order
