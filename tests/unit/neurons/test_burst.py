"""Bursts: several spikes in one step."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.errors import GraphError
from snntoolbox.neurons import BurstIntegrateAndFire, Clock


def run(model, currents):
    """Return messages, spikes and potentials of one neuron for a list of input charges."""
    state, rows = model.init_state((1, 1)), []
    for step, current in enumerate(currents, start=1):
        emission, state = model.step(state, np.array([[current]]), Clock(step))
        rows.append((emission.message.item(), emission.spikes.item(), state["potential"].item()))
    return [list(column) for column in zip(*rows, strict=True)]


def test_as_many_spikes_as_thresholds_up_to_the_limit():
    messages, spikes, potentials = run(BurstIntegrateAndFire(max_spikes=3), [2.5, 0.5, 7.0, 0.0, 0.0])
    assert spikes == [2, 1, 3, 3, 1]
    assert messages == spikes
    assert potentials == [0.5, 0, 4, 1, 0]


def test_no_spike_is_taken_back():
    _, spikes, potentials = run(BurstIntegrateAndFire(), [1.0, -3.0, 1.0])
    assert spikes == [1, 0, 0]
    assert potentials == [0, -3, -2]


def test_each_spike_carries_the_amplitude():
    messages, spikes, _ = run(BurstIntegrateAndFire(threshold=0.25, amplitude=0.5, max_spikes=8), [1.0, 1.3])
    assert spikes == [4, 5]
    assert messages == [2, 2.5]


def test_one_spike_a_burst_is_plain_integrate_and_fire():
    _, spikes, _ = run(BurstIntegrateAndFire(max_spikes=1, initial_potential=0.5), [0.3] * 10)
    assert sum(spikes) == np.floor(0.5 + 3.0)
    assert set(spikes) == {0, 1}


def test_a_clamp_discards_the_input():
    _, spikes, potentials = run(BurstIntegrateAndFire(initial_potential=0.5, clamp_steps=2), [9.0, 9.0, 2.0])
    assert spikes == [0, 0, 2]
    assert potentials == [0.5, 0.5, 0.5]


def test_the_margin_is_the_distance_from_the_nearest_number_of_spikes():
    model = BurstIntegrateAndFire(max_spikes=2)
    state = model.init_state((1, 4))
    np.testing.assert_allclose(model.margin(state, np.array([[0.25, 1.2, 1.9, 5.0]])), [[0.75, 0.2, 0.1, 3.0]])


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"max_spikes": 0}, "max_spikes"),
        ({"max_spikes": 128}, "127"),
        ({"clamp_steps": -1}, "clamp_steps"),
    ],
)
def test_limits(parameters, word):
    with pytest.raises(GraphError, match=word):
        BurstIntegrateAndFire(**parameters)
