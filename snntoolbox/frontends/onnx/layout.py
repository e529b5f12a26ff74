"""How tensors of a file are kept in the graph: channels last, without batch, and never moved without need.

Every ONNX tensor is taken for one sample, so its batch axis has size 1. It stands for a node of the graph together with
a *layout*: for each axis of the node, which axis of the tensor it is. Axes of the tensor that the layout leaves out
have size 1. Transposing a tensor, or adding an axis of size 1, changes the layout alone; a node that reorders elements
is added only where an op needs another layout than a tensor has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import GraphError
from snntoolbox.ir import Node
from snntoolbox.ir.ops import Op, Permute, Reshape, Shape

__all__ = ["Builder", "Layout", "Tensor", "blocks", "with_axes"]

Layout = tuple[int, ...]


@dataclass(frozen=True)
class Tensor:
    """What stands for a tensor of the file.

    Attributes:
        node: The node that holds its elements.
        layout: For each axis of the node, the axis of the tensor.
        shape: Shape of the tensor in the file, with a batch of 1.
    """

    node: str
    layout: Layout
    shape: Shape

    @property
    def stored(self) -> Shape:
        """Shape of the node."""
        return tuple(self.shape[axis] for axis in self.layout)

    @property
    def long_axes(self) -> Layout:
        """The tensor's axes of more than one element, in the order in which they are stored."""
        return tuple(axis for axis in self.layout if self.shape[axis] > 1)

    def transposed(self, perm: Sequence[int]) -> Tensor:
        """Return the tensor whose axis i is this one's axis ``perm[i]``."""
        layout = tuple(list(perm).index(axis) for axis in self.layout)
        return Tensor(self.node, layout, tuple(self.shape[axis] for axis in perm))

    def stored_constant(self, value: NDArray[Any]) -> NDArray[np.float32]:
        """Return a constant that broadcasts against the tensor, as float32, so that it broadcasts against the node.

        Leading axes of size 1 are dropped: one value a channel has the shape (channels,), one for all the shape ().

        Raises:
            GraphError: The constant does not fit, or would enlarge the tensor.
        """
        array = value.reshape((1,) * (len(self.shape) - value.ndim) + value.shape)
        if array.ndim > len(self.shape) or any(a not in (1, b) for a, b in zip(array.shape, self.shape, strict=True)):
            raise GraphError(f"expected a constant that broadcasts against {self.shape}, got shape {value.shape}")
        rest = [axis for axis in range(array.ndim) if axis not in self.layout]
        array = array.transpose(*rest, *self.layout)
        while array.ndim and array.shape[0] == 1:
            array = array[0]
        return np.array(array, np.float32, order="C")


