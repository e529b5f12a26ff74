"""The contract of a frontend as one function: the graph computes what the model computes."""

from __future__ import annotations

from typing import Any

import numpy as np

from snntoolbox.errors import ConformanceError
from snntoolbox.frontends.base import Frontend
from snntoolbox.ir import Graph
from snntoolbox.ir.evaluate import evaluate, max_relative_deviation
from snntoolbox.ir.ops import Input, Spiking

__all__ = ["check_frontend"]


def check_frontend(frontend: Frontend, model: Any, *, num_samples: int = 4, tolerance: float = 1e-4) -> Graph:
    """Check what a frontend makes of a model, and return the graph.

    The model is accepted; parsing it twice gives the same graph; the graph has no neurons; its outputs are the model's
    own on random samples.

    Args:
        frontend: The frontend, with its options.
        model: A loaded model, or a file.
        num_samples: Number of random samples, normally distributed.
        tolerance: Largest deviation of an output, relative to its largest value.

    Raises:
        ConformanceError: The contract is broken; the message says where.
    """
    loaded = frontend.load(model) if isinstance(model, str) or hasattr(model, "__fspath__") else model
    if not frontend.accepts(loaded):
        raise ConformanceError(f"frontend '{frontend.name}': accepts() refuses a model that it is asked to parse")
    graph, again = frontend.parse(loaded), frontend.parse(loaded)
    if not graph.equals(again):
        raise ConformanceError(f"frontend '{frontend.name}': parsing one model twice gives two different graphs")
    if graph.neurons or any(isinstance(node.op, Spiking) for node in graph.nodes):
        raise ConformanceError(f"frontend '{frontend.name}': expected an ANN, got layers of neurons {graph.neurons}")
    rng = np.random.default_rng(0)
    entrances = [node.name for node in graph.nodes if isinstance(node.op, Input)]
    x = {name: rng.normal(size=(num_samples, *graph.shapes[name])).astype(np.float32) for name in entrances}
    expected = frontend.reference_outputs(loaded, x)
    received = evaluate(graph, x, nodes=graph.outputs)
    listed = list(expected) if isinstance(expected, list) else [expected]
    if len(listed) != len(graph.outputs):
        raise ConformanceError(
            f"frontend '{frontend.name}': the model has {len(listed)} outputs, the graph {len(graph.outputs)}"
        )
    deviation = max_relative_deviation(listed, [received[name] for name in graph.outputs])
    if not deviation <= tolerance:
        raise ConformanceError(
            f"frontend '{frontend.name}': outputs deviate by {deviation:.3g} of their largest value, expected at most "
            f"{tolerance:.3g}"
        )
    return graph
