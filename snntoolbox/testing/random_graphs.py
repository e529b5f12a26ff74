"""Random networks of the structures that rewrites get wrong: branches, sums, borders, shared layers, more outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import DTypeLike

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.ops import Op, Shape

__all__ = ["random_graph", "random_samples"]


def random_graph(seed: int, *, num_blocks: int = 3, leaky: bool = False, dtype: DTypeLike = np.float64) -> Graph:
    """Return a small network of random structure and random weights, as an ANN.

    Args:
        seed: The same seed gives the same network.
        num_blocks: Number of blocks between input and output; a block is up to seven ops.
        leaky: Whether rectifiers may have a slope for negative inputs.
        dtype: Type of the parameters.
    """
    builder = _Builder(np.random.default_rng(seed), leaky, dtype)
    x = builder.add("input", ops.Input((int(builder.rng.integers(5, 8)), 6, int(builder.rng.integers(1, 4)))))
    for _ in range(num_blocks):
        x = builder.block(x)
    outputs = builder.outputs(x)
    return Graph(tuple(builder.nodes), outputs)


def random_samples(graph: Graph, seed: int, num_samples: int = 8) -> dict[str, np.ndarray]:
    """Return normally distributed samples for each input of a graph, shape (num_samples, *shape), float64."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(num_samples, *graph.shapes[name])) for name in graph.inputs}


