"""Where cores are on a chip: tiles of 4 cores in a mesh of 8 by 4, chips in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CORES_PER_TILE", "MESH", "hops_between", "tile_order", "tile_positions"]

Array = NDArray[Any]
CORES_PER_TILE = 4
MESH = (8, 4)
"""Tiles of a chip along its two axes. That 128 cores are 32 tiles of 4 is inferred from Davies et al. 2018, table 2."""


def tile_order() -> list[tuple[int, int]]:
    """Return the tiles in an order in which neighbours are near: along a Hilbert curve, one square after the other."""
    square = [(0, 0)]
    for level in range(2):
        size = 1 << level
        square = [
            *((y, x) for x, y in square),
            *((x, y + size) for x, y in square),
            *((x + size, y + size) for x, y in square),
            *((2 * size - 1 - y, size - 1 - x) for x, y in square),
        ]
    return [*square, *((x + 4, y) for x, y in square)]


_ORDER = np.array(tile_order(), np.int64)


def tile_positions(core: Array, cores_per_chip: int) -> Array:
    """Return x and y of each core's tile, shape (n, 2); chips are side by side along x."""
    core = np.asarray(core, np.int64)
    chip, within = np.divmod(core, cores_per_chip)
    position = _ORDER[within // CORES_PER_TILE].copy()
    position[:, 0] += chip * MESH[0]
    return np.asarray(position)


def hops_between(source: Array, target: Array, cores_per_chip: int) -> Array:
    """Return the hops along x and y between the tiles of two arrays of cores, shape (n, 2)."""
    return np.asarray(np.abs(tile_positions(source, cores_per_chip) - tile_positions(target, cores_per_chip)))
