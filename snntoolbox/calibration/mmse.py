"""Scales with the smallest mean squared error for a given number of time steps.

A large scale makes the steps between the values that a neuron can send large; a small one clips large activations. For
a known number of steps the best compromise can be computed from the activations alone.
Source: Li et al. 2021, "A free lunch from ANN: towards efficient, accurate spiking neural networks calibration", 4.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration.histogram import LogHistogram
from snntoolbox.codes.rounding import Rounding

__all__ = ["mmse_scales"]

CANDIDATES = np.linspace(1.0, 0.06, 95)
"""Scales that are tried, as shares of the largest activation."""
_ROWS = 64
"""Rows looked at at a time; bounds the memory."""


def mmse_scales(histogram: LogHistogram, rounding: Rounding) -> NDArray[np.float64]:
    """Return, for each row, the scale that lets `Rounding` deviate least from the activations, in the square mean.

    Args:
        histogram: Activations of each channel.
        rounding: What neurons of the scale 1 make of evenly arriving input.

    Returns:
        Shape (rows,); NaN for rows without activity.
    """
    best = np.full(histogram.rows, np.nan)
    for start in range(0, histogram.rows, _ROWS):
        rows = np.arange(start, min(start + _ROWS, histogram.rows))
        rows = rows[histogram.maxima[rows] > 0]
        if len(rows):
            best[rows] = _search(histogram, rows, rounding)
    return best


def _search(histogram: LogHistogram, rows: NDArray[np.int64], rounding: Rounding) -> NDArray[np.float64]:
    values, counts = histogram.points(rows)
    top = histogram.maxima[rows].astype(np.float64) / rounding.peak
    errors = []
    for share in CANDIDATES:
        error = rounding.error(values, (top * share).astype(values.dtype)[:, None])
        errors.append(np.einsum("rn,rn,rn->r", error, error, counts))
    return np.asarray(top * CANDIDATES[np.argmin(errors, axis=0)])
