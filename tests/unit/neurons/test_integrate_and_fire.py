"""Integrate-and-fire neurons against numbers worked out by hand, and the theory of the rate code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snntoolbox.errors import GraphError
from snntoolbox.neurons import Clock, IntegrateAndFire


def run(model: IntegrateAndFire, currents: list[float]) -> tuple[list[int], list[float]]:
    """Return spikes and potentials for a single neuron."""
    state = model.init_state((1, 1))
    spikes, potentials = [], []
    for step, current in enumerate(currents, start=1):
        emission, state = model.step(state, np.array([[current]]), Clock(step))
        spikes.append(int(emission.spikes[0, 0]))
        potentials.append(float(state["potential"][0, 0]))
    return spikes, potentials


def test_reset_by_subtraction_keeps_the_excess() -> None:
    spikes, potentials = run(IntegrateAndFire(), [0.75, 0.75, 0.75, 0.75])
    assert spikes == [0, 1, 1, 1]
    assert potentials == [0.75, 0.5, 0.25, 0.0]


def test_reset_to_zero_loses_the_excess() -> None:
    spikes, potentials = run(IntegrateAndFire(reset="zero"), [0.75, 0.75, 0.75, 0.75])
    assert spikes == [0, 1, 0, 1]
    assert potentials == [0.75, 0.0, 0.75, 0.0]


def test_reset_by_modulo_loses_whole_thresholds() -> None:
    spikes, potentials = run(IntegrateAndFire(reset="modulo"), [3.25, 0.5, 0.5])
    assert spikes == [1, 0, 1]
    assert potentials == [0.25, 0.75, 0.25]


def test_a_potential_at_the_threshold_fires() -> None:
    assert run(IntegrateAndFire(threshold=0.5), [0.5])[0] == [1]


def test_refractory_steps_discard_input() -> None:
    spikes, potentials = run(IntegrateAndFire(refractory_steps=2), [1.5, 9.0, 9.0, 0.25, 0.5])
    assert spikes == [1, 0, 0, 0, 1]
    assert potentials == [0.5, 0.5, 0.5, 0.75, 0.25]


def test_leak_shrinks_the_potential_before_input() -> None:
    assert run(IntegrateAndFire(leak_factor=0.5), [0.5, 0.25, 0.0])[1] == [0.5, 0.5, 0.25]


def test_a_clamp_holds_the_initial_potential() -> None:
    spikes, potentials = run(IntegrateAndFire(clamp_steps=2, initial_potential=0.5), [9.0, 9.0, 0.25, 0.25])
    assert spikes == [0, 0, 0, 1]
    assert potentials == [0.5, 0.5, 0.75, 0.0]


def test_a_message_is_as_large_as_the_threshold_unless_said_otherwise() -> None:
    thresholds = np.array([0.5, 2.0])
    for amplitude, expected in ((None, [0.5, 2.0]), (3.0, [3.0, 3.0])):
        model = IntegrateAndFire(threshold=thresholds, amplitude=amplitude)
        emission, _ = model.step(model.init_state((1, 2)), np.full((1, 2), 9.0), Clock(1))
        assert emission.message[0].tolist() == expected


def test_parameters_are_frozen_copies() -> None:
    thresholds = np.ones(2)
    model = IntegrateAndFire(threshold=thresholds)
    thresholds[:] = 5
    assert np.all(model.threshold == 1)
    with pytest.raises(ValueError, match="read-only"):
        model.threshold[0] = 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"leak_factor": 1.5}, "leak_factor"),
        ({"refractory_steps": -1}, "refractory_steps"),
        ({"clamp_steps": -1}, "clamp_steps"),
        ({"reset": "none"}, "reset"),
    ],
)
def test_limits_are_checked(options: dict[str, object], named: str) -> None:
    with pytest.raises(GraphError, match=named):
        IntegrateAndFire(**options)


@given(st.floats(-2, 1), st.integers(1, 60), st.floats(0.125, 4), st.floats(0, 0.99))
def test_the_rate_is_within_one_spike_of_the_rectified_input(
    activation: float, num_steps: int, threshold: float, start: float
) -> None:
    """|r - a| <= 1/T for one layer with constant input (Rueckauer 2020, eq. 2.5b)."""
    model = IntegrateAndFire(threshold=threshold, initial_potential=start * threshold)
    spikes, _ = run(model, [activation * threshold] * num_steps)
    assert abs(sum(spikes) / num_steps - max(activation, 0.0)) <= 1 / num_steps + 1e-9


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_charge_is_conserved(currents: list[float]) -> None:
    """What came in is in the potential or has left as messages (eq. 2.4b summed over time)."""
    spikes, potentials = run(IntegrateAndFire(), currents)
    assert sum(currents) == pytest.approx(sum(spikes) + potentials[-1], abs=1e-9)
