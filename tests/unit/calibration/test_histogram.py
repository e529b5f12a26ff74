"""Streaming histograms: percentiles within the stated error, exact maxima, bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.calibration.histogram import LogHistogram


def exact(values, percentile):
    """Percentile of the positive values of each column, NaN where there are none."""
    columns = [column[column > 0].astype(np.float64) for column in values.T]
    return np.array([np.percentile(c, percentile) if c.size else np.nan for c in columns])


def filled(values, num_batches=1, **options):
    histogram = LogHistogram(values.shape[1], **options)
    for batch in np.array_split(values, num_batches):
        histogram.add(batch)
    return histogram


DRAWS = {
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "many orders of magnitude": lambda rng, shape: rng.lognormal(sigma=1.5, size=shape),
    "rectified": lambda rng, shape: np.maximum(rng.normal(size=shape), 0),
    "two values": lambda rng, shape: rng.choice([0.0, 1.0, 3.0], size=shape),
    "nearly silent": lambda rng, shape: rng.exponential(size=shape) * (rng.random(shape) < 0.01),
}


@pytest.mark.parametrize("options", [{}, {"bits": 6, "octaves": 16}], ids=["layer", "channel"])
@pytest.mark.parametrize("percentile", [50, 99, 99.9])
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_percentiles_are_within_the_stated_error(draw, percentile, options, rng):
    values = (draw(rng, (3000, 4)) * [1e-6, 1, 7.0, 1e6]).astype(np.float32)
    histogram = filled(values, 5, **options)
    error = np.abs(histogram.percentile(percentile) / exact(values, percentile) - 1)
    assert error.max() <= histogram.relative_error


def test_the_maximum_is_exact(rng):
    values = rng.exponential(size=(1000, 3)).astype(np.float32)
    histogram = filled(values, 4)
    np.testing.assert_array_equal(histogram.percentile(100), values.max(axis=0))
    np.testing.assert_array_equal(histogram.maxima, values.max(axis=0))


@pytest.mark.parametrize("num_batches", [2, 7, 100])
def test_batches_make_no_difference(num_batches, rng):
    values = np.sort(rng.lognormal(sigma=3, size=(1000, 2)).astype(np.float32), axis=0)  # every batch moves the octaves
    one, many = filled(values), filled(values, num_batches)
    for percentile in (10, 90, 99.9):
        np.testing.assert_array_equal(many.percentile(percentile), one.percentile(percentile))


def test_zeros_do_not_count(rng):
    values = rng.exponential(size=(500, 1)).astype(np.float32)
    padded = np.concatenate([values, np.zeros((5000, 1), np.float32)])
    assert filled(padded).percentile(90) == filled(values).percentile(90)
    assert filled(padded).num_positive == 500 and filled(padded).num_values == 5500


def test_rows_without_positive_values_have_no_percentile():
    histogram = filled(np.array([[0.0, 1.0], [0.0, 2.0]], np.float32))
    np.testing.assert_allclose(histogram.percentile(50), [np.nan, 1.5], rtol=histogram.relative_error)


def test_values_far_below_the_largest_are_still_counted():
    values = np.array([[1e-30], [1e-30], [1.0], [1e20]], np.float32)
    histogram = filled(values, 4, octaves=16)
    assert histogram.num_positive == 4 and histogram.percentile(100) == np.float32(1e20)
    assert histogram.percentile(0) < 1e16


def test_rows_merge_into_what_all_values_give(rng):
    values = (rng.exponential(size=(2000, 3)) * [1.0, 8.0, 0.5]).astype(np.float32)
    merged, whole = filled(values, bits=6, octaves=16).merged(), filled(values.reshape(-1, 1), bits=6, octaves=16)
    assert merged.num_positive == whole.num_positive and merged.num_values == whole.num_values
    for percentile in (50, 99.9, 100):
        assert merged.percentile(percentile) == whole.percentile(percentile)


def test_coarse_histogram_for_a_figure(rng):
    values = rng.exponential(size=(2000, 1)).astype(np.float32)
    edges, counts = filled(values).coarse()
    assert len(edges) == len(counts) + 1 and counts.sum() == 2000
    np.testing.assert_array_equal(counts, np.histogram(values, edges)[0])


def test_an_empty_histogram_has_nothing_to_show():
    edges, counts = LogHistogram().coarse()
    assert len(edges) == 1 and len(counts) == 0


def test_memory_does_not_grow_with_the_values(rng):
    histogram = LogHistogram()
    size = histogram._counts.nbytes
    for _ in range(20):
        histogram.add(rng.exponential(size=(10000, 1)).astype(np.float32))
    assert histogram._counts.nbytes == size < 2**18
