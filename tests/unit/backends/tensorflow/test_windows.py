"""Pooling by slices against the definition."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.reference.pooling import MaxPoolState
from snntoolbox.backends.tensorflow.windows import average_pool, max_pool, pick_winner
from snntoolbox.ir import ops

WINDOWS = [
    ((2, 2), (2, 2), ((0, 0), (0, 0))),
    ((3, 2), (1, 2), ((1, 1), (0, 1))),
    ((2, 3), (3, 2), ((1, 0), (2, 0))),
    ((7, 6), (7, 6), ((0, 0), (0, 0))),
    ((1, 1), (2, 2), ((0, 0), (0, 0))),
]


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return np.round(rng.normal(size=(3, 7, 6, 4)) * 8) / 8


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("pool", "strides", "padding"), WINDOWS)
def test_maximum_and_mean(x, pool, strides, padding, compiled):
    for op, function in (
        (ops.MaxPool(pool, strides, padding), max_pool),
        (ops.AveragePool(pool, strides, padding), average_pool),
        (ops.AveragePool(pool, strides, padding, count_padding=True), average_pool),
    ):
        run = tf.function(lambda value, op=op, f=function: f(op, value), jit_compile=compiled, autograph=False)
        np.testing.assert_allclose(run(tf.constant(x)).numpy(), apply_op(op, x), rtol=1e-14, atol=1e-14)


def test_one_and_three_axes(x):
    op = ops.AveragePool((3,), (2,), ((1, 1),))
    flat = x.reshape(3, 42, 4)
    np.testing.assert_allclose(average_pool(op, tf.constant(flat)).numpy(), apply_op(op, flat), rtol=1e-14)
    cube, op = x.reshape(3, 7, 3, 2, 4), ops.MaxPool((2, 2, 1), (2, 1, 1))
    np.testing.assert_array_equal(max_pool(op, tf.constant(cube)).numpy(), apply_op(op, cube))


@pytest.mark.parametrize(("pool", "strides", "padding"), WINDOWS)
def test_winner_is_the_reference_s_ties_included(x, pool, strides, padding, rng):
    op = ops.SpikingMaxPool(pool, strides, padding, "avg_max")
    reference = MaxPoolState(op)
    estimate = np.zeros_like(x)
    for step in range(1, 5):
        spikes = (rng.random(x.shape) < 0.4).astype(float)  # equal counts are frequent
        estimate += spikes
        received = pick_winner(op, tf.constant(estimate), tf.constant(spikes)).numpy()
        np.testing.assert_array_equal(received, reference.step(spikes, step))
