"""How far outputs are from targets or from the ANN's outputs, where they are no class scores: values, maps, boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.streaming import PairStatistics
from snntoolbox.errors import DataError

__all__ = ["ErrorSummary", "OutputErrors", "compare_outputs"]

Array = NDArray[Any]

MAX_PER_OUTPUT = 1000
"""Errors of single outputs are kept for networks with at most this many outputs."""


@dataclass(frozen=True, eq=False)
class ErrorSummary:
    """Distance of outputs y from a reference x over samples and output elements.

    Attributes:
        mse: Mean squared error.
        mae: Mean absolute error.
        max_error: Largest absolute error.
        correlation: Pearson correlation over all elements; None if x or y never changes.
        r_squared: 1 - squared error / variance of the reference; None if x never changes.
        per_output: Mean squared error of each output element, shape of the output; None for very many elements.
    """

    mse: float
    mae: float
    max_error: float
    correlation: float | None
    r_squared: float | None
    per_output: NDArray[np.float64] | None = None


class OutputErrors:
    """Sums up the errors of batch after batch."""

    def __init__(self) -> None:
        self._pairs = PairStatistics()
        self._samples = 0
        self._squared: NDArray[np.float64] | None = None
        self._over_time: NDArray[np.float64] | None = None

    def add(self, outputs: Array, reference: Array, outputs_over_time: Array | None = None) -> None:
        """Add a batch.

        Args:
            outputs: Shape (batch, *shape).
            reference: Targets or other outputs, of the same shape up to axes of length 1.
            outputs_over_time: Outputs after each step, shape (steps, batch, *shape), if known.

        Raises:
            DataError: The shapes do not fit.
        """
        reference = _fit(outputs, reference)
        self._pairs.add(reference, outputs)
        self._samples += len(outputs)
        if outputs[0].size <= MAX_PER_OUTPUT:
            squared = _squared_error(outputs, reference, axis=0)
            self._squared = squared if self._squared is None else self._squared + squared
        if outputs_over_time is not None:
            sums = np.array([_squared_error(one, reference) for one in outputs_over_time])
            self._over_time = sums if self._over_time is None else self._over_time + sums

    @property
    def mse_over_time(self) -> NDArray[np.float64] | None:
        """Mean squared error after each step, shape (steps,); None if not known."""
        return None if self._over_time is None else self._over_time / self._pairs.count

    def result(self) -> ErrorSummary | None:
        """Return the errors so far; None without samples."""
        pairs = self._pairs
        if pairs.mean_squared_error is None or pairs.mean_abs_error is None:
            return None
        return ErrorSummary(
            mse=pairs.mean_squared_error,
            mae=pairs.mean_abs_error,
            max_error=pairs.max_abs_error,
            correlation=pairs.correlation,
            r_squared=pairs.r_squared,
            per_output=None if self._squared is None else self._squared / self._samples,
        )


def compare_outputs(outputs: Array, reference: Array) -> ErrorSummary | None:
    """Return the errors of outputs (batch, *shape) against a reference; see `OutputErrors`."""
    errors = OutputErrors()
    errors.add(outputs, reference)
    return errors.result()


def _squared_error(outputs: Array, reference: Array, axis: int | None = None) -> NDArray[np.float64]:
    """Return the sum of (outputs - reference)² over ``axis`` (None: all of them), in float64."""
    return np.asarray(np.square(outputs.astype(np.float64) - reference).sum(axis=axis))


def _fit(outputs: Array, reference: Array) -> Array:
    """Return the reference in the shape of the outputs, if they differ by axes of length 1 only.

    Raises:
        DataError: They differ otherwise.
    """
    ours, theirs = ([n for n in array.shape[1:] if n != 1] for array in (outputs, reference))
    if len(outputs) != len(reference) or ours != theirs:
        raise DataError(f"cannot compare outputs {outputs.shape} with a reference of shape {reference.shape}")
    return reference.reshape(outputs.shape)
