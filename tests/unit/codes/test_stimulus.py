"""Input over time: constant current, Poisson spikes, given trains."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.codes import ConstantCurrent, PoissonSpikes, SpikeTrains
from snntoolbox.errors import SimulationError


def total(stimulus, num_steps: int, seed: int = 0) -> np.ndarray:
    return sum(frame.astype(float) for frame in stimulus.frames(num_steps, seed))


def test_constant_current_repeats_its_values() -> None:
    x = np.array([[0.5, -1.0]])
    frames = list(ConstantCurrent(x).frames(3))
    assert len(frames) == 3
    assert all(np.array_equal(frame, x) for frame in frames)


def test_the_mean_of_poisson_spikes_is_the_value() -> None:
    x = np.array([[0.0, 0.25, -0.5, 2.0]])
    for rate in (1.0, 0.5):
        stimulus = PoissonSpikes(np.repeat(x, 400, axis=0), rate=rate, peak=2.0)
        mean = total(stimulus, 100).mean(axis=0) / 100
        assert mean == pytest.approx(x[0], abs=5 * 2 / np.sqrt(400 * 100 * rate))


def test_values_above_the_peak_saturate() -> None:
    assert total(PoissonSpikes(np.array([[9.0]]), peak=2.0), 10) == 20


def test_trains_depend_on_seed_and_sample_but_not_on_the_batch() -> None:
    x = np.full((3, 50), 0.5)
    frames = np.stack(list(PoissonSpikes(x, sample_ids=[4, 5, 6]).frames(4, seed=1)))
    alone = np.stack(list(PoissonSpikes(x[:1], sample_ids=[5]).frames(4, seed=1)))
    assert np.array_equal(frames[:, 1:2], alone)
    assert not np.array_equal(frames, np.stack(list(PoissonSpikes(x, sample_ids=[4, 5, 6]).frames(4, seed=2))))
    assert not np.array_equal(frames[:, 0], frames[:, 1])


def test_events_end_after_their_limit() -> None:
    x = np.full((2, 10), 1.0)
    frames = np.stack(list(PoissonSpikes(x, max_events=25).frames(6)))
    # The step that reaches the limit is sent whole: 10, 20, 30.
    assert np.abs(frames).sum(axis=(0, 2)).tolist() == [30.0, 30.0]


def test_given_trains_are_played_back() -> None:
    trains = np.random.default_rng(0).integers(0, 2, (5, 2, 3)).astype(np.float32)
    assert np.array_equal(np.stack(list(SpikeTrains(trains).frames(4))), trains[:4])
    with pytest.raises(SimulationError, match="at least 6 steps, got 5"):
        list(SpikeTrains(trains).frames(6))


@pytest.mark.parametrize("options", [{"rate": 0.0}, {"rate": 1.5}, {"peak": 0.0}, {"sample_ids": [1, 2, 3]}])
def test_limits_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(SimulationError):
        PoissonSpikes(np.ones((2, 3)), **options)


def test_samples_cannot_be_changed_through_a_stimulus() -> None:
    stimulus = ConstantCurrent(np.ones((1, 2)))
    with pytest.raises(ValueError, match="read-only"):
        stimulus.values[0, 0] = 5
