"""Where raw samples come from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import DataError

__all__ = ["ArraySource", "SampleSource"]

_HASH_BYTES = 1 << 24  # read at a time, so that a mapped file is never in memory as a whole


class SampleSource(Protocol):
    """Where raw samples come from; reads only what it is asked for."""

    @property
    def name(self) -> str:
        """File, folder or argument, as messages name it."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        ...

    def __len__(self) -> int:
        """Number of samples."""
        ...

    def read(self, indices: NDArray[np.intp]) -> NDArray[Any]:
        """Return raw samples (len(indices), *shape) of any real type; the caller does not write to them."""
        ...

    def fingerprint(self, indices: NDArray[np.intp]) -> str:
        """Return a hash of the content of these samples."""
        ...


@dataclass(frozen=True, eq=False)
class ArraySource:
    """Samples in one array, in memory or mapped from a file.

    Attributes:
        array: Samples (n, *shape) of booleans, integers or floats.
        name: File or argument, as messages name it.

    Raises:
        DataError: The array holds no numbers, or has no axis of samples.
    """

    array: NDArray[Any]
    name: str

    def __post_init__(self) -> None:
        """Refuse what can never be samples."""
        if self.array.dtype.kind not in "biuf":
            raise DataError(
                f"{self.name}: expected numbers, got an array of type {self.array.dtype}. "
                "Samples of equal shape make one array: np.stack(samples)."
            )
        if self.array.ndim == 0:
            raise DataError(f"{self.name}: expected an array of samples, got a single number")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.array.shape[1:])

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.array)

    def read(self, indices: NDArray[np.intp]) -> NDArray[Any]:
        """Return raw samples (len(indices), *shape); a run of neighbours is not copied."""
        first, count = int(indices[0]), len(indices)
        if np.array_equal(indices, np.arange(first, first + count)):
            return self.array[first : first + count]
        return self.array[indices]

    def fingerprint(self, indices: NDArray[np.intp]) -> str:
        """Return a hash of type, shape and values of these samples, read piece by piece."""
        digest = hashlib.blake2b(f"{self.array.dtype.str} {self.shape}".encode(), digest_size=16)
        step = max(1, _HASH_BYTES // max(1, prod(self.shape) * self.array.dtype.itemsize))
        for start in range(0, len(indices), step):
            digest.update(np.ascontiguousarray(self.read(indices[start : start + step])).data)
        return digest.hexdigest()
