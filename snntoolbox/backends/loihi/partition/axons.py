"""Which spikes travel on axons of their own, and which populations share one (Rueckauer 2020, section 3.2.3.2).

A discrete axon serves one neuron and one target core. A shared axon serves all neurons of one place (the channels of a
pixel) that are on one core and reach one and the same single core: its lists are stored side by side, one for each
neuron (its atom), all as long as the longest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.encodings import Lists, SynapseFormat
from snntoolbox.backends.loihi.network import Population, Projection
from snntoolbox.backends.loihi.partition.fanout import Fanout, choose_formats, mix
from snntoolbox.backends.loihi.partition.tilings import Tiling

__all__ = ["AxonPlan", "plan_axons"]

Array = NDArray[Any]
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class AxonPlan:
    """The axons of one projection between two tilings.

    Attributes:
        fanout: The segments.
        source_core: Core of each segment's source neuron.
        axon: Shared axon of each segment, or -1 for a discrete axon.
        atom: Its atom on that axon, or 0.
        axon_source, axon_core, axon_base: Source core, target core and base of each shared axon.
        block: Block of lists of each shared axon; equal blocks of a core are stored once.
        block_size: Atoms of each block.
        block_pointer: First of the lists of each block in `block_lists`.
        block_lists: The lists of all blocks, one an atom.
        block_core: Core of each block.
        block_words: Words of each list of a block, with padding.
        block_formats: Format of the blocks of each target core; None where there are none.
        words: Words of each target core.
        largest_list: Words of the longest list.
    """

    fanout: Fanout
    source_core: Array
    axon: Array
    atom: Array
    axon_source: Array
    axon_core: Array
    axon_base: Array
    block: Array
    block_size: Array
    block_pointer: Array
    block_lists: Lists
    block_core: Array
    block_words: Array
    block_formats: tuple[SynapseFormat | None, ...]
    words: Array
    largest_list: int

    def input_axons(self, cores: int) -> Array:
        """Return the input axons of each target core."""
        discrete = np.bincount(self.fanout.core[self.axon < 0], minlength=cores)
        return discrete + np.bincount(self.axon_core, minlength=cores)

    def output_axons(self, source_chip: Array, target_chip: Array) -> Array:
        """Return the output entries of each source core: 1 a discrete, 2 a shared axon, 1 more to another chip."""
        own = self.axon < 0
        source, target = self.source_core[own], self.fanout.core[own]
        count = np.bincount(source, 1 + (source_chip[source] != target_chip[target]), len(source_chip))
        source, target = self.axon_source, self.axon_core
        shared = np.bincount(source, 2 + (source_chip[source] != target_chip[target]), len(source_chip))
        return (count + shared).astype(np.int64)

    def formats(self, core: int) -> set[SynapseFormat]:
        """Return the formats that the projection uses on a target core."""
        return {f for f in (self.fanout.formats[core], self.block_formats[core]) if f is not None}


def plan_axons(
    projection: Projection,
    fanout: Fanout,
    source: Population,
    tilings: tuple[Tiling, Tiling],
    multiplicity: Array,
    *,
    share: bool,
    atoms: int = 1024,
) -> AxonPlan:
    """Return the axons of a projection.

    Args:
        projection: The projection.
        fanout: Its segments for the tiling of the target.
        source: The source layer.
        tilings: Of source and target.
        multiplicity: Number of cores that each source neuron reaches, over all its projections and its own feedback.
        share: Whether axons may be shared.
        atoms: Largest population of a shared axon.
    """
    source_core = tilings[0].core[fanout.source].astype(np.int64)
    cores = tilings[1].num_cores
    group = np.full(len(source_core), -1, np.int64)
    if share:
        group = _groups(fanout, source_core, source.positions, multiplicity, cores, atoms)
    members = np.flatnonzero(group >= 0)
    if not len(members):
        return _discrete(fanout, source_core, cores)
    members = members[np.argsort(group[members], kind="stable")]
    starts = np.flatnonzero(np.diff(group[members], prepend=-1))
    sizes = np.diff(np.append(starts, len(members)))
    atom = np.zeros_like(group)
    atom[members] = np.arange(len(members)) - np.repeat(starts, sizes)
    base = np.minimum.reduceat(fanout.base[members], starts)
    offset = fanout.base[members] - np.repeat(base, sizes)
    content = mix(mix(fanout.list[members] << 12 | offset) ^ mix(atom[members]))
    with np.errstate(over="ignore"):
        _, first, block = np.unique(np.add.reduceat(content, starts), return_index=True, return_inverse=True)
    if not fanout.shared:
        first = block = np.arange(len(starts))
    axon_core = fanout.core[members[starts]]
    lists, pointer = _block_lists(fanout, members, offset, starts[first], sizes[first])
    owner = np.repeat(np.arange(len(first)), sizes[first])
    block_core = axon_core[first]
    formats, words = choose_formats(projection, lists, block_core[owner], cores)
    padded = np.maximum.reduceat(words, pointer)
    kept = np.unique(fanout.list[group < 0])
    total = np.bincount(block_core, padded * sizes[first], cores)
    total = total + np.bincount(fanout.list_core[kept], fanout.list_words[kept], cores)
    axon = np.full_like(group, -1)
    axon[members] = np.repeat(np.arange(len(starts)), sizes)
    return AxonPlan(
        fanout, source_core, axon, atom, source_core[members[starts]], axon_core, base, block, sizes[first], pointer,
        lists, block_core, padded, formats, total.astype(np.int64),
        int(max(padded.max(initial=0), fanout.list_words[kept].max(initial=0))),
    )  # fmt: skip


def _groups(
    fanout: Fanout, source_core: Array, positions: Array, multiplicity: Array, cores: int, atoms: int
) -> NDArray[np.int64]:
    """Return a number for each segment on a shared axon, ascending from 0, and -1 for the others."""
    alone = np.flatnonzero(multiplicity[fanout.source] == 1)
    key = (source_core[alone] * (positions.max(initial=0) + 1) + positions[fanout.source[alone]]) * cores
    _, number, count = np.unique(key + fanout.core[alone], return_inverse=True, return_counts=True)
    fits = (count >= 2) & (count <= atoms)
    group = np.full(len(source_core), -1, np.int64)
    renumbered = np.where(fits, np.cumsum(fits) - 1, -1)
    group[alone] = renumbered[number]
    return group


def _block_lists(
    fanout: Fanout, members: Array, offset: Array, starts: Array, sizes: Array
) -> tuple[Lists, NDArray[np.int64]]:
    """Return the lists of the blocks that begin at ``starts``, relative to the base of the axon, and their pointer."""
    pointer = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    where = np.repeat(starts - pointer, sizes) + np.arange(sizes.sum())
    lists = fanout.lists.take(fanout.list[members[where]])
    shift = np.repeat(offset[where], np.diff(lists.pointer))
    return Lists(lists.pointer, lists.index + shift, lists.weight), pointer


def _discrete(fanout: Fanout, source_core: Array, cores: int) -> AxonPlan:
    nothing = np.full(len(source_core), -1, np.int64)
    empty = Lists(np.zeros(1, np.int64), _NONE, _NONE)
    return AxonPlan(
        fanout, source_core, nothing, np.zeros_like(nothing), _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, empty, _NONE,
        _NONE, (None,) * cores, fanout.words, int(fanout.list_words.max(initial=0)),
    )  # fmt: skip
