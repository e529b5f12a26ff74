"""Layout -> register-level configuration of every core."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.compartments import FIRE, SILENT, Compartments
from snntoolbox.backends.loihi.encodings import Lists, SynapseFormat, list_words
from snntoolbox.backends.loihi.limits import DECAY_MAX
from snntoolbox.backends.loihi.mapping import LayerMap, Mapping
from snntoolbox.backends.loihi.network import Population
from snntoolbox.backends.loihi.partition.axons import AxonPlan
from snntoolbox.backends.loihi.partition.layout import Layout

__all__ = ["map_layout"]

Array = NDArray[Any]


def map_layout(layout: Layout) -> Mapping:
    """Return the configuration of all cores of a layout."""
    return _Mapper(layout).mapping()


class _Table:
    """Rows that belong to cores, collected in any order and then sorted by core, stably."""

    def __init__(self, columns: int) -> None:
        self._core: list[Array] = [np.zeros(0, np.int64)]
        self._rows: list[Array] = [np.zeros((0, columns), np.int64)]
        self.length = 0

    def add(self, core: Array, *columns: Array | int) -> Array:
        """Append rows; return their numbers before sorting."""
        rows = np.column_stack([np.broadcast_to(np.asarray(c, np.int64), core.shape) for c in columns])
        self._core.append(np.asarray(core, np.int64))
        self._rows.append(rows)
        self.length += len(core)
        return np.arange(self.length - len(core), self.length)

    def sorted(self, num_cores: int) -> tuple[Array, Array, Array]:
        """Return the pointer by core, the rows, and the new number of each old row."""
        core, rows = np.concatenate(self._core), np.concatenate(self._rows)
        order = np.argsort(core, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        pointer = np.concatenate([[0], np.cumsum(np.bincount(core, minlength=num_cores))])
        return pointer, rows[order], place


class _Mapper:
    def __init__(self, layout: Layout) -> None:
        self._layout, self._network = layout, layout.network
        self._core_ids = np.unique(np.concatenate([*layout.core.values()]))
        self._count = len(self._core_ids)
        # Position of every block's core, and the block's first compartment on it.
        self._core = {name: np.searchsorted(self._core_ids, core) for name, core in layout.core.items()}
        self._offset: dict[str, Array] = {}
        used = np.zeros(self._count, np.int64)
        for name, tiling in layout.tilings.items():
            sizes = tiling.sizes() * self._network[name].compartments_per_neuron
            self._offset[name] = np.zeros(tiling.num_cores, np.int64)
            for block, core in enumerate(self._core[name]):
                self._offset[name][block] = used[core]
                used[core] += sizes[block]
        self._compartments = np.concatenate([[0], np.cumsum(used)])
        self._formats: list[dict[SynapseFormat, int]] = [{} for _ in range(self._count)]
        self._lists = _Table(4)  # number in parts, format, delay, words
        self._parts: list[Lists] = []
        self._axons = _Table(3)  # list, base, atoms
        self._entries = _Table(3)  # target core, axon, slots
        self._routes: list[tuple[Array, Array, Array]] = []  # compartment, entry, atom

    def mapping(self) -> Mapping:
        for number, projection in enumerate(self._network.projections):
            self._add_plan(self._layout.plans[number], projection.source, projection.target, projection.delay)
        for population in self._network.populations:
            if population.soft:
                self._add_feedback(population)
        lists, list_pointer, list_rows, list_place = self._sorted_lists()
        axon_pointer, axon_rows, axon_place = self._axons.sorted(self._count)
        entry_pointer, entry_rows, entry_place = self._entries.sorted(self._count)
        route_pointer, route_entry, route_atom = self._sorted_routes(entry_place)
        target, slots = entry_rows[:, 0], entry_rows[:, 2]
        format_rows = [f.as_numbers() for formats in self._formats for f in formats]
        return Mapping(
            cores_per_chip=self._layout.limits.cores_per_chip,
            core=self._core_ids,
            registers=self._registers(),
            compartment_pointer=self._compartments,
            format=np.array(format_rows, np.int64).reshape(-1, 7),
            format_pointer=np.concatenate([[0], np.cumsum([len(f) for f in self._formats])]),
            lists=lists,
            list_pointer=list_pointer,
            list_format=list_rows[:, 1],
            list_delay=list_rows[:, 2],
            list_words=list_rows[:, 3],
            axon_pointer=axon_pointer,
            axon_list=list_place[axon_rows[:, 0]],
            axon_base=axon_rows[:, 1],
            axon_atoms=axon_rows[:, 2],
            entry_pointer=entry_pointer,
            entry_core=target,
            entry_axon=axon_place[entry_rows[:, 1]] - axon_pointer[target],
            entry_slots=slots,
            route_pointer=route_pointer,
            route_entry=route_entry,
            route_atom=route_atom,
            layers=tuple(self._layer(population) for population in self._network.populations),
        )

    def _compartment(self, name: str, *, soma: bool) -> Array:
        """Return the compartment of each neuron, counted over all cores."""
        tiling, population = self._layout.tilings[name], self._network[name]
        first = self._compartments[self._core[name]] + self._offset[name]
        step = population.compartments_per_neuron
        return np.asarray(first[tiling.core] + tiling.local * step + (soma and population.soft))

    def _format(self, core: int, form: SynapseFormat) -> int:
        return self._formats[core].setdefault(form, len(self._formats[core]))

    def _add_lists(self, lists: Lists, core: Array, formats: Array, delay: int, words: Array) -> Array:
        first = sum(len(part) for part in self._parts)
        self._parts.append(lists)
        return self._lists.add(core, np.arange(first, first + len(lists)), formats, delay, words)

    def _add_plan(self, plan: AxonPlan, source: str, target: str, delay: int) -> None:
        core, offset, fanout = self._core[target], self._offset[target], plan.fanout
        soma = self._compartment(source, soma=True)
        own = np.flatnonzero(plan.axon < 0)
        used, number = np.unique(fanout.list[own], return_inverse=True)
        if len(own):
            kept, at = fanout.lists.take(used), fanout.list_core[used]
            forms = [None if f is None else self._format(int(core[i]), f) for i, f in enumerate(fanout.formats)]
            lists = self._add_lists(kept, core[at], np.array([forms[i] for i in at]), delay, fanout.list_words[used])
            block = fanout.core[own]
            axons = self._axons.add(core[block], lists[number], fanout.base[own] + offset[block], 1)
            off_chip = self._off_chip(source, plan.source_core[own], target, block)
            entries = self._entries.add(self._core[source][plan.source_core[own]], core[block], axons, 1 + off_chip)
            self._routes.append((soma[fanout.source[own]], entries, np.zeros_like(entries)))
        if len(plan.axon_core):
            self._add_shared(plan, source, target, delay, soma)

    def _add_shared(self, plan: AxonPlan, source: str, target: str, delay: int, soma: Array) -> None:
        core, offset = self._core[target], self._offset[target]
        at = np.repeat(plan.block_core, plan.block_size)
        forms = [None if f is None else self._format(int(core[i]), f) for i, f in enumerate(plan.block_formats)]
        words = np.repeat(plan.block_words, plan.block_size)
        lists = self._add_lists(plan.block_lists, core[at], np.array([forms[i] for i in at]), delay, words)
        block = plan.axon_core
        axons = self._axons.add(
            core[block], lists[plan.block_pointer[plan.block]], plan.axon_base + offset[block],
            plan.block_size[plan.block],
        )  # fmt: skip
        off_chip = self._off_chip(source, plan.axon_source, target, block)
        entries = self._entries.add(self._core[source][plan.axon_source], core[block], axons, 2 + off_chip)
        members = np.flatnonzero(plan.axon >= 0)
        self._routes.append((soma[plan.fanout.source[members]], entries[plan.axon[members]], plan.atom[members]))

    def _off_chip(self, source: str, source_block: Array, target: str, target_block: Array) -> Array:
        chips = self._layout.chip(source)[source_block] != self._layout.chip(target)[target_block]
        return np.asarray(chips, np.int64)

    def _add_feedback(self, population: Population) -> None:
        """Each soma inhibits its dendrite by the threshold; equal weights of a core are one list."""
        name, tiling = population.name, self._layout.tilings[population.name]
        if population.feedback is None:
            return
        parts = population.feedback_parts
        kinds, kind = np.unique(np.column_stack([tiling.core, parts]), axis=0, return_inverse=True)
        block, mantissa, exponent = kinds.T
        core = self._core[name][block]
        lists = Lists(np.arange(len(kinds) + 1), np.zeros(len(kinds), np.int64), -mantissa)
        forms = [SynapseFormat("sparse", 8, 6, exponent=int(e)) for e in exponent]
        numbers = np.array([self._format(int(c), f) for c, f in zip(core, forms, strict=True)])
        words = list_words(lists, SynapseFormat("sparse", 8, 6))
        added = self._add_lists(lists, core, numbers, 0, words)
        own = self._core[name][tiling.core]
        base = self._compartment(name, soma=False) - self._compartments[own]
        axons = self._axons.add(own, added[kind.reshape(-1)], base, 1)
        entries = self._entries.add(own, own, axons, 1)
        self._routes.append((self._compartment(name, soma=True), entries, np.zeros_like(entries)))

    def _sorted_lists(self) -> tuple[Lists, Array, Array, Array]:
        pointer, rows, place = self._lists.sorted(self._count)
        counts = np.concatenate([np.zeros(0, np.int64), *(np.diff(part.pointer) for part in self._parts)])
        joined = Lists(
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([np.zeros(0, np.int32), *(part.index.astype(np.int32) for part in self._parts)]),
            np.concatenate([np.zeros(0, np.int16), *(part.weight.astype(np.int16) for part in self._parts)]),
        )
        return joined.take(rows[:, 0]), pointer, rows, place

    def _sorted_routes(self, entry_place: Array) -> tuple[Array, Array, Array]:
        nothing = np.zeros(0, np.int64)
        compartment, entry, atom = (np.concatenate([nothing, *(r[i] for r in self._routes)]) for i in range(3))
        order = np.argsort(compartment, kind="stable")
        counts = np.bincount(compartment, minlength=int(self._compartments[-1]))
        return np.concatenate([[0], np.cumsum(counts)]), entry_place[entry[order]], atom[order]

    def _registers(self) -> Compartments:
        parts, places = [], []
        for population in self._network.populations:
            registers = population.registers
            if population.soft:
                parts.append(registers.replace(threshold_op=SILENT, refractory=0))
                places.append(self._compartment(population.name, soma=False))
                parts.append(
                    Compartments.uniform(
                        population.size, decay_v=DECAY_MAX, dm_offset=1, threshold=registers.threshold,
                        threshold_op=FIRE, join=1, start=registers.start,
                    )
                )  # fmt: skip
            else:
                parts.append(registers)
            places.append(self._compartment(population.name, soma=True))
        order = np.argsort(np.concatenate(places), kind="stable")
        return Compartments.concatenate(parts).take(order)

    def _layer(self, population: Population) -> LayerMap:
        name = population.name
        return LayerMap(
            name, population.shape, population.kind, self._compartment(name, soma=True),
            self._compartment(name, soma=False), population.message, population.volt, population.depth,
        )  # fmt: skip
