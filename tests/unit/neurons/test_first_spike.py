"""Neurons that fire once, against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snntoolbox.errors import GraphError
from snntoolbox.neurons import (
    Clock,
    ExpectantFirstSpike,
    ExpectantReadout,
    FirstSpike,
    FirstSpikeReadout,
    LatencyNeuron,
    NeuronModel,
)


def run(model: NeuronModel, currents: Any) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return messages and spikes of each step for currents (steps, neurons), and the last state."""
    currents = np.asarray(currents, float)
    state = model.init_state((1, currents.shape[1]))
    messages, spikes = [], []
    for step, current in enumerate(currents, start=1):
        emission, state = model.step(state, current[None], Clock(step))
        messages.append(emission.message[0])
        spikes.append(emission.spikes[0])
    return np.array(messages), np.array(spikes), state


def test_the_latency_is_the_resolution_over_the_input() -> None:
    messages, spikes, state = run(FirstSpike(4.0), np.tile([2.0, 1.0, 0.5, 0.0, -1.0], (10, 1)))
    assert state["time"].tolist() == [[2, 4, 8, 0, 0]]
    assert spikes.sum(axis=0).tolist() == [1, 1, 1, 0, 0]
    assert messages[:, 1].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]


def test_the_time_of_a_spike_stands_for_an_activation() -> None:
    time = np.array([[2.0, 4.0, 8.0, 0.0, -4.0]])
    assert FirstSpike(4.0).activation(time, 10).tolist() == [[2.0, 1.0, 0.5, 0.0, -1.0]]
    assert FirstSpike(4.0).activation(time, 5).tolist() == [[2.0, 1.0, 0.0, 0.0, -1.0]]


def test_input_of_both_signs_sends_signed_messages() -> None:
    messages, spikes, _ = run(FirstSpike(4.0, signed=True), np.tile([1.0, -2.0], (4, 1)))
    assert messages[-1].tolist() == [1, -1]
    assert spikes.sum(axis=0).tolist() == [1, 1]


def test_a_ceiling_delays_and_a_lower_limit_silences() -> None:
    model = FirstSpike(4.0).limited(0.5, 1.0)
    _, _, state = run(model, np.tile([4.0, 1.0, 0.5, 0.4], (20, 1)))
    assert state["time"].tolist() == [[4, 4, 8, 0]]


def test_the_first_spike_decides_and_holds_the_potentials() -> None:
    currents = [[1.0, 0.5], [1.0, 0.5], [1.0, 5.0], [9.0, 9.0]]
    _, spikes, state = run(FirstSpikeReadout(3.0), currents)
    assert spikes.tolist() == [[0, 0], [0, 0], [1, 1], [0, 0]]
    assert state["decision"].tolist() == [[3]]
    assert state["potential"].tolist() == [[3.0, 6.0]]


def test_missing_input_raises_the_threshold() -> None:
    without = np.tile([2.0, 0.0], (6, 1))
    missing = without.copy()
    missing[:4, 1] = 1.0
    assert run(ExpectantFirstSpike(4.0, 1.0), without)[2]["time"].tolist() == [[2, 1]]
    assert run(ExpectantFirstSpike(4.0, 1.0), missing)[2]["time"].tolist() == [[4, 1]]
    assert run(ExpectantFirstSpike(4.0, 0.0), missing)[2]["time"].tolist() == [[2, 1]]


def test_announcements_begin_end_and_are_counted() -> None:
    currents = [[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [4.0, 0.0], [-4.0, 0.0]]
    messages, spikes, state = run(ExpectantFirstSpike(4.0), currents)
    assert messages[:, 1].tolist() == [1, 0, 1, 1, 1]
    assert messages[:, 0].tolist() == [0, 0, 0, 1, 1]
    assert spikes.tolist() == [[0, 1], [0, 1], [0, 1], [1, 0], [0, 0]]
    assert ExpectantFirstSpike(4.0).activation(state["time"], 5).tolist() == [[1.0]]


def test_slopes_that_lead_nowhere_announce_nothing() -> None:
    assert run(ExpectantFirstSpike(4.0, least_slope=0.25), [[0.25, 0.0]])[0].tolist() == [[0, 0]]


def test_the_output_waits_too() -> None:
    currents = [[2.0, 1.0, 2.0, 0.0], [2.0, 1.0, 2.0, 0.0], [2.0, 1.0, 0.0, 0.0]]
    _, spikes, state = run(ExpectantReadout(2.0, 3.0), currents)
    assert state["decision"].tolist() == [[3]]
    assert spikes[-1].tolist() == [1, 1, 0, 0]
    assert state["potential"].tolist() == [[6.0, 3.0, 0.0, 0.0]]


@pytest.mark.parametrize(("value", "time"), [(1.0, 3), (0.76, 4), (0.5, 5), (0.13, 6), (0.12, 0), (-1.0, 0), (9.0, 3)])
def test_a_latency_in_a_window_rounds_to_its_steps(value: float, time: int) -> None:
    model = LatencyNeuron(steps=4, start=2)
    messages, spikes, _ = run(model, [[value], *[[0.0]] * 7])
    assert spikes.sum() == (time > 0)
    assert (int(spikes[:, 0].argmax()) + 1) * (time > 0) == time
    assert messages.sum() == (7 - time) / 4 * (time > 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: FirstSpike(0.0),
        lambda: FirstSpikeReadout(-1.0),
        lambda: ExpectantFirstSpike(4.0, -1.0),
        lambda: ExpectantReadout(1.0, 0.0),
        lambda: ExpectantFirstSpike(4.0).limited(0.5, None),
        lambda: LatencyNeuron(0),
        lambda: LatencyNeuron(threshold=0.0),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(GraphError):
        make()
