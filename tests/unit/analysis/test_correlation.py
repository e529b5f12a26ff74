"""Rates against activations, and how much layers fire."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.correlation import Comparison, RateComparison, SpikeCounter, first_deviating_layer, pearson
from snntoolbox.errors import DataError


def compare(activations: np.ndarray, rates: np.ndarray, num_steps: int = 100, batch: int = 4) -> Comparison:
    comparison = RateComparison(num_steps)
    for start in range(0, len(rates), batch):
        comparison.add(activations[start : start + batch], rates[start : start + batch])
    result = comparison.result()
    assert result is not None
    return result


def test_streamed_statistics_equal_those_of_all_values(rng: np.random.Generator) -> None:
    activations = rng.random((10, 6, 3)).astype(np.float32) + 100  # a large offset would cancel digits in plain sums
    rates = activations + rng.normal(0, 0.05, activations.shape).astype(np.float32)
    result, error = compare(activations, rates), rates.astype(float) - activations
    assert result.correlation == pytest.approx(np.corrcoef(activations.ravel(), rates.ravel())[0, 1], rel=1e-6)
    assert result.mean_abs_error == pytest.approx(np.abs(error).mean())
    assert result.max_abs_error == pytest.approx(np.abs(error).max())
    assert result.rms_error == pytest.approx(np.sqrt((error**2).mean()))
    assert result.r_squared == pytest.approx(1 - (error**2).sum() / (activations.size * activations.var()), rel=1e-4)
    assert result.mean_activation == pytest.approx(activations.mean())


def test_a_wrong_scale_shows_in_r_squared_and_not_in_the_correlation(rng: np.random.Generator) -> None:
    activations = rng.random((50, 20))
    result = compare(activations, 0.5 * activations)
    assert result.correlation == pytest.approx(1.0)
    assert result.r_squared is not None and result.r_squared < 0.2


def test_a_silent_layer_has_no_correlation() -> None:
    result = compare(np.zeros((4, 5)), np.zeros((4, 5)))
    assert result.correlation is None and result.r_squared is None
    assert result.mean_abs_error == 0
    assert pearson(np.arange(5), np.ones(5)) is None
    assert RateComparison(10).result() is None


def test_shapes_must_agree() -> None:
    with pytest.raises(DataError, match=r"\(2, 3\), got \(2, 4\)"):
        RateComparison(10).add(np.ones((2, 4)), np.ones((2, 3)))


def test_points_are_a_uniform_choice_of_the_active_pairs(rng: np.random.Generator) -> None:
    activations = np.arange(1, 20001).reshape(100, 200) / 20000
    activations[:, ::2] = 0
    comparison = RateComparison(100, num_points=1000)
    for part in np.split(activations, 20):
        comparison.add(part, part / 2)
    result = comparison.result()
    assert result is not None
    x, y = result.points
    assert result.points.shape == (2, 1000) and (x > 0).all() and len(set(x)) == 1000
    np.testing.assert_allclose(y, x / 2, rtol=1e-6)
    # Uniform over the stream: the mean of 1000 numbers uniform in (0, 1) has a standard deviation of 0.009.
    assert abs(x.mean() - 0.5) < 0.03


def test_few_points_are_all_kept() -> None:
    activations = np.array([[0.0, 0.25, 1.0]])
    result = compare(activations, np.array([[0.0, 0.0, 1.0]]))
    assert sorted(map(tuple, result.points.T.tolist())) == [(0.25, 0.0), (1.0, 1.0)]


def test_histograms_count_every_value_once(rng: np.random.Generator) -> None:
    activations = rng.exponential(0.3, (30, 40))
    activations[:, :10] = 0
    rates = np.round(np.minimum(activations, 1) * 100) / 100
    result = compare(activations, rates)
    for histogram, values in ((result.activations, activations), (result.rates, rates)):
        assert histogram.total == values.size
        assert histogram.zeros == (values == 0).sum()
        assert histogram.above == (values >= histogram.edges[-1]).sum()
        nonzero = values[values != 0]
        np.testing.assert_array_equal(histogram.counts, np.histogram(nonzero, histogram.edges)[0])


def test_bins_hold_equally_many_possible_rates() -> None:
    for num_steps in (1, 7, 64, 100, 333):
        rates = np.arange(1, num_steps + 1)[None] / num_steps
        counts = compare(rates, rates, num_steps).rates.counts
        filled = counts[: np.flatnonzero(counts)[-1]]
        assert set(filled[1:].tolist()) <= {filled[1:].max()} if filled.size > 1 else True


def test_the_first_layer_that_leaves_is_named(rng: np.random.Generator) -> None:
    activations = rng.random((20, 50))
    good = compare(activations, np.round(activations * 100) / 100)
    off = compare(activations, activations * 0.5)
    assert first_deviating_layer({"a": good, "b": None, "c": off, "d": good, "e": off}) == "c"
    assert first_deviating_layer({"a": good}) is None


def test_rounding_of_few_steps_is_no_deviation(rng: np.random.Generator) -> None:
    activations = rng.random((20, 50)) * 0.3
    rounded = compare(activations, np.round(activations * 3) / 3, num_steps=3)
    assert rounded.r_squared is not None and rounded.r_squared < 0.9
    assert first_deviating_layer({"a": rounded}) is None


def test_spike_statistics() -> None:
    counter = SpikeCounter(num_steps=10)
    counter.add(np.array([[0, 10, 2, 0], [0, 10, 0, 0]]))
    counter.add(np.array([[0, 9, 1, 0]]))
    result = counter.result()
    assert result is not None
    assert result.spikes_per_sample == 32 / 3
    assert result.mean_rate == pytest.approx(32 / (12 * 10))
    assert result.silent == 7 / 12
    assert result.saturated == 2 / 12
    assert result.dead == 0.5


def test_a_refractory_neuron_is_saturated_at_its_highest_rate() -> None:
    counter = SpikeCounter(num_steps=10, refractory_steps=2)
    counter.add(np.array([[4, 3]]))  # steps 1, 4, 7, 10
    result = counter.result()
    assert result is not None and result.saturated == 0.5
