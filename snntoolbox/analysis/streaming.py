"""Statistics of values that pass by batch after batch: bounded memory, whatever the size of the data set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Histogram", "HistogramCounter", "PairStatistics", "Reservoir"]

Array = NDArray[Any]
_CHUNK = 1 << 20  # values turned into float64 at a time


class PairStatistics:
    """Sums over pairs (reference x, estimate y), combined batch by batch without cancellation (Chan et al. 1983).

    Attributes:
        count: Number of pairs.
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean = np.zeros(2)
        self._moments = np.zeros(3)  # sums of squared and mixed deviations from the means: xx, yy, xy
        self._absolute = 0.0
        self._squared = 0.0
        self.max_abs_error = 0.0

    def add(self, x: Array, y: Array) -> None:
        """Add pairs of values; both arrays have the same shape.

        Raises:
            ValueError: They do not.
        """
        if x.shape != y.shape:
            raise ValueError(f"expected arrays of one shape, got {x.shape} and {y.shape}")
        for a, b in _chunks(x, y):
            self._add(a, b)

    def _add(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        error = np.abs(y - x)
        self._absolute += float(error.sum())
        self._squared += float(error @ error)
        self.max_abs_error = max(self.max_abs_error, float(error.max()))
        mean = np.array([x.mean(), y.mean()])
        x, y = x - mean[0], y - mean[1]
        count = self.count + x.size
        shift = mean - self._mean
        between = np.array([shift[0] ** 2, shift[1] ** 2, shift[0] * shift[1]]) * (self.count * x.size / count)
        self._moments += np.array([x @ x, y @ y, x @ y]) + between
        self._mean += shift * (x.size / count)
        self.count = count

    @property
    def mean_reference(self) -> float | None:
        """Mean of x; None without pairs."""
        return float(self._mean[0]) if self.count else None

    @property
    def mean_abs_error(self) -> float | None:
        """Mean of abs(y - x); None without pairs."""
        return self._absolute / self.count if self.count else None

    @property
    def mean_squared_error(self) -> float | None:
        """Mean of (y - x)²; None without pairs."""
        return self._squared / self.count if self.count else None

    @property
    def correlation(self) -> float | None:
        """Pearson correlation; None if x or y never changes."""
        xx, yy, xy = self._moments
        scale = math.sqrt(xx) * math.sqrt(yy)
        return max(-1.0, min(1.0, float(xy) / scale)) if scale > 0 else None

    @property
    def r_squared(self) -> float | None:
        """Share of the variance of x that y accounts for: 1 - sum (y - x)² / sum (x - mean x)².

        None if x never changes. Unlike the correlation it also falls, even below 0, with a wrong offset or factor.
        """
        variance = float(self._moments[0])
        return 1 - self._squared / variance if variance > 0 else None


def _chunks(x: Array, y: Array) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    flat_x, flat_y = x.reshape(-1), y.reshape(-1)
    for start in range(0, flat_x.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        yield flat_x[part].astype(np.float64), flat_y[part].astype(np.float64)


class Reservoir:
    """A uniform random choice of the pairs that passed by, for scatter plots.

    Attributes:
        capacity: How many pairs are kept at most.
        seen: How many pairs passed by.
    """

    def __init__(self, capacity: int, seed: int = 0) -> None:
        self.capacity, self.seen = capacity, 0
        self._rng = np.random.default_rng(seed)
        self._kept = np.empty((2, 0), np.float32)

    def add(self, x: Array, y: Array) -> None:
        """Offer pairs; arrays of shape (n,)."""
        if not x.size:
            return
        if self.seen <= self.capacity:  # all pairs so far are at hand: choose among them and the new ones
            pool = np.stack([np.concatenate([self._kept[0], x]), np.concatenate([self._kept[1], y])])
            self._kept = pool[:, self._choose(pool.shape[1], self.capacity)].astype(np.float32)
        else:
            share = x.size / (self.seen + x.size)
            arriving = min(int(self._rng.binomial(self.capacity, share)), x.size)
            places, chosen = self._choose(self.capacity, arriving), self._choose(x.size, arriving)
            self._kept[:, places] = x[chosen], y[chosen]
        self.seen += x.size

    def _choose(self, among: int, count: int) -> NDArray[np.int64]:
        return self._rng.choice(among, min(among, count), replace=False)

    @property
    def pairs(self) -> NDArray[np.float32]:
        """The choice, shape (2, n) with n <= capacity: x, y."""
        return self._kept.copy()


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of values in bins of equal width; exact zeros are counted apart.

    Attributes:
        edges: Shape (bins + 1,), ascending.
        counts: Values in each bin, shape (bins,).
        below: Values under the first edge.
        above: Values at or over the last edge.
        zeros: Values that are exactly 0.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    below: int = 0
    above: int = 0
    zeros: int = 0

    @property
    def total(self) -> int:
        """Number of all values."""
        return int(self.counts.sum()) + self.below + self.above + self.zeros


@dataclass(eq=False)
class HistogramCounter:
    """Counts values into a `Histogram`.

    Attributes:
        start: First edge.
        width: Width of a bin, > 0.
        bins: Number of bins.
    """

    start: float
    width: float
    bins: int
    _counts: NDArray[np.int64] = field(init=False, repr=False)
    _zeros: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        """Start with no values."""
        self._counts = np.zeros(self.bins + 2, np.int64)

    def add(self, values: Array) -> None:
        """Count values; an array of any shape."""
        nonzero = values[values != 0]
        self._zeros += values.size - nonzero.size
        place = np.floor((nonzero - self.start) / self.width).astype(np.int64) + 1
        self._counts += np.bincount(place.clip(0, self.bins + 1), minlength=self.bins + 2)

    def result(self) -> Histogram:
        """Return the counts so far."""
        edges = self.start + self.width * np.arange(self.bins + 1, dtype=np.float64)
        below, *_, above = self._counts.tolist()
        return Histogram(edges, self._counts[1:-1].copy(), int(below), int(above), self._zeros)
