"""Histograms of positive numbers over many orders of magnitude, filled batch by batch in memory that does not grow.

A float32 is its own logarithmic bucket: the exponent and the first mantissa bits, read as one integer, count up with
the value. Buckets are as wide as the last bit kept, so every value is known to a relative error of at most 2**-bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogHistogram"]

_MANTISSA = 23
_CHUNK = 1 << 21
"""Values sorted into buckets at a time; bounds the temporary memory to some 50 MB."""


class LogHistogram:
    """Counts of the positive values of several rows (channels), with their exact maxima.

    Each row keeps the highest ``octaves`` powers of two it has seen; what lies below is only counted. Percentiles above
    that are found with a relative error of at most `relative_error`, the maximum exactly.

    Attributes:
        rows: Number of rows.
        num_values: Number of values added to each row, zeros included.
        maxima: Largest value of each row, shape (rows,); 0 if none was positive.
    """

    def __init__(self, rows: int = 1, *, bits: int = 10, octaves: int = 24) -> None:
        """Start empty.

        Args:
            rows: Number of rows.
            bits: Mantissa bits that tell buckets apart, 1 to 23.
            octaves: Powers of two covered.
        """
        self.rows, self.num_values = rows, 0
        self._bits, self._size = bits, octaves << bits
        self._counts = np.zeros((rows, self._size), np.int64)
        self._below = np.zeros(rows, np.int64)
        self._top = np.zeros(rows, np.int64)  # biased exponent of the highest octave
        self.maxima = np.zeros(rows, np.float32)

    @property
    def relative_error(self) -> float:
        """Largest relative error of a percentile that lies within the octaves kept."""
        return 2.0**-self._bits

    @property
    def num_positive(self) -> NDArray[np.int64]:
        """Number of positive values of each row, shape (rows,)."""
        return np.asarray(self._counts.sum(axis=1) + self._below)

    def add(self, values: NDArray[Any]) -> None:
        """Count finite values >= 0 of shape (n, rows)."""
        step = max(1, _CHUNK // self.rows)
        for start in range(0, len(values), step):
            self._add(np.ascontiguousarray(values[start : start + step], np.float32))

    def _add(self, values: NDArray[np.float32]) -> None:
        highest = values.max(axis=0)
        self.maxima = np.maximum(self.maxima, highest)
        self._raise_to((highest.view(np.uint32) >> _MANTISSA).astype(np.int64))
        place = (values.view(np.uint32) >> (_MANTISSA - self._bits)).astype(np.int64) - self._base
        positive = values > 0
        self._below += np.sum(positive & (place < 0), axis=0)
        kept = (place + np.arange(self.rows) * self._size)[positive & (place >= 0)]
        self._counts += np.bincount(kept, minlength=self._counts.size).reshape(self._counts.shape)
        self.num_values += len(values)

    @property
    def _base(self) -> NDArray[np.int64]:
        """Bit pattern of the first bucket of each row."""
        return ((self._top + 1) << self._bits) - self._size

    def _raise_to(self, top: NDArray[np.int64]) -> None:
        """Move the octaves of rows up to hold larger values; buckets that fall out are only counted from then on."""
        for row in np.flatnonzero(top > self._top):
            shift = min(int(top[row] - self._top[row]) << self._bits, self._size)
            self._below[row] += self._counts[row, :shift].sum()
            self._counts[row, : self._size - shift] = self._counts[row, shift:].copy()
            self._counts[row, self._size - shift :] = 0
            self._top[row] = top[row]

    def percentile(self, percentile: float, *, zeros: bool = False) -> NDArray[np.float64]:
        """Return a percentile of the positive values of each row, shape (rows,); NaN where there are none.

        Order statistics are interpolated linearly, as `numpy.percentile` does, and each is placed within its bucket by
        its rank there.

        Args:
            percentile: In [0, 100].
            zeros: Whether values that are not positive count as well. The result is NaN where the percentile is one of
                them.
        """
        result = np.full(self.rows, np.nan)
        for row in range(self.rows):
            cumulative = np.cumsum(self._counts[row]) + self._below[row]
            total = int(cumulative[-1])
            silent = self.num_values - total if zeros else 0
            position = (total + silent - 1) * percentile / 100 - silent
            if total and position >= 0:
                rank, share = divmod(position, 1)
                ranks = (int(rank), min(int(rank) + 1, total - 1))
                low, high = (self._order_statistic(row, cumulative, k) for k in ranks)
                result[row] = low + share * (high - low)
        return result

    def _order_statistic(self, row: int, cumulative: NDArray[np.int64], rank: int) -> float:
        """Return the value of a rank, counted from 0 over the positive values of a row."""
        if rank == cumulative[-1] - 1:
            return float(self.maxima[row])
        place = int(np.searchsorted(cumulative, rank, side="right"))
        count = int(self._counts[row, place])
        before = int(cumulative[place]) - count
        lower, upper = self._edges(np.array([place, place + 1]) + self._base[row])
        inside = lower if rank < before or not count else lower + (rank - before + 0.5) / count * (upper - lower)
        return min(float(inside), float(self.maxima[row]))

    def _edges(self, patterns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the values at which buckets of these bit patterns begin."""
        limited = np.clip(patterns, 0, 255 << self._bits).astype(np.uint32)
        return (limited << np.uint32(_MANTISSA - self._bits)).view(np.float32).astype(np.float64)

    def points(self, rows: NDArray[np.int64], per_bucket: int = 2) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return values spread evenly over the buckets, and how many each stands for, both (rows, n).

        Args:
            rows: Numbers of the rows.
            per_bucket: Values in each bucket.
        """
        patterns = np.arange(self._size + 1) + self._base[rows, None]
        edges = self._edges(patterns)
        inside = (np.arange(per_bucket) + 0.5) / per_bucket
        values = edges[:, :-1, None] + inside * np.diff(edges)[..., None]
        limited = np.minimum(values.reshape(len(rows), -1), self.maxima[rows, None])
        counts = np.repeat(self._counts[rows] / per_bucket, per_bucket, axis=1)
        return limited.astype(np.float32), counts.astype(np.float32)

    def merged(self) -> LogHistogram:
        """Return one row with the values of all."""
        one = LogHistogram(bits=self._bits, octaves=self._size >> self._bits)
        one.num_values, one.maxima = self.num_values * self.rows, self.maxima.max(keepdims=True)
        same = LogHistogram(self.rows, bits=self._bits, octaves=self._size >> self._bits)
        same._counts, same._below, same._top = self._counts.copy(), self._below.copy(), self._top.copy()
        same._raise_to(np.full(self.rows, self._top.max()))
        one._counts, one._below = same._counts.sum(axis=0, keepdims=True), same._below.sum(keepdims=True)
        one._top = same._top[:1]
        return one

    def coarse(self, per_octave: int = 4) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return edges (n + 1,) and counts (n,) of the first row for a figure, from the first value to the last."""
        group = (1 << self._bits) // per_octave
        counts = self._counts[0].reshape(-1, group).sum(axis=1)
        edges = self._edges(np.arange(0, self._size + 1, group) + self._base[0])
        filled = np.flatnonzero(counts)
        first, last = (int(filled[0]), int(filled[-1])) if len(filled) else (0, -1)
        return edges[first : last + 2], counts[first : last + 1]
