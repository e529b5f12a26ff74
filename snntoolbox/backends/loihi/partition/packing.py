"""Several small blocks on one core: the largest first, each onto the fullest core that still takes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.usage import combine, limit_vector

__all__ = ["pack"]

Array = NDArray[Any]


def pack(layout: Layout) -> Layout:
    """Return the layout on as few cores as first-fit decreasing finds, numbered in the order of the layers.

    A layout that takes more than one chip is packed chip by chip, so that no axon comes to lead off its chip.
    """
    blocks = [(name, index) for name, tiling in layout.tilings.items() for index in range(tiling.num_cores)]
    usage = {name: layout.usage(name) for name in layout.tilings}
    rows = np.stack([usage[name][index] for name, index in blocks])
    chips = np.array([layout.chip(name)[index] for name, index in blocks])
    core = {name: np.zeros_like(numbers) for name, numbers in layout.core.items()}
    for chip in np.unique(chips):
        chosen = np.flatnonzero(chips == chip)
        bins = _bins(rows[chosen], layout)
        # Cores are numbered in the order of the layers, so that neighbours in the network are neighbours on the chip.
        for number, members in enumerate(sorted(bins, key=min)):
            for member in members:
                name, index = blocks[chosen[member]]
                core[name][index] = chip * layout.limits.cores_per_chip + number
    return replace(layout, core=core)


def _bins(rows: Array, layout: Layout) -> list[list[int]]:
    """Return the rows that share a core."""
    fullness = (rows / np.maximum(limit_vector(rows, layout.limits), 1))[:, :-2].max(axis=1)
    bins: list[list[int]] = []
    totals = np.zeros((len(rows), rows.shape[1]), np.int64)
    for row in np.argsort(-fullness, kind="stable"):
        joined = combine([totals[: len(bins)], np.broadcast_to(rows[row], (len(bins), rows.shape[1]))])
        fits = np.flatnonzero((joined <= limit_vector(joined, layout.limits)).all(axis=1))
        if len(fits):
            best = int(fits[totals[fits, :4].sum(axis=1).argmax()])
            bins[best].append(int(row))
            totals[best] = joined[best]
        else:
            totals[len(bins)] = rows[row]
            bins.append([int(row)])
    return bins
