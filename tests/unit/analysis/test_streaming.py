"""Sums over batches."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.streaming import HistogramCounter, PairStatistics, Reservoir


def test_no_pairs_no_statistics() -> None:
    pairs = PairStatistics()
    assert (pairs.mean_abs_error, pairs.mean_squared_error, pairs.mean_reference) == (None, None, None)
    assert (pairs.correlation, pairs.r_squared) == (None, None)


def test_pairs_of_different_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        PairStatistics().add(np.ones(3), np.ones(4))


def test_large_arrays_are_read_in_parts(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    x, y = rng.random((2, 1000))
    whole = PairStatistics()
    whole.add(x, y)
    monkeypatch.setattr("snntoolbox.analysis.streaming._CHUNK", 64)
    parts = PairStatistics()
    parts.add(x, y)
    assert parts.count == whole.count == 1000
    assert parts.correlation == pytest.approx(whole.correlation, rel=1e-12)
    assert parts.r_squared == pytest.approx(whole.r_squared, rel=1e-12)


def test_reservoir_is_repeatable_and_bounded() -> None:
    first, second = Reservoir(50, seed=3), Reservoir(50, seed=3)
    for start in range(0, 10000, 100):
        values = np.arange(start, start + 100, dtype=float)
        first.add(values, -values)
        second.add(values, -values)
    np.testing.assert_array_equal(first.pairs, second.pairs)
    assert first.pairs.shape == (2, 50) and first.seen == 10000
    assert len(set(first.pairs[0])) == 50


def test_every_pair_is_equally_likely_to_be_kept() -> None:
    kept = np.zeros(40)
    for seed in range(500):
        reservoir = Reservoir(10, seed)
        for part in np.split(np.arange(40.0), 8):
            reservoir.add(part, part)
        kept[reservoir.pairs[0].astype(int)] += 1
    # Binomial(500, 1/4): standard deviation 9.7; the largest of 40 deviations stays below 4 of them.
    assert abs(kept - 125).max() < 39


def test_histogram_has_its_ends_and_zeros_apart() -> None:
    counter = HistogramCounter(start=-0.5, width=1.0, bins=3)
    counter.add(np.array([[0.0, -0.6, -0.5], [0.4, 0.5, 2.4]]))
    counter.add(np.array([2.5, 99.0]))
    result = counter.result()
    np.testing.assert_array_equal(result.edges, [-0.5, 0.5, 1.5, 2.5])
    np.testing.assert_array_equal(result.counts, [2, 1, 1])
    assert (result.below, result.above, result.zeros, result.total) == (1, 2, 1, 8)