class _Builder:
    """Adds ops with random parameters; a block takes the name of a node and returns that of its last one."""

    def __init__(self, rng: np.random.Generator, leaky: bool, dtype: DTypeLike) -> None:
        self.rng, self.leaky, self.dtype = rng, leaky, np.dtype(dtype)
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}

    def add(self, kind: str, op: Op, *inputs: str) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(Node(name, op, inputs))
        self.shapes[name] = op.infer(*(self.shapes[source] for source in inputs))
        return name

    def chance(self, probability: float = 0.5) -> bool:
        return bool(self.rng.random() < probability)

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * self.rng.normal(size=shape)).astype(self.dtype)

    # Ops

    def conv(self, x: str, channels: int | None = None, *, same: bool = False) -> str:
        size_in = self.shapes[x][-1]
        out = channels or int(self.rng.integers(2, 5))
        groups = size_in if size_in == out and self.chance(0.3) else 1
        window = int(self.rng.choice([1, 3])) if same else int(self.rng.integers(1, 4))
        window = min(window, *self.shapes[x][:2])
        before = window // 2 if same else int(self.rng.integers(0, 2))
        after = window - 1 - before if same else int(self.rng.integers(0, 2))
        kernel = self.normal(window, window, size_in // groups, out, scale=(2 * groups / (size_in * window**2)) ** 0.5)
        bias = self.normal(out, scale=0.3) if self.chance() else None
        op = ops.Conv(kernel, bias, padding=((before, after), (before, after)), groups=groups)
        return self.add("conv", op, x)

    def norm(self, x: str, *, positive: bool = False) -> str:
        channels = self.shapes[x][-1]
        scale = self.normal(channels, scale=0.3) + 1 if positive or self.chance() else self.normal(channels)
        scale = (np.abs(scale) + 0.1).astype(self.dtype) if positive else scale
        return self.add("norm", ops.Affine(scale, self.normal(channels, scale=0.5) if self.chance(0.8) else None), x)

    def relu(self, x: str) -> str:
        ceiling = float(self.rng.uniform(0.5, 3)) if self.chance(0.2) else None
        slope = float(self.rng.uniform(0.05, 0.3)) if self.leaky and self.chance(0.3) else 0.0
        return self.add("relu", ops.Relu(ceiling, slope), x)

    def pool(self, x: str) -> str:
        if min(self.shapes[x][:2]) < 4:
            return x
        padding = ((0, 1), (1, 0)) if self.chance(0.3) else ()
        if self.chance():
            return self.add("maxpool", ops.MaxPool((2, 2), padding=padding), x)
        return self.add("avgpool", ops.AveragePool((2, 2), padding=padding, count_padding=self.chance()), x)

    # Blocks

    def block(self, x: str) -> str:
        kinds: list[Callable[[str], str]] = [
            self.plain,
            self.norm_first,
            self.residual,
            self.projection,
            self.linear_branch,
            self.dense_concat,
            self.shared,
            self.pooled,
            self.moved,
        ]
        return kinds[int(self.rng.integers(len(kinds)))](x)

    def plain(self, x: str) -> str:
        x = self.conv(x)
        x = self.norm(x) if self.chance() else x
        return self.relu(self.pool(x) if self.chance(0.3) else x)

    def norm_first(self, x: str) -> str:
        return self.plain(self.pool(self.norm(x, positive=self.chance())))

    def residual(self, x: str) -> str:
        channels = self.shapes[x][-1]
        y = self.relu(self.norm(self.conv(x, channels, same=True)))
        y = self.relu(self.conv(y, channels, same=True)) if self.chance(0.3) else y
        y = self.norm(self.conv(y, channels, same=True))
        return self.relu(self.add("add", ops.Add(), x, y))

    def projection(self, x: str) -> str:
        channels = int(self.rng.integers(2, 5))
        y = self.conv(self.relu(self.conv(x, channels, same=True)), channels, same=True)
        shortcut = self.norm(self.conv(x, channels, same=True))
        total = self.add("add", ops.Add(), y, shortcut)
        return self.relu(self.norm(total) if self.chance(0.3) else total)

    def linear_branch(self, x: str) -> str:
        channels = int(self.rng.integers(2, 5))
        y = self.relu(self.conv(x, channels, same=True))
        return self.relu(self.add("add", ops.Add(), y, self.conv(x, channels, same=True)))

    def dense_concat(self, x: str) -> str:
        y = self.relu(self.conv(x, same=True))
        z = self.conv(x, same=True)
        joined = self.add("concat", ops.Concat(-1), x, y, z)
        return self.relu(self.norm(joined)) if self.chance() else self.plain(joined)

    def shared(self, x: str) -> str:
        y = self.conv(x, same=True)
        a = self.relu(y)
        b = self.conv(y, self.shapes[y][-1], same=True)
        return self.relu(self.add("add", ops.Add(), a, b, y))

    def pooled(self, x: str) -> str:
        return self.relu(self.conv(self.pool(self.relu(self.conv(x)))))

    def moved(self, x: str) -> str:
        height, width, channels = self.shapes[x]
        kind = int(self.rng.integers(5))
        if kind == 0 and max(height, width) < 6:
            x = self.add("up", ops.Upsample((2, 1)), x)
        elif kind == 1:
            x = self.add("pad", ops.Pad(((1, 0), (0, 1), (0, 0))), x)
        elif kind == 2 and channels > 1:
            x = self.add("slice", ops.Slice((0, 0, 1), (height, width, channels), (1, 1, 1)), x)
        elif kind == 3:
            x = self.add("permute", ops.Permute((1, 0, 2)), x)
        else:
            kernel = self.normal(2, 2, channels, 3, scale=(1 / channels) ** 0.5)
            padding = ((1, 0), (0, 1)) if min(height, width) > 2 else ()
            x = self.add("convtranspose", ops.ConvTranspose(kernel, self.normal(3), padding=padding), x)
        return self.plain(x) if self.chance() else x

    def outputs(self, x: str) -> tuple[str, ...]:
        features = x
        if self.chance(0.7):
            x = self.norm(x) if self.chance(0.3) else x
            if self.chance(0.4):
                x = self.add("globalpool", ops.AveragePool(self.shapes[x][:2]), x)
            x = self.add("flatten", ops.Reshape((int(np.prod(self.shapes[x])),)), x)
            x = self.dense(self.relu(self.dense(x, 5)) if self.chance() else x, 4)
            x = self.norm(x) if self.chance(0.3) else x
        else:
            x = self.conv(x)
        kind = int(self.rng.integers(4))
        tail: tuple[Op, ...] = (ops.Softmax(), ops.Activation("sigmoid"), ops.Relu())
        x = self.add("out", tail[kind], x) if kind < 3 else x
        return (x, features) if self.chance(0.2) and features != self.nodes[0].name else (x,)

    def dense(self, x: str, units: int) -> str:
        size_in = self.shapes[x][-1]
        weight = self.normal(size_in, units, scale=(2 / size_in) ** 0.5)
        return self.add("dense", ops.Dense(weight, self.normal(units, scale=0.3) if self.chance() else None), x)
