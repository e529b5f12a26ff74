"""Max-pooling of input that arrives over time, in NumPy; the equations are in `snntoolbox.ir.ops.SpikingMaxPool`."""

from __future__ import annotations

import numpy as np

from snntoolbox.backends.record import Array
from snntoolbox.ir.ops import SpikingMaxPool
from snntoolbox.ir.windows import pad_spatial, pool_windows

__all__ = ["MaxPoolState"]


class MaxPoolState:
    """Running sums or rate estimates of one pooling op."""

    def __init__(self, op: SpikingMaxPool) -> None:
        self._op = op
        self._estimate: Array | None = None
        self._pooled: Array | float = 0.0

    def _windows(self, x: Array, fill: float) -> Array:
        """Return the windows of x, flattened: (batch, *spatial', channels, elements)."""
        op = self._op
        windows = pool_windows(pad_spatial(x, op.padding, fill), op.pool, op.strides, (1,) * len(op.pool))
        return windows.reshape(*windows.shape[: -len(op.pool)], -1)

    def step(self, x: Array, step: int) -> Array:
        """Return the pooled message of this step for the input x, shape (batch, *spatial, channels)."""
        before = np.zeros_like(x) if self._estimate is None else self._estimate
        if self._op.method == "exp_max":
            self._estimate = before + (x - before) / self._op.time_constant
        else:
            self._estimate = before + (x / step if self._op.method == "fir_max" else x)
        windows = self._windows(self._estimate, -np.inf)
        if self._op.method == "cumulative":
            pooled = windows.max(axis=-1)
            message = pooled - self._pooled
            self._pooled = pooled
            return np.asarray(message)
        winner = windows.argmax(axis=-1)[..., None]
        return np.take_along_axis(self._windows(x, 0.0), winner, axis=-1)[..., 0]
