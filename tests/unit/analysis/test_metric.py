"""The user's own measure: what it is called with, and what it may return."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.metric import Metric, MetricCollector
from snntoolbox.errors import DataError

X = np.arange(12.0).reshape(6, 2)


def test_a_number_goes_by_the_name_of_the_function():
    assert Metric(lambda *arrays: np.float32(2.0), "twice")(X, None, None) == {"twice": 2.0}


def test_a_dictionary_keeps_its_names():
    assert Metric(lambda *arrays: {"a": 1, "b": np.array(0.5)}, "m")(X, None, None) == {"a": 1.0, "b": 0.5}


@pytest.mark.parametrize("value", ["good", None, X, {"a": [1]}])
def test_anything_else_is_refused(value):
    with pytest.raises(DataError, match="metric 'm': expected a number, or a dictionary of numbers, got"):
        Metric(lambda *arrays: value, "m")(X, None, None)


def test_an_error_in_the_function_says_where_it_comes_from():
    def broken(outputs, targets, ann_outputs):
        raise KeyError("x")

    with pytest.raises(KeyError) as caught:
        Metric(broken, "broken")(X, None, None)
    assert "in the metric 'broken' of [output] metric" in caught.value.__notes__


def test_batches_are_joined_and_both_networks_measured():
    calls = []
    collector = MetricCollector(Metric(lambda *arrays: calls.append(arrays) or len(calls), "n"))
    for rows in (slice(0, 4), slice(4, 6)):
        collector.add(snn=X[rows] + 1, ann=X[rows], targets=X[rows, 0])
    assert collector.result() == {"ann": {"n": 1.0}, "snn": {"n": 2.0}}
    for outputs, (got, targets, ann) in zip((X, X + 1), calls, strict=True):
        np.testing.assert_array_equal(got, outputs)
        np.testing.assert_array_equal(targets, X[:, 0])
        np.testing.assert_array_equal(ann, X)


def test_what_is_not_known_is_none():
    collector = MetricCollector(Metric(lambda outputs, targets, ann: float(targets is None and ann is None), "m"))
    collector.add(snn=X, ann=None, targets=None)
    assert collector.result() == {"snn": {"m": 1.0}}


def test_results_hold_the_numbers():
    collector = Collector(None, metric=Metric(lambda outputs, targets, ann: np.abs(outputs - targets).max(), "worst"))
    collector.add(Batch(ann_outputs=X, targets=X - 3))
    document = collector.results().to_dict()
    assert document["metric"] == {"ann": {"worst": 3.0}}
