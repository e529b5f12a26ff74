"""One set of options, tried: what the spiking network decided after each step, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.accuracy import UNDECIDED, classify
from snntoolbox.errors import ConversionError

__all__ = ["Trial", "make_trial"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Trial:
    """Result of simulating one conversion on held-out samples.

    Attributes:
        options: What was varied: ``{"section.option": value}``.
        num_samples: Number of samples.
        agreement: Share of samples decided as by the ANN, after each step, shape (steps,).
        kept_confidence: Mean over samples of the probability that the ANN gives to the decision of the spiking
            network, relative to that of its own decision, after each step, shape (steps,); 1 if all decisions agree.
        operations: Synaptic operations for one sample up to each step, shape (steps,).
        seconds: How long the trial took.
    """

    options: Mapping[str, Any]
    num_samples: int
    agreement: Array
    kept_confidence: Array
    operations: Array
    seconds: float = 0.0

    @property
    def num_steps(self) -> int:
        """Number of steps simulated."""
        return len(self.agreement)

    @property
    def name(self) -> str:
        """The options as text."""
        return ", ".join(f"{name} = {value}" for name, value in self.options.items()) or "as given"


def make_trial(
    options: Mapping[str, Any], over_time: Array, reference: Array, operations: Array, seconds: float
) -> Trial:
    """Compare outputs over time with those of the ANN.

    Args:
        options: What was tried.
        over_time: Outputs of the spiking network after each step, shape (steps, samples, classes).
        reference: Outputs of the ANN, logits or probabilities, shape (samples, classes).
        operations: Operations of each step and sample, shape (steps, samples).
        seconds: How long it took.

    Raises:
        ConversionError: The outputs are no scores of classes.
    """
    if reference.ndim != 2 or reference.shape[1] < 2:
        raise ConversionError(
            f"the search compares decisions, which needs an output of two or more classes, got {reference.shape[1:]}; "
            "for regression compare runs with a parameter sweep"
        )
    wanted, decided = classify(reference), classify(over_time)
    relative = _relative_confidence(reference)
    kept = np.take_along_axis(
        np.broadcast_to(relative, over_time.shape), np.maximum(decided, 0)[..., None], axis=-1
    ).squeeze(-1)
    return Trial(
        options=dict(options),
        num_samples=len(reference),
        agreement=(decided == wanted).mean(axis=1),
        kept_confidence=np.where(decided == UNDECIDED, 0.0, kept).mean(axis=1),
        operations=np.cumsum(operations.mean(axis=1)),
        seconds=seconds,
    )


def _relative_confidence(reference: Array) -> Array:
    """Return the probability of each class over that of the likeliest one, shape (samples, classes)."""
    outputs = reference.astype(np.float64)
    if outputs.min() >= 0 and np.allclose(outputs.sum(axis=-1), 1, atol=1e-3):
        return np.asarray(outputs / outputs.max(axis=-1, keepdims=True))
    return np.asarray(np.exp(outputs - outputs.max(axis=-1, keepdims=True)))
