"""A network and its graph on the same samples."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

TOLERANCE = 1e-4
"""Largest deviation of an output, relative to the largest output."""


def compared(frontend: Any, model: Any, x: np.ndarray, expected: Any = None) -> dict[str, Any]:
    """Return the numbers of a line: how far the graph's outputs are from the model's.

    Args:
        frontend: What reads the model.
        model: A model object or file.
        x: Samples, channels last.
        expected: What the model answers; asked from its own library unless given.
    """
    from snntoolbox import evaluate
    from snntoolbox.ir.evaluate import max_relative_deviation

    start = time.perf_counter()
    graph = frontend.parse(model)
    seconds = time.perf_counter() - start
    if expected is None:
        expected = frontend.reference_outputs(model, x, batch_size=2)
    deviation = max_relative_deviation(expected, evaluate(graph, x, batch_size=2))
    first = expected[0] if isinstance(expected, list) else expected
    spread = float(np.std(np.asarray(first)))
    return {
        "deviation": deviation,
        "input": "x".join(map(str, graph.shapes[graph.inputs[0]])),
        "nodes": len(graph.nodes),
        "parameters": graph.num_parameters(),
        "parse_seconds": seconds,
        "output_spread": spread,
        "passed": bool(deviation <= TOLERANCE and np.isfinite(spread) and spread > 1e-4),
    }
