"""Evaluation in TensorFlow gives what the NumPy kernels give, for networks of random structure."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from snntoolbox.ir.evaluate import evaluate
from snntoolbox.testing import random_graph, random_samples
from snntoolbox.testing.evaluation import node_values


@settings(max_examples=15)
@given(st.integers(0, 10**6))
@example(2)  # a depthwise convolution with explicit padding, bias and sigmoid: TensorFlow's optimiser aborted
def test_tensorflow_agrees_with_numpy(seed):
    graph = random_graph(seed, leaky=True)
    samples = random_samples(graph, seed)
    expected = node_values(graph, samples)
    received = evaluate(graph, samples, nodes=tuple(graph.shapes), dtype="float64")
    for name in graph.shapes:
        np.testing.assert_allclose(received[name], expected[name], rtol=0, atol=1e-12 * np.abs(expected[name]).max())
    for name, values in evaluate(graph, samples, nodes=graph.outputs, dtype="float64").items():
        np.testing.assert_allclose(values, expected[name], rtol=0, atol=1e-12 * np.abs(expected[name]).max())
