"""What cores take of each resource, as a table with a row for each core, and what of it is too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.limits import Limits
from snntoolbox.backends.loihi.network import Population
from snntoolbox.backends.loihi.partition.axons import AxonPlan
from snntoolbox.backends.loihi.partition.tilings import Tiling

__all__ = [
    "RESOURCES",
    "Excess",
    "combine",
    "excess",
    "limit_vector",
    "output_table",
    "own_usage",
    "target_usage",
]

Array = NDArray[Any]

RESOURCES = (
    "compartments", "input_axons", "output_axons", "synapse_words", "formats", "profiles", "threshold_profiles",
    "delay_bits", "words_per_list",
)  # fmt: skip
"""Columns of a table of usage. The last two do not add up when layers share a core: the larger counts."""
_MAXIMA = 2
_COLUMN = {name: i for i, name in enumerate(RESOURCES)}


@dataclass(frozen=True)
class Excess:
    """A limit that is exceeded.

    Attributes:
        resource: Which.
        needed: What the fullest core would take.
        available: What it has.
    """

    resource: str
    needed: int
    available: int

    def __str__(self) -> str:
        """The limit, and by how much it is exceeded."""
        over = f" ({100 * (self.needed / self.available - 1):.0f} % too many)" if self.available else ""
        return f"{self.resource}: a core would need {self.needed} and has {self.available}{over}"


def combine(tables: Sequence[Array]) -> Array:
    """Return the usage of cores on which the layers of all ``tables`` are."""
    total = np.sum(tables, axis=0)
    total[..., -_MAXIMA:] = np.max(np.stack(tables)[..., -_MAXIMA:], axis=0)
    return np.asarray(total)


def limit_vector(table: Array, limits: Limits) -> Array:
    """Return what is available in each column, for each row; compartments depend on the delay bits."""
    fixed = [0 if name == "delay_bits" else getattr(limits, name) for name in RESOURCES]
    available = np.broadcast_to(np.array(fixed, np.int64), table.shape).copy()
    delay = table[..., _COLUMN["delay_bits"]]
    available[..., 0] = np.minimum(limits.compartments, (limits.compartments << 3) >> np.maximum(delay, 3))
    available[..., _COLUMN["delay_bits"]] = 6
    return available


def excess(table: Array, limits: Limits) -> Excess | None:
    """Return the limit that the rows of ``table`` exceed most, or None if all of them fit."""
    available = limit_vector(table, limits)
    over = np.where(table > available, table / np.maximum(available, 1), 0)
    if not over.size or over.max() == 0:
        return None
    row, column = np.unravel_index(over.argmax(), over.shape)
    return Excess(RESOURCES[column], int(table[row, column]), int(available[row, column]))


def own_usage(population: Population, tiling: Tiling) -> Array:
    """Return what a layer takes wherever its spikes come from and go: compartments, profiles, feedback."""
    cores = tiling.num_cores
    table = np.zeros((cores, len(RESOURCES)), np.int64)
    sizes = tiling.sizes()
    table[:, 0] = sizes * population.compartments_per_neuron
    for resource, kinds in population.kinds.items():
        table[:, _COLUMN[resource]] = _distinct(tiling.core, kinds, cores)
    if population.soft:
        table[:, _COLUMN["profiles"]] += 1  # the somata
        table[:, _COLUMN["input_axons"]] = table[:, _COLUMN["output_axons"]] = sizes
        table[:, _COLUMN["words_per_list"]] = 1
    return table


def target_usage(plan: AxonPlan, cores: int, delay_bits: int) -> Array:
    """Return what a projection takes on the cores of its target."""
    table = np.zeros((cores, len(RESOURCES)), np.int64)
    table[:, _COLUMN["input_axons"]] = plan.input_axons(cores)
    table[:, _COLUMN["synapse_words"]] = plan.words
    table[:, _COLUMN["formats"]] = [sum(f.table_entries for f in plan.formats(core)) for core in range(cores)]
    table[:, _COLUMN["delay_bits"]] = delay_bits
    table[:, _COLUMN["words_per_list"]] = plan.largest_list
    return table


def output_table(entries: Array) -> Array:
    """Return a table that holds only output axons."""
    table = np.zeros((len(entries), len(RESOURCES)), np.int64)
    table[:, _COLUMN["output_axons"]] = entries
    return table


def _distinct(core: Array, kinds: Array, cores: int) -> Array:
    """Return the number of distinct kinds on each core."""
    present = np.zeros((cores, int(kinds.max(initial=0)) + 1), np.int64)
    present[core, kinds] = 1
    return np.asarray(present.sum(axis=1))
