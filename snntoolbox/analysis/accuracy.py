"""How often a network is right: functions of class scores of shape (..., classes) and labels of shape (batch,).

Ties: of equal scores the class with the lowest index wins. Where all scores are equal, or one is not a number, nothing
was decided (before the first spike reaches the output, for instance), and that is never right.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import DataError

__all__ = [
    "UNDECIDED",
    "agreement",
    "class_accuracies",
    "class_average",
    "classify",
    "confusion_matrix",
    "is_correct",
    "wilson_interval",
]

Array = NDArray[Any]

UNDECIDED = -1
"""What `classify` returns where no class stands out."""


def classify(scores: Array) -> NDArray[np.int64]:
    """Return the class of highest score or `UNDECIDED`, shape (...), for scores of shape (..., classes)."""
    decided = scores.max(axis=-1) > scores.min(axis=-1)  # False for NaN as well
    return np.where(decided, scores.argmax(axis=-1), UNDECIDED).astype(np.int64)


def is_correct(scores: Array, labels: Array, k: int = 1) -> NDArray[np.bool_]:
    """Return whether the label is among the k classes of highest score.

    Args:
        scores: Shape (..., batch, classes); leading axes, such as time, are kept.
        labels: Class of each sample, integers of shape (batch,).
        k: How many classes count; all is always right, unless undecided.

    Returns:
        Shape (..., batch).

    Raises:
        DataError: Labels and scores do not belong together.
    """
    labels = _check_labels(labels, scores.shape[-2:])
    index = np.broadcast_to(labels[:, None], (*scores.shape[:-1], 1))
    own = np.take_along_axis(scores, index, axis=-1)
    earlier = np.arange(scores.shape[-1]) < index
    better = (scores > own).sum(axis=-1) + ((scores == own) & earlier).sum(axis=-1)
    return np.asarray((better < k) & (classify(scores) != UNDECIDED))


def confusion_matrix(scores: Array, labels: Array) -> NDArray[np.int64]:
    """Count samples by true and predicted class.

    Args:
        scores: Shape (batch, classes).
        labels: Class of each sample, integers of shape (batch,).

    Returns:
        Shape (classes, classes + 1): row = label, column = prediction; the last column counts the undecided.
    """
    labels = _check_labels(labels, scores.shape)
    classes = scores.shape[-1]
    predicted = classify(scores)
    column = np.where(predicted == UNDECIDED, classes, predicted)
    counts = np.bincount(labels * (classes + 1) + column, minlength=classes * (classes + 1))
    return counts.reshape(classes, classes + 1).astype(np.int64)


def class_accuracies(confusion: Array) -> NDArray[np.float64]:
    """Return the accuracy of each class, shape (classes,); NaN for a class without samples."""
    right = np.diagonal(confusion).astype(np.float64)
    samples = confusion.sum(axis=1)
    return np.where(samples > 0, right / np.maximum(samples, 1), np.nan)


def class_average(confusion: Array) -> float:
    """Return the mean accuracy of the classes that occur, each weighing the same; NaN if there is no sample."""
    values = class_accuracies(confusion)
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else math.nan


def agreement(scores: Array, reference: Array) -> NDArray[np.bool_]:
    """Return whether two networks decide for the same class; a sample that either leaves undecided is no agreement.

    Args:
        scores: Shape (..., batch, classes); leading axes, such as time, are kept.
        reference: Shape (batch, classes).
    """
    wanted = classify(reference)
    return np.asarray((classify(scores) == wanted) & (wanted != UNDECIDED))


def wilson_interval(successes: Array | float, total: int, z: float = 1.96) -> tuple[Array, Array]:
    """Return the Wilson score interval of a proportion (z = 1.96: 95 %), for counts of any shape.

    Unlike the normal approximation it stays within [0, 1] and is not empty at 0 % and 100 %.
    """
    share = np.asarray(successes, np.float64) / total
    scale = 1 / (1 + z**2 / total)
    middle = scale * (share + z**2 / (2 * total))
    half = scale * z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def _check_labels(labels: Array, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return labels as int64 if they fit scores of ``shape`` = (batch, classes)."""
    labels = np.asarray(labels)
    if len(shape) != 2 or math.prod(shape) == 0 or labels.shape != shape[:1] or labels.dtype.kind not in "iu":
        raise DataError(
            f"expected scores of shape (batch, classes) and one integer label a sample, got scores {shape} and labels "
            f"{labels.dtype} {labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= shape[1]:
        raise DataError(f"expected labels from 0 to {shape[1] - 1}, got {labels.min()} to {labels.max()}")
    return labels.astype(np.int64)
