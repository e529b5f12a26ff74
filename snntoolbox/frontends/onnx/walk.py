"""From the nodes of a file to a graph: every node in order, everything refused at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnx import NodeProto

from snntoolbox.errors import GraphError, Problem, UnsupportedError
from snntoolbox.frontends.onnx.calls import Call, RefusedNode, title
from snntoolbox.frontends.onnx.constants import StaticModel
from snntoolbox.frontends.onnx.files import opset
from snntoolbox.frontends.onnx.inputs import InputLayout, input_layout
from snntoolbox.frontends.onnx.layout import Builder, Tensor
from snntoolbox.frontends.onnx.table import TRANSLATORS, advice
from snntoolbox.ir.ops import Input

__all__ = ["Translation", "attempt", "translate"]


@dataclass(frozen=True)
class Translation:
    """The nodes of a graph under provisional names, and what they have to do with the file.

    Attributes:
        builder: The nodes.
        inputs: What stands for each input, by the name in the file.
        outputs: What stands for each output, in order; empty if that is not known for all, behind refused nodes.
        removed: Nodes that do nothing after training.
        refusal: Nodes that cannot be translated, all of them; None if there is none. Inputs of the graph stand for
            their outputs then.
    """

    builder: Builder
    inputs: Mapping[str, Tensor]
    outputs: Sequence[Tensor]
    removed: Sequence[NodeProto]
    refusal: UnsupportedError | None = None


def translate(model: StaticModel, layout: InputLayout = "auto") -> Translation:
    """Translate every node; see `attempt`.

    Raises:
        UnsupportedError: Nodes that cannot be translated, all of them.
    """
    translation = attempt(model, layout)
    if translation.refusal is not None:
        raise translation.refusal
    return translation


def attempt(model: StaticModel, layout: InputLayout = "auto") -> Translation:
    """Translate every node that can be.

    Args:
        model: What depends on the input.
        layout: Which axis of an input holds its channels.
    """
    builder = Builder()
    tensors = _entrances(model, layout, builder)
    problems = _translate_nodes(model, tensors, builder)
    removed = [node for node in model.nodes if node.op_type == "Dropout"]
    inputs = {name: tensors[name] for name in model.inputs}
    if not problems:
        outputs = [_settled(tensors[name], builder, name) for name in model.outputs]
        return Translation(builder, inputs, outputs, removed)
    count = "one node" if len(problems) == 1 else f"{len(problems)} nodes"
    refusal = UnsupportedError(f"model '{model.source.graph.name}': {count} cannot be taken", problems)
    known = all(name in tensors for name in model.outputs)
    return Translation(builder, inputs, [tensors[n] for n in model.outputs] if known else (), removed, refusal)


def _entrances(model: StaticModel, layout: InputLayout, builder: Builder) -> dict[str, Tensor]:
    """Start the graph with the inputs."""
    tensors = {}
    for name, shape in model.inputs.items():
        axes = input_layout(model, name, layout)
        node = builder.add(Input(tuple(shape[axis] for axis in axes)), origin=name)
        tensors[name] = Tensor(node, axes, shape)
    return tensors


def _translate_nodes(model: StaticModel, tensors: dict[str, Tensor], builder: Builder) -> list[Problem]:
    """Translate every node, as far as possible behind refused ones; say which cannot be."""
    problems, lost = list[Problem](), set[str]()
    for node in model.nodes:
        missing = [n for n in node.input if n and n not in tensors and n not in model.constants]
        skipped = lost.intersection(missing)
        problem = _unknown(node, () if skipped else missing)
        if not problem and not skipped:
            problem = _visit(node, model, tensors, builder)
        if problem:
            problems.append(problem)
            _stand_in(node, model, tensors, builder)
        lost.update(name for name in node.output if name not in tensors and (problem or skipped))
    idle = [name for name in model.outputs if name not in tensors and name not in lost]
    return problems + [
        Problem(f"output '{n}'", "does not depend on the input.", "Drop it from the model.") for n in idle
    ]


def _settled(tensor: Tensor, builder: Builder, name: str) -> Tensor:
    """An output in the file's order of axes, or with its channels, axis 1, moved to the end; in no other order."""
    first = tuple(sorted(tensor.layout))
    last = tuple(sorted(tensor.layout, key=lambda axis: (axis == 1, axis)))
    orders = [tuple(axis for axis in layout if tensor.shape[axis] > 1) for layout in (first, last)]
    if tensor.long_axes in orders:
        return tensor
    return builder.align(tensor, last if tensor.layout[-1] == 1 else first, origin=name)


def _unknown(node: NodeProto, missing: Sequence[str]) -> Problem | None:
    """Say that an op, or one of its inputs, is not known."""
    if node.op_type not in TRANSLATORS or node.domain not in ("", "ai.onnx"):
        return Problem(title(node), "cannot be converted.", advice(node.op_type, node.domain))
    if missing:
        hint = "It may be a second output, or sparse weights; or the file is damaged."
        return Problem(title(node), f"takes '{missing[0]}', of which nothing is known.", hint)
    return None


def _visit(node: NodeProto, model: StaticModel, tensors: dict[str, Tensor], builder: Builder) -> Problem | None:
    """Translate one node, or say why it cannot be."""
    call = Call(node, opset(model.source), tensors, model.constants, model.shapes, builder)
    try:
        results = TRANSLATORS[node.op_type](call)
    except RefusedNode as error:
        return Problem(title(node), error.what, error.hint)
    except GraphError as error:
        return Problem(title(node), f"does not fit: {error}.")
    # Further outputs, such as the mask of Dropout, are not translated; whoever takes one is refused.
    tensors.update(zip(node.output, [results] if isinstance(results, Tensor) else results, strict=False))
    return None


def _stand_in(node: NodeProto, model: StaticModel, tensors: dict[str, Tensor], builder: Builder) -> None:
    """Stand in for the outputs of a refused node, so that the rest can still be checked."""
    for name in node.output:
        shape = model.shapes.get(name, ())
        # Channels are probably axis 1.
        axes = sorted((a for a in range(len(shape)) if a or shape[0] > 1), key=lambda axis: (axis == 1, axis))
        if axes and min(shape) > 0:
            stored = builder.add(Input(tuple(shape[axis] for axis in axes)), origin=node.name or name)
            tensors[name] = Tensor(stored, tuple(axes), shape)
