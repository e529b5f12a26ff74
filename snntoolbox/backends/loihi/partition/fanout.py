"""What one projection takes on the cores of its target, for one tiling of the target.

A source neuron has, on each core that it reaches, a list of synapses: (place relative to a base, weight). Equal lists
of a core are stored once (synapse sharing); they are told apart by a 64-bit hash, and the checker compares them in
full.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.encodings import Lists, SynapseFormat, index_bits, list_words, possible_formats
from snntoolbox.backends.loihi.network import Population, Projection
from snntoolbox.backends.loihi.partition.tilings import Tiling

__all__ = ["Fanout", "choose_formats", "fan_out", "mix"]

Array = NDArray[Any]
_LOCAL_BITS = 11  # of the place of a compartment on its core


def mix(x: Array) -> NDArray[np.uint64]:
    """Return 64-bit hashes of integers (the finaliser of SplitMix64)."""
    z = np.asarray(x).astype(np.uint64)
    with np.errstate(over="ignore"):
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


@dataclass(frozen=True, eq=False)
class Fanout:
    """Segments (source neuron, target core), sorted by source, then core; each has a list.

    Attributes:
        source, core, base, list: Of each segment: neuron, core of the target layer, first compartment, list number.
        lists: The distinct lists of all cores.
        list_core: Core of each list.
        list_words: Words of each list, in the format of its core.
        formats: Format of each core; None where the projection has no synapses.
        words: Words of each core, if every list is stored once, or (without sharing) once a segment.
        shared: Whether equal lists are stored once.
    """

    source: Array
    core: Array
    base: Array
    list: Array
    lists: Lists
    list_core: Array
    list_words: Array
    formats: tuple[SynapseFormat | None, ...]
    words: Array
    shared: bool

    def multiplicity(self, sources: int) -> Array:
        """Return the number of cores that each source neuron reaches."""
        return np.bincount(self.source, minlength=sources)


def fan_out(projection: Projection, target: Population, tiling: Tiling, *, share: bool = True) -> Fanout:
    """Return what ``projection`` takes when its target is cut by ``tiling``."""
    from scipy import sparse

    weights, step = projection.weights, target.compartments_per_neuron
    # Renaming the columns core by core has SciPy sort each row in compiled code.
    place = (tiling.core.astype(np.int64) << _LOCAL_BITS) | tiling.local.astype(np.int64) * step
    rows = weights.shape[0]
    renamed = sparse.csr_array(
        (weights.data, place[weights.indices], weights.indptr.astype(np.int64)),
        shape=(rows, tiling.num_cores << _LOCAL_BITS),
    )
    renamed.has_sorted_indices = False
    renamed = renamed.copy()
    renamed.sort_indices()
    source = np.repeat(np.arange(rows, dtype=np.int64), np.diff(weights.indptr))
    core, local = renamed.indices >> _LOCAL_BITS, renamed.indices & ((1 << _LOCAL_BITS) - 1)
    weight = renamed.data.astype(np.int64)
    key = source * tiling.num_cores + core
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    pointer = np.append(starts, len(key))
    base = local[starts]
    index = local - np.repeat(base, np.diff(pointer))
    seg_source, seg_core = np.divmod(key[starts], tiling.num_cores)
    with np.errstate(over="ignore"):
        sums = np.add.reduceat(mix((index << 10) | (weight + 512)), starts) if len(starts) else np.zeros(0, np.uint64)
    if share:
        tag = mix(sums ^ mix(seg_core))
        _, first, number = np.unique(tag, return_index=True, return_inverse=True)
    else:
        first = number = np.arange(len(starts))
    lists = Lists(pointer, index, weight).take(first)
    list_core = seg_core[first]
    formats, words = choose_formats(projection, lists, list_core, tiling.num_cores)
    total = np.bincount(list_core, words, tiling.num_cores).astype(np.int64)
    return Fanout(seg_source, seg_core, base, number, lists, list_core, words, formats, total, share)


def choose_formats(
    projection: Projection, lists: Lists, list_core: Array, num_cores: int
) -> tuple[tuple[SynapseFormat | None, ...], NDArray[np.int64]]:
    """Return the format of each core that takes the fewest words, and the words of each list in it."""
    if not len(lists):
        return (None,) * num_cores, np.zeros(0, np.int64)
    largest = np.full(num_cores, -1, np.int64)
    np.maximum.at(largest, list_core, lists.largest_index())
    width = np.array([index_bits(int(n)) if n >= 0 else 0 for n in largest])
    formats: list[SynapseFormat | None] = [None] * num_cores
    words = np.zeros(len(lists), np.int64)
    for bits in np.unique(width[largest >= 0]):
        cores = np.flatnonzero((width == bits) & (largest >= 0))
        chosen = np.flatnonzero(np.isin(list_core, cores))
        part, owner = lists.take(chosen), np.searchsorted(cores, list_core[chosen])
        options = possible_formats(projection, int(bits))
        taken = [list_words(part, option) for option in options]
        best = np.argmin([np.bincount(owner, t, len(cores)) for t in taken], axis=0)
        words[chosen] = np.choose(best[owner], taken)
        for core, option in zip(cores, best, strict=True):
            formats[core] = options[option]
    return tuple(formats), words
