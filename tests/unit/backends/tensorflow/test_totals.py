"""Sums over a sample, in two parts."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from snntoolbox.backends.tensorflow.totals import partial_shape, partial_sums


@pytest.mark.parametrize(
    ("shape", "left"), [((24, 5, 3), (6, 5, 3)), ((6, 2), (2, 2)), ((7, 4), (7, 4)), ((10,), (5,)), ((1,), (1,))]
)
def test_parts_sum_up_to_the_whole(shape: tuple[int, ...], left: tuple[int, ...]) -> None:
    x = np.arange(3 * np.prod(shape), dtype=np.float64).reshape(3, *shape)
    parts = partial_sums(tf.constant(x)).numpy()
    assert partial_shape(shape) == left
    assert parts.shape == (3, *left)
    np.testing.assert_array_equal(parts.reshape(3, -1).sum(axis=1), x.reshape(3, -1).sum(axis=1))
