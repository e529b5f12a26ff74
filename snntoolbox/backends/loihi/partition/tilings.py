"""Candidates: the ways to cut a layer into cores of one shape."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tile", "Tiling", "make_tiling", "num_cores", "tiles"]

Array = NDArray[Any]
Tile = tuple[tuple[int, ...], tuple[int, ...]]
"""Shape of a layer, or (n,) if it is cut along its flattened neurons, and shape of a core's block."""


@dataclass(frozen=True, eq=False)
class Tiling:
    """A layer cut into cores.

    Attributes:
        shape: Of the layer, or (n,) if it is cut along the flattened neurons.
        tile: Shape of a core's block; those at the border may be smaller.
        core: Core of each neuron, counted from 0 within the layer, int32, shape (n,).
        local: Place of each neuron on its core, row-major in the block, int32, shape (n,).
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]
    core: Array
    local: Array

    @property
    def key(self) -> Tile:
        """Shape and tile, which tell the tilings of a layer apart."""
        return self.shape, self.tile

    @property
    def num_cores(self) -> int:
        """Number of cores."""
        return num_cores(self.shape, self.tile)

    def sizes(self) -> Array:
        """Return the number of neurons of each core."""
        return np.bincount(self.core, minlength=self.num_cores)


def num_cores(shape: tuple[int, ...], tile: tuple[int, ...]) -> int:
    """Return the number of blocks of shape ``tile`` that cover ``shape``."""
    return prod(ceil(n / t) for n, t in zip(shape, tile, strict=True))


def make_tiling(shape: tuple[int, ...], tile: tuple[int, ...]) -> Tiling:
    """Return the tiling of a layer of ``shape`` in blocks of shape ``tile``."""
    coordinates = np.indices(shape, np.int32).reshape(len(shape), -1)
    core = np.zeros(coordinates.shape[1], np.int32)
    local = np.zeros_like(core)
    for axis, (n, t) in enumerate(zip(shape, tile, strict=True)):
        block = coordinates[axis] // t
        core = core * np.int32(ceil(n / t)) + block
        width = np.minimum(t, n - block * t).astype(np.int32)
        local = local * width + coordinates[axis] - block * t
    return Tiling(shape, tile, core, local)


def tiles(shape: tuple[int, ...], largest: int, *, flat: bool = False) -> list[Tile]:
    """Return the ways to cut a layer in order of their number of cores, cuts along the channels first.

    Args:
        shape: Of the layer.
        largest: Neurons that fit into a core.
        flat: Also cut along the flattened neurons, in parts that need not be blocks.
    """
    found: dict[Tile, tuple[int, ...]] = {}
    for tile in product(*(sorted({ceil(n / k) for k in range(1, n + 1)}) for n in shape)):
        if prod(tile) <= largest:
            parts = tuple(ceil(n / t) for n, t in zip(shape, tile, strict=True))
            if tuple(ceil(n / p) for n, p in zip(shape, parts, strict=True)) == tile:
                found[shape, tile] = (prod(parts), 0, *parts[:-1][::-1])
    if flat and len(shape) > 1:
        size = prod(shape)
        for cores in range(ceil(size / largest), size + 1):
            tile = (ceil(size / cores),)
            if ceil(size / tile[0]) == cores:
                found[(size,), tile] = (cores, 1)
            if cores > 4 * ceil(size / largest) + 64:
                break
    return sorted(found, key=found.__getitem__)
