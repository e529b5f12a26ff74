"""Rates of layers over the steps in which they are free to fire: what is compared with activations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.record import Record
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking

__all__ = ["free_rates", "free_steps"]


def free_steps(graph: Graph, name: str, num_steps: int) -> int:
    """Return in how many of the steps a layer of neurons is not clamped; at least 1."""
    op = graph[name].op
    clamped = int(getattr(op.model, "clamp_steps", 0)) if isinstance(op, Spiking) else 0
    return max(num_steps - clamped, 1)


def free_rates(graph: Graph, record: Record, name: str) -> NDArray[Any]:
    """Return the mean message of the neurons of a layer, shape (batch, *shape), over its free steps.

    Args:
        graph: The spiking network.
        record: What it did.
        name: Layer of neurons.
    """
    return np.asarray(record.rates(name) * (record.num_steps / free_steps(graph, name, record.num_steps)))
