"""Values of a graph in float64 NumPy: what rewrites are compared by, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.kernels import apply_op
from snntoolbox.ir import Graph, ops

__all__ = ["node_values"]


def node_values(graph: Graph, samples: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
    """Return the value of each node of an ANN's graph, shape (num_samples, *shape).

    Args:
        graph: A graph without neurons.
        samples: Input node -> samples, shape (num_samples, *shape).
    """
    values: dict[str, NDArray[np.float64]] = {}
    for node in graph.nodes:
        if isinstance(node.op, ops.Input):
            values[node.name] = np.asarray(samples[node.name], np.float64)
        else:
            values[node.name] = apply_op(node.op, *(values[source] for source in node.inputs))
    return values
