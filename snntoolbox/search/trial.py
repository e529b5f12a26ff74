"""One set of options, tried: what the spiking network decided after each step, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.accuracy import classify
from snntoolbox.errors import ConversionError

__all__ = ["TEMPERATURE", "Trial", "divergence", "divergences", "make_trial"]

Array = NDArray[Any]
_SCALES = np.geomspace(1 / 16, 16, 65)
"""Factors of logits that are tried; each is 9 % larger than the one before."""
TEMPERATURE = 2.0
"""Temperature at which trials are compared."""
_SMALLEST = 1e-12
"""Probability that one of 0 is taken for."""


@dataclass(frozen=True, eq=False)
class Trial:
    """Result of simulating one conversion on held-out samples.

    Attributes:
        options: What was varied: ``{"section.option": value}``.
        num_samples: Number of samples.
        agreement: Share of samples decided as by the ANN, after each step, shape (steps,).
        divergences: Kullback-Leibler divergence of the ANN's probabilities of classes from those of the spiking
            network after the last step, in nats, at `TEMPERATURE`, of each sample, shape (samples,); see `divergences`.
        operations: Synaptic operations for one sample up to each step, shape (steps,).
        seconds: How long the trial took.
        conversion_seconds: How much of that the conversion took, calibration included.
        num_calibrated: Number of samples that it was calibrated on, 0 if nothing was.
    """

    options: Mapping[str, Any]
    num_samples: int
    agreement: Array
    divergences: Array
    operations: Array
    seconds: float = 0.0
    conversion_seconds: float = 0.0
    num_calibrated: int = 0

    @property
    def divergence(self) -> float:
        """Mean of the divergences."""
        return float(np.mean(self.divergences))

    @property
    def num_steps(self) -> int:
        """Number of steps simulated."""
        return len(self.agreement)

    @property
    def name(self) -> str:
        """The options as text."""
        return ", ".join(f"{name} = {value}" for name, value in self.options.items()) or "as given"


def make_trial(
    options: Mapping[str, Any], over_time: Array, reference: Array, operations: Array, **took: float
) -> Trial:
    """Compare outputs over time with those of the ANN.

    Args:
        options: What was tried.
        over_time: Outputs of the spiking network after each step, shape (steps, samples, classes).
        reference: Outputs of the ANN, logits or probabilities, shape (samples, classes).
        operations: Operations of each step and sample, shape (steps, samples).
        **took: The attributes of `Trial` that say what it took.

    Raises:
        ConversionError: The outputs are no scores of classes.
    """
    if reference.ndim != 2 or reference.shape[1] < 2:
        raise ConversionError(
            f"the search compares decisions, which needs an output of two or more classes, got {reference.shape[1:]}; "
            "for regression compare runs with a parameter sweep"
        )
    wanted, decided = classify(reference), classify(over_time)
    return Trial(
        options=dict(options),
        num_samples=len(reference),
        agreement=(decided == wanted).mean(axis=1),
        divergences=divergences(over_time[-1], reference, TEMPERATURE),
        operations=np.cumsum(operations.mean(axis=1)),
        **took,  # type: ignore[arg-type]
    )


def divergence(outputs: Array, reference: Array, temperature: float = 1.0) -> float:
    """Return the mean of the `divergences` of all samples."""
    return float(np.mean(divergences(outputs, reference, temperature)))


def divergences(outputs: Array, reference: Array, temperature: float = 1.0) -> Array:
    """Return how far the probabilities of one network are from those of another, whatever the scale of its logits.

    It is the Kullback-Leibler divergence sum_k p_k ln(p_k / q_k) of each sample, where q is the softmax of the outputs
    times the factor (a temperature, Guo et al. 2017) that makes the mean least: the scale of rates is no error.
    All samples tell something about it, also those decided alike, so that far fewer are needed to tell two spiking
    networks apart than by counting decisions. Still fewer are needed at a temperature above 1 (Hinton et al. 2015), as
    that lets the samples count more evenly of which the reference is sure.

    Args:
        outputs: Logits or probabilities, shape (samples, classes).
        reference: Logits or probabilities of the network to compare with, shape (samples, classes).
        temperature: What the logits of the reference are divided by.
    """
    logits, wanted = _log_probabilities(outputs), _normalized(_log_probabilities(reference) / temperature)
    probabilities = np.exp(wanted)
    entropy = (probabilities * wanted).sum(axis=-1)
    cross = ((probabilities * _normalized(scale * logits)).sum(axis=-1) for scale in _SCALES)
    return np.asarray(entropy - max(cross, key=np.mean))


def _log_probabilities(outputs: Array) -> Array:
    values = outputs.astype(np.float64)
    if values.min() >= 0 and np.allclose(values.sum(axis=-1), 1, atol=1e-3):
        return np.asarray(np.log(np.maximum(values, _SMALLEST)))
    return _normalized(values)


def _normalized(logits: Array) -> Array:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
