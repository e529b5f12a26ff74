"""Samples in batches, for what goes through them more than once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from snntoolbox.errors import ConversionError

__all__ = ["Batches"]


class Batches:
    """Samples that can be gone through again and again: an array, a mapping of arrays, or an iterable of batches."""

    def __init__(self, x: Any, batch_size: int) -> None:
        """Take the samples.

        Args:
            x: The samples.
            batch_size: Samples of an array that are handed out at a time.

        Raises:
            ConversionError: It is an iterator, which ends after one use.
        """
        self._x, self._size = x, batch_size
        if isinstance(x, Iterator):
            raise ConversionError(
                "x_norm: expected an array or a list of batches, got an iterator that ends after one use"
            )

    def __iter__(self) -> Iterator[Any]:
        """Yield the samples, batch by batch."""
        if isinstance(self._x, Mapping):
            count = len(next(iter(self._x.values())))
            for i in range(0, count, self._size):
                yield {name: np.asarray(values)[i : i + self._size] for name, values in self._x.items()}
        elif isinstance(self._x, np.ndarray):
            yield from (self._x[i : i + self._size] for i in range(0, len(self._x), self._size))
        else:
            yield from self._x

    def first(self, count: int) -> Any:
        """Return the first samples, as many as there are up to ``count``."""
        blocks: list[Any] = []
        for batch in self:
            blocks.append(batch)
            if sum(len(next(iter(b.values())) if isinstance(b, Mapping) else b) for b in blocks) >= count:
                break
        if isinstance(blocks[0], Mapping):
            return {name: np.concatenate([b[name] for b in blocks])[:count] for name in blocks[0]}
        return np.concatenate(blocks)[:count]

    def some(self, count: int) -> Any:
        """Return at most ``count`` samples.

        Raises:
            ConversionError: There are none.
        """
        first = next(iter(self), None)
        if first is None or (not isinstance(first, Mapping) and len(first) == 0):
            raise ConversionError("x_norm: expected at least one sample to normalise with, got none")
        if isinstance(first, Mapping):
            return {name: values[:count] for name, values in first.items()}
        return first[:count]
