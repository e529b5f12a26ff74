"""The result of partitioning: every layer's tiling, the axons between them, and the physical core of every block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.limits import Limits
from snntoolbox.backends.loihi.network import Network
from snntoolbox.backends.loihi.partition.axons import AxonPlan
from snntoolbox.backends.loihi.partition.tilings import Tiling
from snntoolbox.backends.loihi.partition.usage import combine, output_table, own_usage, target_usage

__all__ = ["Layout"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Layout:
    """A network cut into cores.

    Attributes:
        network: The network.
        limits: What the cores have.
        tilings: Layer -> its cut into blocks.
        plans: Axons of each projection, in the order of the network.
        core: Layer -> physical core of each block, counted over all chips: chip = core // cores_per_chip.
        cost: Value of the cost function (Rueckauer 2020, eq. 3.1).
        evaluated: Candidates that the search computed in full.
    """

    network: Network
    limits: Limits
    tilings: Mapping[str, Tiling]
    plans: tuple[AxonPlan, ...]
    core: Mapping[str, Array]
    cost: float = 0.0
    evaluated: int = 0

    @property
    def num_cores(self) -> int:
        """Number of physical cores that hold anything."""
        return len(np.unique(np.concatenate([*self.core.values()])))

    @property
    def num_chips(self) -> int:
        """Number of chips, up to the last one used."""
        return 1 + int(max(core.max() for core in self.core.values())) // self.limits.cores_per_chip

    def chip(self, layer: str) -> Array:
        """Return the chip of each block of a layer."""
        return np.asarray(self.core[layer] // self.limits.cores_per_chip)

    def usage(self, layer: str) -> Array:
        """Return what each block of a layer takes, a row for each block, the columns of `usage.RESOURCES`."""
        cores = self.tilings[layer].num_cores
        tables = [own_usage(self.network[layer], self.tilings[layer])]
        for projection, plan in zip(self.network.projections, self.plans, strict=True):
            if projection.target == layer:
                tables.append(target_usage(plan, cores, projection.delay_bits))
            if projection.source == layer:
                tables.append(output_table(plan.output_axons(self.chip(layer), self.chip(projection.target))))
        return combine(tables)

    def core_usage(self) -> dict[int, Array]:
        """Return what each physical core takes."""
        rows: dict[int, list[Array]] = {}
        for layer in self.tilings:
            for core, row in zip(self.core[layer], self.usage(layer), strict=True):
                rows.setdefault(int(core), []).append(row)
        return {core: combine(parts) for core, parts in sorted(rows.items())}

    def traffic(self, rates: Mapping[str, Array] | None = None) -> Array:
        """Return messages a step from core to core, a square matrix over the physical cores.

        Args:
            rates: Layer -> spikes a step of each neuron; 1 unless given.
        """
        size = 1 + int(max(core.max() for core in self.core.values()))
        total = np.zeros((size, size))
        for projection, plan in zip(self.network.projections, self.plans, strict=True):
            fanout = plan.fanout
            weight = 1.0 if rates is None else rates[projection.source][fanout.source]
            source = self.core[projection.source][plan.source_core]
            np.add.at(total, (source, self.core[projection.target][fanout.core]), weight)
        return total