class Builder:
    """Nodes so far, under provisional names, and which node of the file each comes from.

    Attributes:
        nodes: The nodes by name, in order.
        shapes: Their shapes.
        origins: For each, an identifier of where it comes from, as given to `add`.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.shapes: dict[str, Shape] = {}
        self.origins: dict[str, str] = {}

    def add(self, op: Op, *sources: str, origin: str) -> str:
        """Append a node and return its name.

        Raises:
            GraphError: The inputs do not fit the op.
        """
        name = f"n{len(self.nodes)}"
        self.shapes[name] = op.infer(*(self.shapes[source] for source in sources))
        self.nodes[name] = Node(name, op, sources)
        self.origins[name] = origin
        return name

    def align(self, tensor: Tensor, layout: Layout, origin: str) -> Tensor:
        """Return the same tensor in another layout, which has all its long axes.

        Raises:
            GraphError: It has not.
        """
        if tensor.layout == layout:
            return tensor
        node, current = tensor.node, tensor.layout
        wanted = tuple(axis for axis in layout if tensor.shape[axis] > 1)
        if sorted(wanted) != sorted(tensor.long_axes):
            raise GraphError(f"axes {tensor.long_axes} of a tensor of shape {tensor.shape} do not fit into {layout}")
        if wanted != tensor.long_axes:
            same_axes = sorted(current) == sorted(layout)
            order = layout if same_axes else (*(a for a in current if tensor.shape[a] == 1), *wanted)
            node = self.add(Permute(tuple(current.index(axis) for axis in order)), node, origin=origin)
        moved = Tensor(node, layout, tensor.shape)
        return Tensor(self._shaped(node, moved.stored, origin), layout, tensor.shape)

    def reshape(self, tensor: Tensor, shape: Shape, origin: str) -> Tensor:
        """Return the tensor with its elements, read in the file's order, in another shape.

        Axes that are split or joined among themselves, such as channels into groups, stay where they are stored.

        Raises:
            GraphError: The numbers of elements differ, or there is no axis.
        """
        if prod(shape) != prod(tensor.shape) or not shape:
            raise GraphError(f"cannot reshape {tensor.shape} to {shape}")
        if shape == tensor.shape:
            return tensor
        parts = blocks(tensor.shape, shape)
        block_of = {axis: number for number, (axes, _) in enumerate(parts) for axis in axes}
        order = _grouped(tensor.long_axes, block_of)
        if order != tensor.long_axes:
            short = tuple(axis for axis in tensor.layout if tensor.shape[axis] == 1)
            tensor = self.align(tensor, (*short, *order), origin)
        visited = list(dict.fromkeys(block_of[axis] for axis in order))
        long_axes = tuple(axis for number in visited for axis in parts[number][1])
        layout = _relabelled(tensor, shape, long_axes) or _natural(shape, long_axes)
        result = Tensor(tensor.node, layout, shape)
        return Tensor(self._shaped(tensor.node, result.stored, origin), layout, shape)

    def _shaped(self, node: str, shape: Shape, origin: str) -> str:
        return node if self.shapes[node] == shape else self.add(Reshape(shape), node, origin=origin)


def with_axes(layout: Layout, axes: Iterable[int]) -> Layout:
    """Return a layout with further axes of size 1: each after the axis before it in the file, but never the last."""
    for axis in sorted(axes):
        place = layout.index(axis - 1) + 1 if axis - 1 in layout else 0
        place = 0 if place == len(layout) else place
        layout = (*layout[:place], axis, *layout[place:])
    return layout


def blocks(old: Shape, new: Shape) -> list[tuple[list[int], list[int]]]:
    """Return the smallest groups of neighbouring axes that a reshape turns into each other; axes of size 1 left out."""
    sources, targets = ([axis for axis, size in enumerate(shape) if size > 1] for shape in (old, new))
    found: list[tuple[list[int], list[int]]] = []
    while sources:
        left, right = [sources.pop(0)], [targets.pop(0)]
        while prod(old[a] for a in left) != prod(new[a] for a in right):
            if prod(old[a] for a in left) < prod(new[a] for a in right):
                left.append(sources.pop(0))
            else:
                right.append(targets.pop(0))
        found.append((left, right))
    return found


def _grouped(axes: Layout, block_of: dict[int, int]) -> Layout:
    """The axes with those of one block together and in the file's order, blocks in the order in which they appear."""
    visited = dict.fromkeys(block_of[axis] for axis in axes)
    return tuple(axis for number in visited for axis in sorted(a for a in axes if block_of[a] == number))


def _relabelled(tensor: Tensor, shape: Shape, long_axes: Layout) -> Layout | None:
    """A layout of the new shape in which the node can stay as it is, or None."""
    remaining = list(long_axes)
    short = [axis for axis, size in enumerate(shape) if size == 1]
    short = short[1:] if short[:1] == [0] and len(shape) > 1 else short
    layout: list[int] = []
    for size in tensor.stored:
        pool = short if size == 1 else remaining
        if not pool or shape[pool[0]] != size:
            return None
        layout.append(pool.pop(0))
    return None if remaining else tuple(layout)


def _natural(shape: Shape, long_axes: Layout) -> Layout:
    """All axes of the new shape but the batch if they are in the file's order; otherwise the long ones alone."""
    if list(long_axes) != sorted(long_axes):
        return long_axes
    return tuple(axis for axis in range(len(shape)) if axis or shape[0] > 1 or len(shape) == 1)
