"""Tools for tests of the Keras frontend."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.ir.evaluate import evaluate, max_relative_deviation


def set_random_weights(model, rng):
    """Give every weight a value that matters; biases and batch-norm statistics too."""
    for weight in model.weights:
        positive = "variance" in weight.path or "gamma" in weight.path
        scale = 1 / np.sqrt(max(1, np.prod(weight.shape[:-1])))
        weight.assign(rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(scale=scale, size=weight.shape))


def samples(model, rng, count=3, missing=8):
    """One array for each input of the model; open sizes become ``missing``."""
    return [rng.normal(size=(count, *(size or missing for size in tensor.shape[1:]))) for tensor in model.inputs]


@pytest.fixture
def randomise(rng):
    """Return a function that gives a model random weights and returns it."""

    def change(model):
        set_random_weights(model, rng)
        return model

    return change


@pytest.fixture
def assert_same(rng, randomise):
    """Return a function that parses a model and compares it with Keras's own answer; it returns the graph."""

    def check(model, *, keep_weights=False, tolerance=1e-5, **options):
        if not keep_weights:
            randomise(model)
        graph = KerasFrontend(**options).parse(model)
        x = [array.astype(np.float32) for array in samples(model, rng)]
        answer = model(x[0] if len(x) == 1 else x, training=False)
        expected = [np.asarray(y) for y in (answer if isinstance(answer, list | tuple) else [answer])]
        values = evaluate(graph, dict(zip(graph.inputs, x, strict=True)), nodes=graph.outputs)
        assert max_relative_deviation(expected, values) <= tolerance
        return graph

    return check
