"""Neurons of the output layer."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.errors import GraphError
from snntoolbox.neurons import Accumulator, Clock, SoftmaxNeuron


def test_an_accumulator_sums_and_never_fires() -> None:
    model = Accumulator()
    state = model.init_state((1, 2))
    for step in (1, 2):
        emission, state = model.step(state, np.array([[5.0, -3.0]]), Clock(step))
        assert not emission.spikes.any()
        assert not emission.message.any()
    assert state["potential"].tolist() == [[10.0, -6.0]]


@pytest.mark.parametrize("trigger", ["clock", "poisson"])
def test_spike_counts_approach_the_softmax(trigger: str) -> None:
    model = SoftmaxNeuron(trigger=trigger)  # type: ignore[arg-type]
    logits = np.array([[1.0, 0.0, -1.0]])
    state = {"potential": np.repeat(logits, 200, axis=0)}
    counts = np.zeros((200, 3))
    for step in range(1, 101):
        emission, state = model.step(state, np.zeros((200, 3)), Clock(step, key=7, sample_ids=np.arange(200)))
        counts += emission.spikes
    expected = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert counts.mean(axis=0) / 100 == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(200 * 100))


def test_the_clock_lets_exactly_one_class_spike() -> None:
    model = SoftmaxNeuron(trigger="clock")
    state = {"potential": np.random.default_rng(0).normal(size=(50, 4))}
    emission, _ = model.step(state, np.zeros((50, 4)), Clock(1, key=3))
    assert np.all(emission.spikes.sum(axis=1) == 1)


def test_the_clock_fires_at_its_rate() -> None:
    model = SoftmaxNeuron(trigger="clock", rate=0.25)
    state = model.init_state((4000, 3))
    emission, _ = model.step(state, np.zeros((4000, 3)), Clock(1, key=3))
    assert emission.spikes.sum() / 4000 == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("options", [{"trigger": "never"}, {"rate": 0.0}, {"rate": 1.5}])
def test_limits_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(GraphError, match="SoftmaxNeuron"):
        SoftmaxNeuron(**options)  # type: ignore[arg-type]
