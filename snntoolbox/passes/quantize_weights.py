"""Weights of low precision, in a fixed-point format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snntoolbox.codes.fixed_point import FixedPoint
from snntoolbox.ir import Graph
from snntoolbox.ir.edit import replace_ops
from snntoolbox.passes.absorb import WEIGHTED
from snntoolbox.passes.base import Pass, Preserves

__all__ = ["QuantizeWeights"]


@dataclass(frozen=True)
class QuantizeWeights(Pass):
    """Round weights and biases to numbers with a fixed point.

    Before: weights of any value. After: multiples of 2^-f, at most 2^m - 2^-f in size, for the format Qm.f. Why: to see
    what a network loses on hardware with few bits (Rueckauer 2020, section 2.3.3.3). It comes after batch normalisation
    is folded, since these are the weights that hardware holds. The function changes: measure what is lost, or train the
    network with weights of this precision.

    Attributes:
        format: Qm.f, such as ``Q1.6``.

    Raises:
        ConversionError: When called: the format is none.
    """

    name: ClassVar[str] = "quantize_weights"
    preserves: ClassVar[Preserves | None] = None

    format: str

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with rounded weights."""
        number = FixedPoint.parse(self.format)
        return replace_ops(
            graph,
            {
                node.name: node.op.replace(**{n: _rounded(w, number) for n, w in node.op.parameters().items()})
                for node in graph.nodes
                if isinstance(node.op, WEIGHTED)
            },
        )


def _rounded(values: NDArray[Any], number: FixedPoint) -> NDArray[Any]:
    steps = np.round(values.astype(np.float64) / number.unit) * number.unit
    return np.clip(steps, -number.largest, number.largest).astype(values.dtype)
