"""How many 64-bit words of synaptic memory a list of synapses takes, in each way of storing it.

A list belongs to one axon. It is a sequence of entries of at most 60 synapses; an entry begins with 4 bits of format
and 6 bits of count. Per synapse it holds, beside weight and delay::

    sparse      the index of the target
    runlength   the gap to the synapse before (`skip_bits`); the entry holds the first index; a larger gap begins one
    dense1      nothing; the entry holds the first index; a gap begins an entry
    dense2      nothing; the entry holds the first index; gaps are filled with zero weights

A list takes whole words, and one more if its last word has no room for the end mark (fewer than 6 bits are left).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.limits import INDEX_BITS, LOIHI
from snntoolbox.backends.loihi.network import Encoding, Projection

__all__ = ["Lists", "SynapseFormat", "index_bits", "list_words", "possible_formats"]

Array = NDArray[Any]
PREFIX_BITS = 10
SKIP_BITS = (2, 3, 4, 5)
_CODES = {"sparse": 0, "runlength": 1, "dense1": 2, "dense2": 3}


@dataclass(frozen=True, order=True)
class SynapseFormat:
    """How the lists of one projection are stored on one core.

    Attributes:
        encoding: sparse, runlength, dense1 or dense2.
        weight_bits, index_bits, delay_bits, skip_bits: Widths of the fields of a synapse.
        exponent: Weight exponent.
        mixed: Whether weights carry a sign; otherwise positive and negative ones are in entries of their own.
    """

    encoding: Encoding
    weight_bits: int
    index_bits: int
    delay_bits: int = 0
    skip_bits: int = 0
    exponent: int = 0
    mixed: bool = False

    @property
    def entry_bits(self) -> int:
        """Bits of an entry without its synapses."""
        return PREFIX_BITS + (0 if self.encoding == "sparse" else self.index_bits)

    @property
    def synapse_bits(self) -> int:
        """Bits of one synapse."""
        own = {"sparse": self.index_bits, "runlength": self.skip_bits}.get(self.encoding, 0)
        return self.weight_bits + self.delay_bits + own

    @property
    def table_entries(self) -> int:
        """Entries in the format table of a core: one for each sign mode."""
        return 1 if self.mixed else 2

    def as_numbers(self) -> tuple[int, ...]:
        """Return the fields as integers, for saving."""
        widths = (self.weight_bits, self.index_bits, self.delay_bits, self.skip_bits)
        return (_CODES[self.encoding], *widths, self.exponent, int(self.mixed))

    @classmethod
    def from_numbers(cls, numbers: Any) -> SynapseFormat:
        """Return the format that `as_numbers` gave."""
        code, weight, index, delay, skip, exponent, mixed = map(int, numbers)
        encoding: Any = next(name for name, number in _CODES.items() if number == code)
        return cls(encoding, weight, index, delay, skip, exponent, bool(mixed))


class _Ordered(NamedTuple):
    """Synapses sorted by a key: key, index of the target, distance from the one before, and whether a key begins."""

    key: Array
    target: Array
    gap: Array
    first: Array


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of synapses, one after the other.

    Attributes:
        pointer: Start of each list, and the end of the last, shape (lists + 1,).
        index: Target compartment relative to the axon's base, ascending in a list, shape (synapses,).
        weight: Mantissa, shape (synapses,).
    """

    pointer: Array
    index: Array
    weight: Array

    def __len__(self) -> int:
        """Return the number of lists."""
        return len(self.pointer) - 1

    @property
    def owner(self) -> Array:
        """List of each synapse, shape (synapses,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.pointer))

    def take(self, chosen: Array) -> Lists:
        """Return the lists with the given numbers."""
        counts = np.diff(self.pointer)[chosen]
        pointer = np.concatenate([[0], np.cumsum(counts)])
        where = np.repeat(self.pointer[:-1][chosen] - pointer[:-1], counts) + np.arange(pointer[-1])
        return Lists(pointer, self.index[where], self.weight[where])

    @cached_property
    def by_list(self) -> _Ordered:
        """All synapses in order, for entries that mix signs."""
        return _ordered(self.owner, self.index)

    @cached_property
    def by_sign(self) -> _Ordered:
        """All synapses of each list, positive ones first, for entries of one sign; the key is 2 * list + sign."""
        return _ordered(self.owner * 2 + (self.weight < 0), self.index)

    def largest_index(self) -> Array:
        """Return the last index of each list, shape (lists,); lists are not empty."""
        return np.asarray(self.index[self.pointer[1:] - 1])


def index_bits(largest: int) -> int:
    """Return the width of an index field that can hold ``largest``."""
    return next(bits for bits in INDEX_BITS if largest < 1 << bits)


def possible_formats(projection: Projection, width: int) -> list[SynapseFormat]:
    """Return the formats a projection may use when indices need ``width`` bits."""
    base = SynapseFormat(
        "sparse", projection.bits, width, projection.delay_bits, exponent=projection.exponent, mixed=projection.mixed
    )
    formats = {
        "sparse": [base],
        "runlength": [replace(base, encoding="runlength", skip_bits=skip) for skip in SKIP_BITS],
        "dense1": [replace(base, encoding="dense1")],
        "dense2": [replace(base, encoding="dense2")],
    }
    wanted = formats if projection.encoding == "auto" else [projection.encoding]
    return [one for name in wanted for one in formats[name]]


def list_words(lists: Lists, form: SynapseFormat, per_entry: int = LOIHI.synapses_per_entry) -> NDArray[np.int64]:
    """Return the words that each list takes, shape (lists,)."""
    ordered, owners = (lists.by_list, 1) if form.mixed else (lists.by_sign, 2)
    if form.encoding == "sparse":
        count = np.bincount(ordered.key, minlength=len(lists) * owners)
        entries, synapses = -(-count // per_entry), count
    else:
        key, entries, synapses = _runs(ordered, form, per_entry)
        entries = np.bincount(key, entries, len(lists) * owners).astype(np.int64)
        synapses = np.bincount(key, synapses, len(lists) * owners).astype(np.int64)
    bits = (entries * form.entry_bits + synapses * form.synapse_bits).reshape(len(lists), owners).sum(axis=1)
    left = bits % 64
    return np.asarray(-(-bits // 64) + ((left == 0) | (left >= 59)) * (bits > 0), np.int64)


def _ordered(key: Array, index: Array) -> _Ordered:
    order = np.argsort(key, kind="stable")
    key, index = key[order], index[order]
    return _Ordered(key, index, np.diff(index, prepend=0), np.diff(key, prepend=-1) != 0)


def _runs(ordered: _Ordered, form: SynapseFormat, per_entry: int) -> tuple[Array, Array, Array]:
    """Return key, entries and stored synapses of each run without too large a gap."""
    key, index, gap, first = ordered
    largest = {"runlength": 1 << form.skip_bits, "dense1": 1}.get(form.encoding)
    starts = np.flatnonzero(first if largest is None else first | (gap > largest))
    ends = np.append(starts[1:], len(key)) - 1
    length = ends - starts + 1 if largest is not None else index[ends] - index[starts] + 1
    return key[starts], -(-length // per_entry), length
