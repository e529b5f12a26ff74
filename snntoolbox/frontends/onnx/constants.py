"""What a file computes from constants and shapes alone is computed once, here, by onnx's reference implementation.

Exporters write shapes as computations (Shape, Gather, Concat, then Reshape), so that the batch may have any size. Here
the batch is one sample, and every shape is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from snntoolbox.frontends.onnx.files import opset
from snntoolbox.frontends.onnx.shapes import Constants, Sizes, declared_shape, graph_inputs, infer_shapes, input_shapes
from snntoolbox.ir.ops import Shape

__all__ = ["StaticModel", "static_model"]

_RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")

_NEWER = {"DequantizeLinear": 19}
"""Ops that onnx's implementation knows from some opset on, although they meant the same before."""


@dataclass(frozen=True)
class StaticModel:
    """A model for one sample: what depends on the input as nodes, the rest as values.

    Attributes:
        source: The file's content.
        inputs: Shape of each input, by name, with a batch of 1.
        outputs: Names of the outputs.
        nodes: What depends on the inputs and what the outputs depend on, in order.
        constants: Values of everything else.
        shapes: Shapes of tensors, as far as onnx can tell.
    """

    source: ModelProto
    inputs: Mapping[str, Shape]
    outputs: tuple[str, ...]
    nodes: tuple[NodeProto, ...]
    constants: Mapping[str, NDArray[Any]]
    shapes: Mapping[str, Shape]


def static_model(model: ModelProto, sizes: Sizes | None = None) -> StaticModel:
    """Return a model with a batch of one sample and everything constant computed.

    Args:
        model: A model of opset 7 or newer.
        sizes: Sizes of the input that the model leaves open.

    Raises:
        UnsupportedError: An input has an open size, or the model contradicts itself.
    """
    outputs = tuple(value.name for value in model.graph.output)
    nodes = _needed(model.graph.node, outputs)
    used = {name for node in nodes for name in _reads(node)}.union(outputs)
    declared = [value for value in graph_inputs(model) if value.name in used]
    shapes = input_shapes(declared, sizes)
    inputs = {value.name: (value.type.tensor_type.elem_type, shapes[value.name]) for value in declared}
    batches = {size for value in declared for size in declared_shape(value)[:1] if size not in (None, 1)}
    constants = _initializers(model.graph)
    while True:
        _free_batch(nodes, constants, batches)
        known = infer_shapes(nodes, constants, inputs, model)
        values = _computed(nodes, constants, known, model)
        branches = _open_branches(nodes, constants)
        if not values and branches is None:
            reads = {name for node in nodes for name in node.input}.union(outputs)
            constants = {name: value for name, value in constants.items() if name in reads}
            return StaticModel(model, shapes, outputs, tuple(nodes), constants, known)
        constants.update(values)
        nodes = _needed([n for n in branches or nodes if not set(n.output) & values.keys()], outputs)


def _initializers(graph: GraphProto) -> Constants:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def _needed(nodes: Iterable[NodeProto], outputs: Iterable[str]) -> list[NodeProto]:
    """Drop what no output depends on."""
    wanted, kept = set(outputs), []
    for node in reversed(list(nodes)):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(_reads(node))
    return kept[::-1]


def _reads(node: NodeProto) -> list[str]:
    """Names that a node refers to, in the graphs inside it too."""
    inner = [name for graph in _graphs(node) for part in graph.node for name in _reads(part)]
    outer = [value.name for graph in _graphs(node) for value in graph.output]
    return [*node.input, *inner, *outer]


def _graphs(node: NodeProto) -> list[GraphProto]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _computed(
    nodes: Sequence[NodeProto], constants: Constants, shapes: Mapping[str, Shape], model: ModelProto
) -> Constants:
    """Values of what needs nothing but constants and shapes; a node that onnx cannot compute is left out."""
    values: Constants = {}
    for node in nodes:
        if node.op_type in _RANDOM or _graphs(node) or node.domain not in ("", "ai.onnx"):
            continue
        by_shape = shapes if node.op_type in ("Shape", "Size") else {}
        feeds = {name: _value(name, constants, values, by_shape) for name in node.input if name}
        if any(value is None for value in feeds.values()):
            continue
        try:
            results = ReferenceEvaluator(_alone(node, model)).run(None, feeds)
        except (ArithmeticError, AssertionError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError):
            continue
        values.update(zip(filter(None, node.output), map(np.asarray, results), strict=True))
    return values


def _value(name: str, constants: Constants, values: Constants, shapes: Mapping[str, Shape]) -> NDArray[Any] | None:
    """A constant; for a tensor of which only the shape matters, zeros of that shape that take no memory."""
    for known in (constants, values):
        if name in known:
            return known[name]
    return np.broadcast_to(np.float32(0), shapes[name]) if name in shapes else None


def _alone(node: NodeProto, model: ModelProto) -> ModelProto:
    values = [helper.make_empty_tensor_value_info(name) for name in node.input if name]
    results = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    graph = helper.make_graph([node], "constant", list({v.name: v for v in values}.values()), results)
    version = max(opset(model), _NEWER.get(node.op_type, 0))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])


def _open_branches(nodes: Sequence[NodeProto], constants: Constants) -> list[NodeProto] | None:
    """Replace each If whose condition is known by the branch that is taken; None if there is no such node.

    Adds the branch's weights to ``constants``. Names are unique across a file, branches included.
    """
    decided = [node for node in nodes if node.op_type == "If" and node.input[0] in constants]
    if not decided:
        return None
    opened: list[NodeProto] = []
    for node in nodes:
        if node not in decided:
            opened.append(node)
            continue
        taken = "then_branch" if bool(constants[node.input[0]]) else "else_branch"
        (branch,) = (attribute.g for attribute in node.attribute if attribute.name == taken)
        constants.update(_initializers(branch))
        opened += branch.node
        for inner, outer in zip(branch.output, node.output, strict=True):
            opened.append(helper.make_node("Identity", [inner.name], [outer]))
    return opened


def _free_batch(nodes: Sequence[NodeProto], constants: Constants, batches: Collection[int | None]) -> None:
    """Where a file with a fixed batch of several samples reshapes to that batch, let the batch be what is left over.

    Changes ``constants``.
    """
    for node in nodes:
        target = constants.get(node.input[1]) if node.op_type == "Reshape" and len(node.input) > 1 else None
        if target is not None and target.size and int(target.flat[0]) in batches:
            freed = target.copy()
            freed.flat[0] = 1 if -1 in target else -1
            constants[node.input[1]] = freed
