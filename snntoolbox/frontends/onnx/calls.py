"""What a translator works with: one node of the file, its inputs and settings, and the graph under construction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from snntoolbox.errors import SNNToolboxError
from snntoolbox.frontends.onnx.layout import Builder, Layout, Tensor
from snntoolbox.ir.ops import Op, Shape

__all__ = ["Call", "RefusedNode", "Translator", "title"]


class RefusedNode(SNNToolboxError):
    """A node that cannot be translated; the walk collects these and reports all at once."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint
        super().__init__(f"{what} {hint}".rstrip())


@dataclass(frozen=True)
class Call:
    """One node of the file.

    Attributes:
        node: The node.
        opset: Version of the standard op set.
        tensors: What stands for each tensor so far.
        constants: Values known beforehand.
        shapes: Shapes of the file's tensors.
        builder: The graph under construction.
    """

    node: NodeProto
    opset: int
    tensors: Mapping[str, Tensor]
    constants: Mapping[str, NDArray[Any]]
    shapes: Mapping[str, Shape]
    builder: Builder

    @property
    def origin(self) -> str:
        """Identifier of the node: its first output, which is unique in a file."""
        return str(next(name for name in self.node.output if name))

    @property
    def num_inputs(self) -> int:
        """Number of inputs, omitted ones at the end not counted."""
        return len(self.node.input)

    def has(self, index: int) -> bool:
        """Whether an input is given."""
        return index < len(self.node.input) and self.node.input[index] != ""

    def is_constant(self, index: int) -> bool:
        """Whether an input is given and its value known."""
        return self.has(index) and self.node.input[index] in self.constants

    def constant(self, index: int, what: str) -> NDArray[Any]:
        """Return the value of an input that has to be known.

        Raises:
            RefusedNode: The network computes it.
        """
        if not self.is_constant(index):
            self.refuse(f"takes its {what} from what the network computes.", f"Only a constant {what} can be taken.")
        return self.constants[self.node.input[index]]

    def weights(self, index: int, what: str) -> NDArray[np.float32]:
        """Return a constant input as float32."""
        return np.asarray(self.constant(index, what), np.float32)

    def tensor(self, index: int = 0) -> Tensor:
        """Return what stands for an input.

        Raises:
            RefusedNode: The input is a constant.
        """
        if self.is_constant(index):
            self.refuse(f"takes a constant as its input {index}.", "Only a tensor of the network can stand there.")
        return self.tensors[self.node.input[index]]

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute of the node."""
        for attribute in self.node.attribute:
            if attribute.name == name:
                value = helper.get_attribute_value(attribute)
                return value.decode() if isinstance(value, bytes) else value
        return default

    def setting(self, name: str, index: int, default: Any = None) -> Any:
        """Return what older versions keep as an attribute and newer ones as a constant input: a list, or a number."""
        value = self.attribute(name)
        if value is not None:
            return value
        return self.constant(index, name).tolist() if self.has(index) else default

    def number(self, name: str, index: int, default: float) -> float:
        """Return a setting that is one number."""
        return float(np.asarray(self.setting(name, index, default)).reshape(-1)[0])

    def shape(self, index: int = 0) -> Shape:
        """Return the shape of an output in the file, with a batch of 1.

        Raises:
            RefusedNode: It depends on the values of the input.
        """
        name = self.node.output[index]
        if name not in self.shapes:
            self.refuse("has an output whose shape is not known before the network runs.", "Give it a fixed shape.")
        return self.shapes[name]

    def add(self, op: Op, *sources: Tensor) -> str:
        """Append a node and return its name."""
        return self.builder.add(op, *(source.node for source in sources), origin=self.origin)

    def result(self, node: str, layout: Layout, output: int = 0) -> Tensor:
        """Return the tensor that a node of the graph stands for.

        Raises:
            RefusedNode: onnx says that it has another shape.
        """
        tensor = Tensor(node, layout, self.shape(output))
        if tensor.stored != self.builder.shapes[node]:
            self.refuse(f"should give {tensor.stored} elements, but would give {self.builder.shapes[node]}.")
        return tensor

    def unary(self, op: Op, index: int = 0) -> Tensor:
        """Append an op that acts on each element, or along the last axis, of one input."""
        tensor = self.tensor(index)
        return Tensor(self.add(op, tensor), tensor.layout, tensor.shape)

    def align(self, tensor: Tensor, layout: Layout) -> Tensor:
        """Return a tensor in another layout."""
        return self.builder.align(tensor, layout, self.origin)

    def reshape(self, tensor: Tensor, shape: Shape) -> Tensor:
        """Return a tensor in another shape of the file."""
        return self.builder.reshape(tensor, shape, self.origin)

    def broadcast(self, tensor: Tensor, value: NDArray[Any]) -> NDArray[np.float32]:
        """Return a constant so that it broadcasts against the node of a tensor."""
        return tensor.stored_constant(np.asarray(value))

    def refuse(self, what: str, hint: str = "") -> NoReturn:
        """Give up on this node.

        Raises:
            RefusedNode: Always.
        """
        raise RefusedNode(what, hint)


Translator = Callable[[Call], Tensor | Sequence[Tensor]]
"""Appends the nodes for one node of the file and returns what stands for its output, or for each of its outputs."""


def title(node: NodeProto) -> str:
    """Return a node's name and kind, as messages show it; without a name, that of its output."""
    name = node.name or next(filter(None, node.output), "")
    kind = f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type
    return f"node '{name}' ({kind})"
