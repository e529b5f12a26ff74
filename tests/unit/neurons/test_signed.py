"""Neurons with negative spikes against numbers worked out by hand, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snntoolbox.errors import GraphError
from snntoolbox.neurons import Clock, SignedIntegrateAndFire


def run(model, currents):
    """Return messages and potentials for currents of shape (steps, neurons)."""
    state = model.init_state((1, currents.shape[1]))
    messages, potentials = [], []
    for step, current in enumerate(currents, start=1):
        emission, state = model.step(state, current[None], Clock(step))
        np.testing.assert_array_equal(emission.spikes, emission.message != 0)
        messages.append(emission.message[0])
        potentials.append(state["potential"][0])
    return np.array(messages), np.array(potentials)


def test_spikes_of_either_sign_follow_the_rectified_sum():
    model = SignedIntegrateAndFire(negative_slope=0.5, initial_potential=0.5)
    messages, potentials = run(model, np.array([[0.75], [-2.75], [-1.0], [0.5], [3.5]]))
    # running sums 0.75, -2, -3, -2.5, 1, rectified 0.75, -1, -1.5, -1.25, 1
    assert messages[:, 0].tolist() == [1, -1, -1, 0, 1]
    assert potentials[:, 0].tolist() == [0.25, -0.5, 0.0, 0.25, 1.5]


def test_without_an_initial_potential_thresholds_are_symmetric():
    model = SignedIntegrateAndFire(negative_slope=1.0)
    assert run(model, np.array([[-1.0], [-0.25], [1.25], [1.0]]))[0][:, 0].tolist() == [0, -1, 1, 1]


def test_thresholds_amplitudes_and_slopes_may_differ_by_channel():
    model = SignedIntegrateAndFire(np.array([1.0, 2.0]), np.array([3.0, 5.0]), np.array([1.0, 2.0]))
    messages, _ = run(model, np.full((2, 2), -1.25))
    assert messages.tolist() == [[-3.0, -5.0], [-3.0, -5.0]]


def test_a_clamp_discards_the_first_inputs():
    model = SignedIntegrateAndFire(negative_slope=1.0, initial_potential=0.5, clamp_steps=2)
    messages, potentials = run(model, np.array([[9.0], [-9.0], [0.25], [0.25]]))
    assert messages[:, 0].tolist() == [0, 0, 0, 1]
    assert potentials[:, 0].tolist() == [0.5, 0.5, 0.75, 0.0]


@given(
    arrays(np.float64, (60, 3), elements=st.floats(-1, 1)),
    st.floats(-1, 1),
    st.floats(0.5, 2),
    st.sampled_from([0.0, 0.5]),
)
def test_the_mean_message_is_the_rectifier_of_the_mean_input(currents, slope, threshold, start):
    """For any input with |f'(S) z| <= threshold at every step, constant or not."""
    currents = currents * threshold
    model = SignedIntegrateAndFire(threshold, None, slope, start * threshold)
    messages, _ = run(model, currents)
    sums = currents.cumsum(axis=0)
    expected = np.maximum(sums, 0) + slope * np.minimum(sums, 0)
    assert np.abs(messages.cumsum(axis=0) - expected).max() <= threshold * (1 - start) + 1e-9


def test_margins_are_distances_from_the_nearer_threshold():
    model = SignedIntegrateAndFire(negative_slope=0.5, initial_potential=0.5)
    margin = model.margin(model.init_state((1, 3)), np.array([[0.375, 0.1, -0.5]]))
    np.testing.assert_allclose(margin, [[0.125, 0.4, 0.25]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 0.0}, "threshold must be > 0, got 0.0"),
        ({"negative_slope": np.array([0.1, np.inf])}, "negative_slope must be finite"),
        ({"initial_potential": 1.0}, "initial_potential must be below the threshold"),
        ({"clamp_steps": -1}, "clamp_steps must be >= 0, got -1"),
    ],
)
def test_wrong_parameters_are_named(options, message):
    with pytest.raises(GraphError, match=message):
        SignedIntegrateAndFire(**options)
