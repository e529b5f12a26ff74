"""Shapes of all tensors for one sample: the user's sizes filled in, onnx's own inference for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from snntoolbox.errors import Problem, UnsupportedError
from snntoolbox.ir.ops import Shape
from snntoolbox.ir.padding import dilated

__all__ = ["Constants", "Sizes", "declared_shape", "graph_inputs", "infer_shapes", "input_shapes"]

Constants = dict[str, NDArray[Any]]
Sizes = Sequence[int] | Mapping[str, Sequence[int]]

_SMALL = 4096
"""Constants up to this many elements are shown to the inference, which may need their values; others are weights."""


def graph_inputs(model: ModelProto) -> list[ValueInfoProto]:
    """Return the inputs that a user feeds; files of ONNX's first years list the weights among them too."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def declared_shape(value: ValueInfoProto) -> tuple[int | None, ...]:
    """Return the shape in a declaration; None for a size that is open."""
    return tuple(axis.dim_value or None for axis in value.type.tensor_type.shape.dim)


def input_shapes(values: Iterable[ValueInfoProto], given: Sizes | None) -> dict[str, Shape]:
    """Return the shape of every input, in the model's own order of axes, for a batch of one sample.

    Args:
        values: Declarations of the inputs; the first axis of each is its batch.
        given: Sizes without batch that the model leaves open: those of the only input, or a mapping from input names.

    Raises:
        UnsupportedError: A size is not known, or does not agree with the model.
    """
    declared = {value.name: declared_shape(value)[1:] for value in values}
    if given is not None and not isinstance(given, Mapping):
        given = dict.fromkeys(declared, given) if len(declared) == 1 else {"": given}
    given = given or {}
    problems = [
        Problem(f"input_shape for '{name}'", f"the model has no such input, only {', '.join(declared)}.")
        for name in given
        if name not in declared
    ]
    shapes: dict[str, Shape] = {}
    for name, sizes in declared.items():
        wanted = tuple(given.get(name, sizes))
        problems += _problems(name, sizes, wanted)
        shapes[name] = (1, *(size for size in wanted if size))
    if problems:
        raise UnsupportedError("the shape of the model's input is not settled", problems)
    return shapes


def _problems(name: str, declared: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> list[Problem]:
    where = f"input '{name}'"
    shown = ", ".join(["batch", *("open" if size is None else str(size) for size in declared)])
    if len(wanted) != len(declared) or any(a not in (None, b) for a, b in zip(declared, wanted, strict=True)):
        return [Problem(where, f"has shape ({shown}), which input_shape={wanted} does not agree with.")]
    if not declared:
        return [Problem(where, "has no axis besides the batch, so it is no sample.", "Fix it to a constant.")]
    if None in wanted:
        hint = "Give input_shape=(...), without batch, in the model's own order of axes."
        return [Problem(where, f"has shape ({shown}), but every neuron needs a place.", hint)]
    return []


def infer_shapes(
    nodes: Iterable[NodeProto], constants: Constants, inputs: Mapping[str, tuple[int, Shape]], model: ModelProto
) -> dict[str, Shape]:
    """Return the shapes of all tensors of which onnx can tell every size.

    Large constants stand in by their shape alone, so that weights are not copied.

    Args:
        nodes: What is computed, in order.
        constants: Known values.
        inputs: Element type and shape of the network's inputs.
        model: Gives the versions of the op sets.
    """
    nodes = list(nodes)
    while True:
        known = _inferred(nodes, constants, inputs, model)
        settled = [_rounded_down(node, known) for node in nodes]
        if settled == nodes:
            return known
        nodes = settled


def _rounded_down(node: NodeProto, shapes: Mapping[str, Shape]) -> NodeProto:
    """A pooling that rounds the number of its windows up, as one that rounds down and has as much more padding.

    onnx counts a last window that starts beyond the input and the padding before it; its specification, onnxruntime
    and PyTorch do not.
    """
    settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if not settings.get("ceil_mode") or node.input[0] not in shapes:
        return node
    size = settings["kernel_shape"]
    spatial, rank = shapes[node.input[0]][2:], len(size)
    pads, strides = settings.get("pads") or [0] * 2 * rank, settings.get("strides") or [1] * rank
    extents = dilated(tuple(size), tuple(settings.get("dilations") or [1] * rank))
    after = []
    for n, extent, stride, before, end in zip(spatial, extents, strides, pads[:rank], pads[rank:], strict=True):
        last = -(-(n + before + end - extent) // stride)
        last -= 1 if last * stride >= n + before else 0
        after.append(max(last * stride + extent - n - before, 0))
    kept = {k: v for k, v in settings.items() if k not in ("ceil_mode", "pads")}
    return helper.make_node(node.op_type, node.input, node.output, **kept, pads=[*pads[:rank], *after])


def _inferred(
    nodes: Sequence[NodeProto], constants: Constants, inputs: Mapping[str, tuple[int, Shape]], model: ModelProto
) -> dict[str, Shape]:
    used = list(_used_constants(nodes, constants))
    small = [tensor for tensor in used if isinstance(tensor, TensorProto)]
    values = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
    values += [value for value in used if isinstance(value, ValueInfoProto)]
    graph = helper.make_graph(nodes, "light", values, [], small)
    light = helper.make_model(graph, opset_imports=model.opset_import, ir_version=max(model.ir_version, 4))
    inferred = onnx.shape_inference.infer_shapes(light, data_prop=True)
    shapes = {
        value.name: declared_shape(value)
        for value in inferred.graph.value_info
        if value.type.tensor_type.HasField("shape")
    }
    known = {name: tuple(int(n) for n in sizes if n) for name, sizes in shapes.items() if None not in sizes}
    return {**known, **{name: shape for name, (_, shape) in inputs.items()}}


def _used_constants(nodes: Iterable[NodeProto], constants: Constants) -> Iterable[TensorProto | ValueInfoProto]:
    names = {name for node in nodes for name in node.input if name in constants}
    for name in sorted(names):
        array = constants[name]
        if array.size <= _SMALL and array.dtype != object:
            yield numpy_helper.from_array(array, name)
        else:
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            yield helper.make_tensor_value_info(name, kind, array.shape)
