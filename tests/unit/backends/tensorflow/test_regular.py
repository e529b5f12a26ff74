"""Regular layers: the formula gives what the neurons do step by step."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from snntoolbox.backends.tensorflow.regular import clipped, regular_count, regular_potential
from snntoolbox.neurons import Clock, IntegrateAndFire

CHARGE = np.array([[-3.0, -0.125, 0.0, 0.03125, 0.375, 0.5, 0.75, 0.984375, 1.0, 1.5, 40.0, 0.25]])


def step_by_step(model: IntegrateAndFire, charge: np.ndarray, num_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return spike count and potential after the steps, from the neurons' definition."""
    state, count = model.init_state(charge.shape), np.zeros(charge.shape)
    for step in range(1, num_steps + 1):
        emission, state = model.step(state, charge, Clock(step))
        count += emission.spikes
    return count, np.asarray(state["potential"])


def formula(model: IntegrateAndFire, charge: np.ndarray, num_steps: int) -> tuple[np.ndarray, np.ndarray]:
    z, step = tf.constant(charge, tf.float32), tf.constant(num_steps)
    count = regular_count(model, clipped(model, z), step)
    return count.numpy(), regular_potential(model, z, count, step).numpy()


@pytest.mark.parametrize(
    "model",
    [
        IntegrateAndFire(),
        IntegrateAndFire(initial_potential=0.5),
        IntegrateAndFire(threshold=0.25, initial_potential=0.125),
        IntegrateAndFire(threshold=0.75, initial_potential=0.375),
        IntegrateAndFire(threshold=np.array([0.75, 1, 3, 1.25, 2, 0.5, 6, 1, 1, 1, 0.375, 5])),
        IntegrateAndFire(threshold=2.0, initial_potential=np.linspace(0, 1.75, 12).round(2)),
    ],
    ids=str,
)
def test_equals_the_neurons_where_sums_are_exact(model: IntegrateAndFire) -> None:
    start = np.round(np.asarray(model.initial_potential) * 64) / 64
    model = IntegrateAndFire(threshold=model.threshold, initial_potential=start)
    for num_steps in (0, 1, 2, 3, 17, 1000):
        count, potential = step_by_step(model, CHARGE, num_steps)
        received = formula(model, CHARGE, num_steps)
        np.testing.assert_array_equal(received[0], count)
        np.testing.assert_array_equal(received[1], potential)


def test_division_stays_exact_when_compiled() -> None:
    # XLA replaces a division by a number that it knows by a product with the reciprocal; 41 * (1 / 41) < 1 in float32.
    model = IntegrateAndFire(threshold=41.0)
    compiled = tf.function(lambda c, step: regular_count(model, c, step), jit_compile=True, autograph=False)
    counts = [int(compiled(tf.constant([1.0]), tf.constant(step))[0]) for step in range(0, 1000, 41)]
    assert counts == list(range(25))


@given(
    charge=st.floats(-2, 3, width=32),
    threshold=st.floats(0.0625, 4, width=32),
    start=st.floats(0, 0.984375, width=32),
    num_steps=st.integers(1, 400),
)
def test_close_to_the_neurons_on_any_numbers(charge: float, threshold: float, start: float, num_steps: int) -> None:
    model = IntegrateAndFire(threshold=threshold, initial_potential=start * threshold)
    value = np.array([[charge]])
    count, _ = step_by_step(model, value, num_steps)
    received = formula(model, value, num_steps)[0]
    # At most a spike that is due in the last step is early or late, and only at a tie.
    passed = (start * threshold + num_steps * np.clip(charge, 0, threshold)) / threshold
    tied = abs(passed - np.round(passed)) < 1e-4
    assert abs(received - count).max() <= (1 if tied else 0)
