"""When a network has made up its mind: settling times of curves over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["first_step", "settling_step"]


def _close(curve: ArrayLike, target: float, tolerance: float) -> NDArray[np.bool_]:
    values: NDArray[Any] = np.asarray(curve, np.float64)
    # The slack keeps 0.97 within 0.01 of 0.98, which rounding would decide otherwise.
    return np.asarray(values >= target - tolerance - 1e-9)


def first_step(curve: ArrayLike, target: float, tolerance: float) -> int | None:
    """Return the first step, counted from 1, with a value of at least ``target - tolerance``; None if there is none.

    Args:
        curve: Accuracy after each step, shape (steps,).
        target: Accuracy to reach, such as that of the ANN.
        tolerance: How much may be missing, in the same units.
    """
    close = _close(curve, target, tolerance)
    return int(close.argmax()) + 1 if close.any() else None


def settling_step(curve: ArrayLike, target: float, tolerance: float) -> int | None:
    """Return the first step, counted from 1, from which on the curve never falls below ``target - tolerance`` again.

    None if even the last value is below. Parameters as in `first_step`.
    """
    below = ~_close(curve, target, tolerance)
    if not below.size or below[-1]:
        return None
    return int(below.size - below[::-1].argmax()) + 1 if below.any() else 1
