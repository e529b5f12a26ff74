"""Samples as a network takes them: one array for each of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snntoolbox.errors import DataError

__all__ = ["Array", "Samples", "named_samples"]

Array = NDArray[np.floating[Any]]
Samples = ArrayLike | Mapping[str, ArrayLike]
"""An array (num_samples, *shape) for a network with one input; a mapping from input names to arrays for several."""


def named_samples(shapes: Mapping[str, tuple[int | None, ...]], x: Samples) -> dict[str, NDArray[Any]]:
    """Return one array for each input, checked.

    Args:
        shapes: Shape of each input without the axis of samples, by name; None stands for any size.
        x: Samples.

    Raises:
        DataError: An input is missing or unknown, or an array is not numeric or of another shape.
    """
    if not isinstance(x, Mapping):
        if len(shapes) != 1:
            raise DataError(f"the network has {len(shapes)} inputs: expected a mapping with {list(shapes)}")
        x = {next(iter(shapes)): x}
    if set(x) != set(shapes):
        raise DataError(f"expected samples for the inputs {list(shapes)}, got {list(x)}")
    arrays = {name: np.asarray(x[name]) for name in shapes}
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf" or array.ndim == 0 or not _fits(shapes[name], array.shape[1:]):
            shape = ", ".join("any" if size is None else str(size) for size in shapes[name])
            raise DataError(
                f"input '{name}': expected numbers of shape (num_samples, {shape}), got {array.dtype} {array.shape}"
            )
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = {name: len(array) for name, array in arrays.items()}
        raise DataError(f"expected equally many samples for every input, got {lengths}")
    return arrays


def _fits(expected: tuple[int | None, ...], shape: tuple[int, ...]) -> bool:
    return len(expected) == len(shape) and all(a in (None, b) for a, b in zip(expected, shape, strict=True))
