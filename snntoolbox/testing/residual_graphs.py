"""Small residual networks with random weights, of every kind of block, shortcut, stem and place of the rectifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.ops import Op, Shape

__all__ = ["ResidualKind", "residual_graph"]


@dataclass(frozen=True)
class ResidualKind:
    """What a residual network looks like.

    Attributes:
        block: Two convolutions of 3x3, or 1x1, 3x3 and 1x1 with a narrower one in the middle (He et al. 2015).
        relu: Behind the sum; before it, on the branch with convolutions; or before each convolution.
        projection: Whether every second shortcut is a strided 1x1 convolution with batch norm; all are identities
            otherwise.
        stem: Whether max-pooling follows the first convolution.
    """

    block: Literal["basic", "bottleneck"] = "basic"
    relu: Literal["after", "before", "first"] = "after"
    projection: bool = False
    stem: bool = False


def residual_graph(seed: int, kind: ResidualKind, *, num_blocks: int = 2) -> Graph:
    """Return a residual network with random weights, as an ANN with outputs of 4 classes.

    Args:
        seed: The same seed gives the same network.
        kind: What it looks like.
        num_blocks: Number of blocks.
    """
    builder = _Builder(np.random.default_rng(seed), kind)
    x = builder.add("x", ops.Input((8, 8, 2)))
    x = builder.add("stem_relu", ops.Relu(), builder.conv("stem", x, 4, 3))
    x = builder.add("stem_pool", ops.MaxPool((2, 2)), x) if kind.stem else x
    for number in range(num_blocks):
        x = builder.block(f"b{number}", x, project=kind.projection and number % 2 == 1)
    x = builder.add("last_relu", ops.Relu(), x) if kind.relu == "first" else x
    x = builder.add("pool", ops.AveragePool(builder.shapes[x][:2]), x)
    x = builder.add("flat", ops.Reshape(builder.shapes[x][-1:]), x)
    builder.add("classes", ops.Dense(builder.normal(builder.shapes[x][-1], 4), builder.normal(4)), x)
    return Graph(tuple(builder.nodes), ("classes",))


class _Builder:
    """Adds ops with random parameters; every method takes and returns names of nodes."""

    def __init__(self, rng: np.random.Generator, kind: ResidualKind) -> None:
        self.rng, self.kind = rng, kind
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}

    def add(self, name: str, op: Op, *inputs: str) -> str:
        self.nodes.append(Node(name, op, inputs))
        self.shapes[name] = op.infer(*(self.shapes[source] for source in inputs))
        return name

    def normal(self, *shape: int, scale: float = 0.5) -> np.ndarray:
        return self.rng.normal(size=shape, scale=scale)

    def conv(self, name: str, x: str, channels: int, window: int, strides: int = 1) -> str:
        """Convolution and batch norm that keep the size of values roughly."""
        size_in = self.shapes[x][-1]
        kernel = self.normal(window, window, size_in, channels, scale=(2 / (size_in * window**2)) ** 0.5)
        padding = ((window // 2, window // 2),) * 2
        x = self.add(name, ops.Conv(kernel, strides=(strides, strides), padding=padding), x)
        scale, shift = self.rng.uniform(0.5, 2, channels), self.normal(channels, scale=0.2)
        return self.add(f"{name}_norm", ops.Affine(scale, shift), x)

    def block(self, name: str, x: str, project: bool) -> str:
        channels, strides = (6, 2) if project else (self.shapes[x][-1], 1)
        windows: tuple[tuple[int, int], ...] = ((3, channels), (3, channels))
        if self.kind.block == "bottleneck":
            windows = ((1, 2), (3, 2), (1, channels))
        y = x
        for number, (window, size) in enumerate(windows):
            first = self.kind.relu == "first"
            y = self.add(f"{name}_relu{number}", ops.Relu(), y) if first or number else y
            y = self.conv(f"{name}_conv{number}", y, size, window, strides if number == 0 else 1)
        y = self.add(f"{name}_inner", ops.Relu(), y) if self.kind.relu == "before" else y
        shortcut = self.conv(f"{name}_shortcut", x, channels, 1, strides) if project else x
        y = self.add(f"{name}_sum", ops.Add(), y, shortcut)
        return self.add(f"{name}_out", ops.Relu(), y) if self.kind.relu == "after" else y
