"""What becomes of a value when a limited number of messages stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import ConversionError

__all__ = ["Rounding"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Rounding:
    """The staircase that neurons make of evenly arriving input: unit * clip(floor(a / unit + start), 0, peak / unit).

    Attributes:
        unit: Height of a step: the smallest message, divided by the number of time steps.
        peak: Largest value: the largest message of a time step.
        start: Initial potential as a fraction of the smallest message. At half, values are rounded; at 0, cut off.
    """

    unit: float
    peak: float = 1.0
    start: float = 0.5

    def __post_init__(self) -> None:
        """Check limits.

        Raises:
            ConversionError: Unit or peak are not positive.
        """
        if not (self.unit > 0 and self.peak > 0):
            raise ConversionError(f"rounding: expected unit and peak > 0, got {self.unit} and {self.peak}")

    def error(self, values: Array, scale: float | Array = 1.0) -> Array:
        """Return what the staircase adds to values >= 0, for neurons whose units are multiplied by ``scale``."""
        unit = np.asarray(scale * self.unit, values.dtype)
        steps = np.floor(values / unit + np.asarray(self.start, values.dtype))
        steps = np.minimum(steps, np.asarray(np.floor(self.peak / self.unit + 1e-9), values.dtype))
        return np.asarray(steps * unit - values)
