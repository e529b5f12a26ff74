"""The noise of the TensorFlow backend is the toolbox's noise, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from snntoolbox.backends.tensorflow import noise as tf_noise
from snntoolbox.neurons import noise


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("shape", [(), (7,), (3, 2, 5)])
def test_equal_bits(shape: tuple[int, ...], compiled: bool) -> None:
    ids = np.array([0, 1, 5, 2**31, 2**32 - 1])
    draw = tf.function(tf_noise.uniform, jit_compile=compiled, autograph=False)
    for seed, stream in ((0, "input"), (12345678901234567890, "conv/ä")):
        key = noise.stream_key(seed, stream)
        for step in (1, 2, 70000):
            drawn = draw(key, tf.constant(ids.astype(np.uint32)), tf.constant(step), shape).numpy()
            expected = noise.uniform(key, ids, step, shape)
            assert drawn.dtype == np.float32
            np.testing.assert_array_equal(drawn, expected)


def test_mix_equals_the_definition() -> None:
    x = np.random.default_rng(0).integers(0, 2**32, 1000, dtype=np.uint32)
    np.testing.assert_array_equal(tf_noise.mix(tf.constant(x)).numpy(), noise.mix(x))
