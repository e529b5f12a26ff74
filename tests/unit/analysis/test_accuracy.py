"""Classification scores: ties, absent classes, curves over time."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.accuracy import (
    UNDECIDED,
    agreement,
    class_accuracies,
    class_average,
    classify,
    confusion_matrix,
    is_correct,
    wilson_interval,
)
from snntoolbox.analysis.scores import AgreementCounter, ScoreCounter
from snntoolbox.errors import DataError

SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.5, 0.1], [0.0, 0.0, 0.0], [-3.0, -1.0, -2.0], [np.nan, 1.0, 0.0]])


def test_ties_go_to_the_first_class_and_no_difference_is_undecided() -> None:
    np.testing.assert_array_equal(classify(SCORES), [1, 0, UNDECIDED, 1, UNDECIDED])


def test_undecided_is_never_right() -> None:
    labels = np.array([1, 0, 0, 1, 1])
    np.testing.assert_array_equal(is_correct(SCORES, labels), [True, True, False, True, False])
    np.testing.assert_array_equal(is_correct(SCORES, labels, 3), [True, True, False, True, False])


def test_top_k_counts_better_scores_and_equal_ones_before() -> None:
    scores = np.array([[4.0, 3.0, 3.0, 1.0]] * 4)
    labels = np.arange(4)
    for k, expected in enumerate(np.tri(4, dtype=bool), start=1):
        np.testing.assert_array_equal(is_correct(scores, labels, k), expected)


def test_top_1_is_the_classification(rng: np.random.Generator) -> None:
    scores = rng.integers(0, 3, (200, 5)).astype(float)  # many ties
    labels = rng.integers(0, 5, 200)
    np.testing.assert_array_equal(is_correct(scores, labels), classify(scores) == labels)


def test_time_axes_are_kept(rng: np.random.Generator) -> None:
    over_time, labels = rng.normal(size=(7, 20, 4)), rng.integers(0, 4, 20)
    right = is_correct(over_time, labels, 2)
    assert right.shape == (7, 20)
    np.testing.assert_array_equal(right[3], is_correct(over_time[3], labels, 2))
    np.testing.assert_array_equal(agreement(over_time, over_time[-1])[-1], np.ones(20, bool))


def test_absent_classes_do_not_count() -> None:
    scores = np.eye(4)[[0, 0, 0, 1]]  # classes 2 and 3 have no sample
    confusion = confusion_matrix(scores, np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(confusion[:2, :4], [[2, 0, 0, 0], [1, 1, 0, 0]])
    np.testing.assert_array_equal(class_accuracies(confusion), [1.0, 0.5, np.nan, np.nan])
    assert class_average(confusion) == 0.75


def test_class_average_weighs_classes_and_not_samples() -> None:
    labels = np.array([0] * 98 + [1] * 2)
    confusion = confusion_matrix(np.eye(2)[np.zeros(100, int)], labels)
    assert class_average(confusion) == 0.5


def test_confusion_matrix_keeps_the_undecided_apart() -> None:
    confusion = confusion_matrix(SCORES[:4], np.array([1, 1, 2, 0]))
    np.testing.assert_array_equal(confusion, [[0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]])


def test_agreement_needs_two_decisions() -> None:
    other = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(agreement(SCORES, other), [True, False, False, True, False])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 1]), "one integer label a sample"),
        (np.zeros((5, 3)), "one integer label a sample"),
        (np.array([0, 1, 2, 3, 0]), "labels from 0 to 2, got 0 to 3"),
        (np.array([0, 1, -1, 0, 0]), "got -1 to 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        is_correct(SCORES, labels)


def test_wilson_interval() -> None:
    # Agresti & Coull (1998): 9 of 10 gives 0.596 to 0.982
    low, high = wilson_interval(9, 10)
    assert (round(float(low), 3), round(float(high), 3)) == (0.596, 0.982)
    low, high = wilson_interval(np.array([0.0, 1000.0]), 1000)
    np.testing.assert_allclose(low, [0.0, 0.99617], atol=1e-5)
    np.testing.assert_allclose(high, [0.00383, 1.0], atol=1e-5)


def test_counting_in_batches_is_counting_at_once(rng: np.random.Generator) -> None:
    labels, over_time = rng.integers(0, 4, 50), rng.normal(size=(6, 50, 4))
    whole, parts, agreed = ScoreCounter(2), ScoreCounter(2), AgreementCounter()
    whole.add(over_time[-1], labels, over_time)
    for part in (slice(0, 7), slice(7, 40), slice(40, 50)):
        parts.add(over_time[-1, part], labels[part], over_time[:, part])
        agreed.add(over_time[-1, part], over_time[-1, part], over_time[:, part])
    one, other = whole.result(), parts.result()
    assert one is not None and other is not None
    assert one.accuracy == other.accuracy == (over_time[-1].argmax(axis=1) == labels).mean()
    assert one.top_k == other.top_k
    np.testing.assert_array_equal(one.confusion, other.confusion)
    np.testing.assert_array_equal(one.over_time, (over_time.argmax(axis=2) == labels).mean(axis=1))
    np.testing.assert_array_equal(one.top_k_over_time, other.top_k_over_time)
    assert agreed.share == 1.0
    assert ScoreCounter().result() is None
