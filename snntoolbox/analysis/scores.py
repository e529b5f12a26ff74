"""Accuracy of a network summed up over batches: the streaming side of `accuracy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.accuracy import (
    agreement,
    class_accuracies,
    class_average,
    confusion_matrix,
    is_correct,
    wilson_interval,
)

__all__ = ["AgreementCounter", "Score", "ScoreCounter", "are_scores"]

Array = NDArray[Any]


def are_scores(outputs: Array) -> bool:
    """Whether outputs (batch, *shape) can be scores of classes: one axis of two or more."""
    return outputs.ndim == 2 and outputs.shape[1] > 1


@dataclass(frozen=True, eq=False)
class Score:
    """How often one network is right, as shares of the samples.

    Attributes:
        accuracy, top_k: Label is the highest output, is among the k highest.
        undecided: No output stands out.
        interval: 95 % interval of the accuracy.
        class_average: Mean over the classes that occur.
        per_class: Accuracy of each class, NaN for one without samples.
        confusion: Counts, row = label, column = prediction; the last column is undecided.
        over_time, top_k_over_time: Accuracies after each step, shape (steps,); None if not known.
    """

    accuracy: float
    top_k: float
    undecided: float
    interval: tuple[float, float]
    class_average: float
    per_class: NDArray[np.float64]
    confusion: NDArray[np.int64]
    over_time: NDArray[np.float64] | None = None
    top_k_over_time: NDArray[np.float64] | None = None


class ScoreCounter:
    """Counts the samples that one network classifies right.

    Args:
        k: How many classes count for the top-k accuracy.
    """

    def __init__(self, k: int = 1) -> None:
        self._k, self._top_k = k, 0
        self._confusion: NDArray[np.int64] | None = None
        self._over_time: NDArray[np.int64] | None = None

    def add(self, scores: Array, labels: Array, scores_over_time: Array | None = None) -> None:
        """Add a batch: scores (batch, classes), labels (batch,) and, if known, scores (steps, batch, classes)."""
        counts = confusion_matrix(scores, labels)
        self._confusion = counts if self._confusion is None else self._confusion + counts
        self._top_k += int(is_correct(scores, labels, self._k).sum())
        if scores_over_time is not None:
            right = np.stack([is_correct(scores_over_time, labels, k).sum(axis=1) for k in (1, self._k)])
            self._over_time = right if self._over_time is None else self._over_time + right

    def result(self) -> Score | None:
        """Return the shares so far; None without samples."""
        if self._confusion is None:
            return None
        total, right = int(self._confusion.sum()), float(np.diagonal(self._confusion).sum())
        low, high = wilson_interval(right, total)
        over_time, top_k_over_time = (None, None) if self._over_time is None else self._over_time / total
        return Score(
            accuracy=right / total,
            top_k=self._top_k / total,
            undecided=float(self._confusion[:, -1].sum()) / total,
            interval=(float(low), float(high)),
            class_average=class_average(self._confusion),
            per_class=class_accuracies(self._confusion),
            confusion=self._confusion,
            over_time=over_time,
            top_k_over_time=top_k_over_time,
        )


class AgreementCounter:
    """Counts the samples for which two networks decide for the same class."""

    def __init__(self) -> None:
        self._samples, self._agreed = 0, 0
        self._over_time: NDArray[np.int64] | None = None

    def add(self, scores: Array, reference: Array, scores_over_time: Array | None = None) -> None:
        """Add a batch; parameters as in `ScoreCounter.add`, ``reference`` being the other network's scores."""
        self._samples += len(scores)
        self._agreed += int(agreement(scores, reference).sum())
        if scores_over_time is not None:
            agreed = agreement(scores_over_time, reference).sum(axis=1)
            self._over_time = agreed if self._over_time is None else self._over_time + agreed

    @property
    def share(self) -> float | None:
        """Share of samples that agree."""
        return self._agreed / self._samples if self._samples else None

    @property
    def over_time(self) -> NDArray[np.float64] | None:
        """The same after each step."""
        return None if self._over_time is None or not self._samples else self._over_time / self._samples
