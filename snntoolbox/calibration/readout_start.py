"""When the output of a spiking network begins to say something about the sample: the automatic start of the read-out.

Source: Bu et al. 2025, "Inference-scale complexity in ANN-SNN conversion" (delayed evaluation). The first spike of a
layer comes when its potential has risen from where it starts to the threshold, at the earliest after
``(threshold - V(0)) / z`` steps for the largest mean charge z that a neuron gets.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from snntoolbox.ir import Graph
from snntoolbox.ir.evaluate import Evaluator
from snntoolbox.ir.ops import Spiking
from snntoolbox.ir.samples import Samples, named_samples

__all__ = ["LEAST_READ", "READOUT_START", "readout_start"]

READOUT_START = "readout_start"
"""Attribute of a converted graph: step after which outputs are read (delayed read-out)."""
LEAST_READ = 4
"""Steps that are read at least, however short the run."""


def readout_start(normalized: Graph, spiking: Graph, x: Samples, *, batch_size: int = 64) -> int:
    """Return the step after which outputs should be read.

    It is the sum over layers of ``(threshold - V(0)) / max_i mean_x a_i``, a_i being the activations, along the longest
    way from an entrance to an output, rounded up. Means of threshold and V(0) are taken where neurons differ. The
    potential of a clamped layer begins to rise when the clamp opens.

    Args:
        normalized: The network whose activations rates should be.
        spiking: The spiking network.
        x: Samples, as for `snntoolbox.ir.evaluate.evaluate`.
        batch_size: Samples whose activations are computed at a time.
    """
    layers = [name for name in spiking.neurons if name in normalized and _rise(spiking[name].op) > 0]
    largest = _largest_means(normalized, layers, x, batch_size)
    after: dict[str, float] = {}
    for node in spiking.nodes:
        before = max((after[source] for source in node.inputs), default=0.0)
        if isinstance(node.op, Spiking):
            before = max(before, float(getattr(node.op.model, "clamp_steps", 0)))
        peak = largest.get(node.name, 0.0)
        after[node.name] = before + (_rise(node.op) / peak if peak > 0 else 0.0)
    return math.ceil(max(after[name] for name in spiking.outputs) - 1e-9)


def _rise(op: Any) -> float:
    """Return how far potentials have to rise until the first spike; 0 for what has no threshold."""
    model = op.model if isinstance(op, Spiking) else None
    threshold = getattr(model, "threshold", None)
    if threshold is None:
        return 0.0
    return max(float(np.mean(threshold)) - float(np.mean(getattr(model, "initial_potential", 0.0))), 0.0)


def _largest_means(graph: Graph, layers: list[str], x: Samples, batch_size: int) -> dict[str, float]:
    if not layers:
        return {}
    arrays = named_samples({name: graph.shapes[name] for name in graph.inputs}, x)
    count = len(next(iter(arrays.values())))
    evaluator, sums = Evaluator(graph, layers), dict.fromkeys(layers, np.zeros(()))
    for start in range(0, count, batch_size):
        values = evaluator({name: array[start : start + batch_size] for name, array in arrays.items()})
        sums = {name: total + values[name].sum(axis=0, dtype=np.float64) for name, total in sums.items()}
    return {name: float(np.max(total)) / count for name, total in sums.items()}
