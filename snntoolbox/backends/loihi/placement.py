"""Where on the mesh each core goes: short ways for spikes.

Cores start along a Hilbert curve in the order of the layers; then pairs are swapped as long as that shortens the ways.
Only places on one chip are swapped, so that no axon comes to lead off its chip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.mesh import hops_between
from snntoolbox.backends.loihi.partition.layout import Layout

__all__ = ["place", "route_length"]

Array = NDArray[Any]
_ROUNDS = 20


def route_length(traffic: Array, cores_per_chip: int, slot: Array | None = None) -> float:
    """Return hops times messages; ``slot`` is the place of each core, its own number unless given."""
    slot = np.arange(len(traffic)) if slot is None else slot
    return float((_distances(slot, cores_per_chip) * traffic).sum())


def place(layout: Layout, rates: Mapping[str, Array] | None = None) -> Layout:
    """Return the layout with its cores where spikes have short ways.

    Args:
        layout: The layout.
        rates: Layer -> spikes a step of each neuron; all alike unless given.
    """
    per_chip = layout.limits.cores_per_chip
    flow = layout.traffic(rates)
    flow = flow + flow.T
    chips = layout.num_chips
    size = max(chips * per_chip, len(flow))
    traffic = np.zeros((size, size))
    traffic[: len(flow), : len(flow)] = flow
    slot = np.arange(size)
    for chip in range(chips):
        _improve(traffic, slot, np.arange(chip * per_chip, (chip + 1) * per_chip), per_chip)
    return replace(layout, core={name: slot[core] for name, core in layout.core.items()})


def _distances(slot: Array, cores_per_chip: int) -> Array:
    return np.asarray(hops_between(slot[:, None].repeat(len(slot), 1).reshape(-1), np.tile(slot, len(slot)),
                                   cores_per_chip).sum(axis=1).reshape(len(slot), len(slot)))  # fmt: skip


def _improve(traffic: Array, slot: Array, cores: Array, cores_per_chip: int) -> None:
    """Swap the slots of ``cores`` as long as it helps; the best partner of each core in turn."""
    distance = _distances(np.arange(len(traffic)), cores_per_chip)
    busy = cores[traffic[cores].sum(axis=1) > 0]
    for _ in range(_ROUNDS):
        gained = False
        for one in busy:
            now = distance[np.ix_(slot[cores], slot)]  # of each core, to all others
            cost_of_one = traffic[one] @ distance[slot[cores]][:, slot].T  # if it were in the place of each core
            own = np.einsum("ij,ij->i", traffic[cores], now)
            swapped = traffic[cores] @ distance[slot[one], slot]
            mine = float(traffic[one] @ distance[slot[one], slot])
            # Two cores that swap keep the way between them, which the sums above count as none.
            between = 2 * traffic[one, cores] * distance[slot[one], slot[cores]]
            change = cost_of_one + swapped + between - own - mine
            best = int(np.argmin(change))
            if change[best] < -1e-9:
                other = cores[best]
                slot[one], slot[other] = slot[other], slot[one]
                gained = True
        if not gained:
            return
