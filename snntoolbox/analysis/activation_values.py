"""Which integers the activations of a network are, once they are rounded to a number of bits, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.entropy_codes import CodeFit, entropy, fit_codes
from snntoolbox.errors import DataError

__all__ = ["ActivationCoding", "ActivationCounter", "count_activations"]

Array = NDArray[Any]
_CHUNK = 1 << 22  # values rounded at a time


@dataclass(frozen=True, eq=False)
class ActivationCoding:
    """The distribution of a network's activations, and how codes fit it.

    Attributes:
        bits: Width that activations were rounded to.
        zeros: Share of values that are 0.
        entropy: In bits: what the best code would need for a value.
        codes: Code -> how well it fits.
        counts: How often each value occurred, shape (values,).
        layers: Layer -> how well every code fits its activations alone.
    """

    bits: int
    zeros: float
    entropy: float
    codes: Mapping[str, CodeFit]
    counts: NDArray[np.int64] = field(metadata={"json": False})
    layers: Mapping[str, Mapping[str, CodeFit]] = field(default_factory=dict)


class ActivationCounter:
    """Counts rounded activations, batch after batch; memory does not grow with their number.

    An activation a becomes round(a (2^bits - 1)), at most 2^bits - 1. Negative ones, of rectifiers with a slope, take
    turns with positive ones: 0, -1, 1, -2, 2, ... become 0, 1, 2, 3, 4, ...

    Args:
        bits: Width of an activation, 1 to 16.

    Raises:
        DataError: The width is out of range.
    """

    def __init__(self, bits: int = 8) -> None:
        if not 1 <= bits <= 16:
            raise DataError(f"entropy codes: expected 1 to 16 bits, got {bits}")
        self._bits = bits
        self._positive: dict[str, NDArray[np.int64]] = {}
        self._negative: dict[str, NDArray[np.int64]] = {}

    def add(self, activations: Mapping[str, Array]) -> None:
        """Add a batch: layer -> activations of any shape, normalised so that 1 is the largest that is to be sent."""
        highest = 2**self._bits - 1
        for name, values in activations.items():
            if name not in self._positive:
                self._positive[name] = np.zeros(highest + 1, np.int64)
                self._negative[name] = np.zeros(highest + 1, np.int64)
            flat = values.reshape(-1)
            for start in range(0, flat.size, _CHUNK):
                rounded = np.rint(flat[start : start + _CHUNK] * highest).clip(-highest, highest).astype(np.int64)
                self._positive[name] += np.bincount(rounded[rounded >= 0], minlength=highest + 1)
                self._negative[name] += np.bincount(-rounded[rounded < 0], minlength=highest + 1)

    def result(self) -> ActivationCoding | None:
        """Return the distribution so far and how codes fit it; None without activations."""
        counts = {name: self._counts([name]) for name in self._positive}
        if not counts:
            return None
        every = self._counts(list(counts))
        layers = {name: fit_codes(values) for name, values in counts.items()}
        return ActivationCoding(
            self._bits, float(every[0] / every.sum()), entropy(every), fit_codes(every), every, layers
        )

    def _counts(self, names: list[str]) -> NDArray[np.int64]:
        positive: NDArray[np.int64] = np.sum([self._positive[name] for name in names], axis=0, dtype=np.int64)
        negative: NDArray[np.int64] = np.sum([self._negative[name] for name in names], axis=0, dtype=np.int64)
        if not negative.any():
            return positive
        turns = np.zeros(2 * len(positive) - 1, np.int64)
        turns[0::2], turns[1::2] = positive, negative[1:]
        return turns


def count_activations(batches: Iterable[Mapping[str, Array]], bits: int = 8) -> ActivationCoding:
    """Return the distribution of activations, such as `snntoolbox.evaluate` gives for a normalised graph.

    Args:
        batches: Layer -> activations, batch after batch.
        bits: Width that activations are rounded to.

    Raises:
        DataError: There are none, or the width is out of range.
    """
    counter = ActivationCounter(bits)
    for batch in batches:
        counter.add(batch)
    result = counter.result()
    if result is None:
        raise DataError("entropy codes: expected activations of at least one layer, got none")
    return result
