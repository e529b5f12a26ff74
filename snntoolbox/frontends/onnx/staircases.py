"""Activations that a network was trained to round: clip, multiply, add a half, floor, divide, in any of two orders.

Source: Bu et al. 2022, "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural networks"
(QCFS).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snntoolbox.errors import Problem, UnsupportedError
from snntoolbox.frontends.onnx.calls import Call
from snntoolbox.frontends.onnx.layout import Tensor
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Affine, Op, Relu, Shape

__all__ = ["floor", "refuse_floors", "staircase"]

_HALF = 1e-4
"""Largest deviation of what is added before the floor from a half, and of the number of levels from a whole one."""
_HINT = "Only clip(floor(x + 1/2), 0, n) and floor(n clip(x, 0, 1) + 1/2), of QCFS, are rounded rectifiers."


@dataclass(frozen=True, eq=False)
class _Floor(Op):
    """floor(x), until a clip follows."""

    def infer(self, *inputs: Shape) -> Shape:
        """Return the input shape."""
        return inputs[0]


def floor(call: Call) -> Tensor:
    """The floor of a clipped value and a half is a rounded rectifier; another one waits for its clip."""
    x = call.tensor()
    scale, shift, before = _affine_before(call, x)
    op = call.builder.nodes[before].op
    if isinstance(op, Relu) and op.levels is None and not op.leaky and isinstance(op.max_value, float):
        levels = _levels(scale * op.max_value, shift)
        if levels:
            return _rounded(call, x, call.builder.nodes[before].inputs[0], op.max_value, levels)
    return call.unary(_Floor())


def staircase(call: Call, x: Tensor, high: float) -> Tensor | None:
    """Return the rounded rectifier that a clip to [0, high] of a floor is; None if x is no such floor."""
    node = call.builder.nodes[x.node]
    if not isinstance(node.op, _Floor):
        return None
    scale, shift, before = _affine_before(call, Tensor(node.inputs[0], x.layout, x.shape))
    levels = _levels(high, shift)
    if not levels or not scale > 0:
        call.refuse("clips a floor that rounds otherwise.", _HINT)
    return _rounded(call, x, before, levels / scale, levels)


def refuse_floors(graph: Graph) -> None:
    """Refuse floors that are no part of a rounded rectifier.

    Raises:
        UnsupportedError: There are some; all are listed.
    """
    left = [node for node in graph.nodes if isinstance(node.op, _Floor)]
    if left:
        problems = [Problem(f"node {node.name} (Floor)", "cannot be converted.", _HINT) for node in left]
        raise UnsupportedError("the model rounds in a way that is not known:", problems)


def _rounded(call: Call, x: Tensor, source: str, ceiling: float, levels: int) -> Tensor:
    """Return the number of the level: the rounded rectifier of a node, in units of its levels."""
    rectifier = call.builder.add(Relu(ceiling, levels=levels), source, origin=call.origin)
    node = call.builder.add(Affine(np.asarray(levels / ceiling, np.float32)), rectifier, origin=call.origin)
    return Tensor(node, x.layout, x.shape)


def _affine_before(call: Call, x: Tensor) -> tuple[float, float, str]:
    """Return scale, shift and source of the Affines before a node that are the same for all its elements."""
    scale, shift, name = 1.0, 0.0, x.node
    while (
        isinstance(op := call.builder.nodes[name].op, Affine)
        and op.scale.size == 1
        and (op.shift is None or op.shift.size == 1)
    ):
        shift += scale * (0.0 if op.shift is None else op.shift.item())
        scale *= op.scale.item()
        (name,) = call.builder.nodes[name].inputs
    return scale, shift, name


def _levels(number: float, shift: float) -> int | None:
    """Return the number of levels if it is whole, and if values are rounded to the nearest one."""
    levels = round(number)
    return levels if levels >= 1 and abs(number - levels) <= _HALF * levels and abs(shift - 0.5) <= _HALF else None
