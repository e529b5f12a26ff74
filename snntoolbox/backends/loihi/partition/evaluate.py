"""Partial solutions of the search, and what continuing one by a layer's tiling costs or violates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.network import Network, Population, Projection
from snntoolbox.backends.loihi.partition.axons import AxonPlan, plan_axons
from snntoolbox.backends.loihi.partition.cost import plan_traffic, table_cost
from snntoolbox.backends.loihi.partition.fanout import Fanout, fan_out
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.tilings import Tile, Tiling, make_tiling, num_cores, tiles
from snntoolbox.backends.loihi.partition.usage import (
    RESOURCES,
    Excess,
    combine,
    excess,
    output_table,
    own_usage,
    target_usage,
)

__all__ = ["Evaluator", "Partial"]

Array = NDArray[Any]
_CANDIDATES = 400
_SKIP = 0.5
"""Where synapses exceed the memory n-fold, candidates with fewer than n / 2 as many cores are not computed."""


@dataclass(frozen=True, eq=False)
class Partial:
    """The layers from the output to some layer, cut.

    Attributes:
        cost: Of these layers.
        num_cores: Of these layers.
        tilings: Layer -> tiling.
        first_core: Layer -> number of its first core, counted from the output.
        usage: Layer -> table of usage, complete but for layers still to come.
        plans: Number of a projection -> its axons.
    """

    cost: float = 0.0
    num_cores: int = 0
    tilings: Mapping[str, Tiling] = field(default_factory=dict)
    first_core: Mapping[str, int] = field(default_factory=dict)
    usage: Mapping[str, Array] = field(default_factory=dict)
    plans: Mapping[int, AxonPlan] = field(default_factory=dict)


class Evaluator:
    """Computes candidates once and remembers them.

    Args:
        network: What to place.
        options: How to search.
        known: An evaluator of the same network and limits whose candidates need not be computed again.
    """

    def __init__(self, network: Network, options: SearchOptions, known: Evaluator | None = None) -> None:
        self.network, self.options = network, options
        self.evaluated = 0
        self._tiles: dict[str, list[Tile]] = {}
        self._tilings: dict[tuple[str, Tile], Tiling] = {}
        self._fanouts: dict[tuple[int, Tile], Fanout] = {}
        self._plans: dict[tuple[Any, ...], AxonPlan] = {}
        self._own: dict[tuple[str, Tile], Array] = {}
        self._over: dict[tuple[str, Tile], Excess | None] = {}
        if known is not None:
            self._tilings, self._fanouts, self._plans = known._tilings, known._fanouts, known._plans
            self._own, self._over = known._own, known._over

    def tilings(self, population: Population) -> Iterator[Tiling]:
        """Yield the candidates of a layer, fewest cores first, without those whose synapses are far too many."""
        name = population.name
        if name not in self._tiles:
            largest = self.options.limits.compartments // population.compartments_per_neuron
            flat = self.options.method == "optimal"
            found = tiles(population.shape, largest, flat=flat) if largest else iter(())
            self._tiles[name] = list(islice(found, _CANDIDATES))
        least = 0.0
        for tile in self._tiles[name]:
            if num_cores(*tile) < least:
                continue
            if (name, tile) not in self._tilings:
                self._tilings[name, tile] = make_tiling(*tile)
            tiling = self._tilings[name, tile]
            over = self.alone(population, tiling)
            if over is not None and over.resource == "synapse_words":
                least = max(least, tiling.num_cores * over.needed / over.available * _SKIP)
            yield tiling

    def least_cost(self, populations: Iterable[Population]) -> float:
        """Return what layers cost at least, whatever their cut: their cores if these were full, and their feedback."""
        weights, limits = self.options.weights, self.options.limits
        cost = 0.0
        for one in populations:
            per_core = max(limits.compartments // one.compartments_per_neuron, 1)  # 0: the search says so
            cost += weights.cores * ceil(one.size / per_core)
            if one.soft:
                cost += weights.axons * one.size * (1 / limits.input_axons + 1 / limits.output_axons)
        return cost

    def forget(self, network_layer: str, kept: Iterable[Partial]) -> None:
        """Drop what is known of a layer's candidates that no kept solution has."""
        wanted = {one.tilings[network_layer].key for one in kept}
        numbers = {i for i, p in enumerate(self.network.projections) if p.target == network_layer}
        for fanout in [k for k in self._fanouts if k[0] in numbers and k[1] not in wanted]:
            del self._fanouts[fanout]
        for tiling in [k for k in self._tilings if k[0] == network_layer and k[1] not in wanted]:
            del self._tilings[tiling]
        for plan in [k for k in self._plans if k[0] in numbers]:
            del self._plans[plan]

    def alone(self, population: Population, tiling: Tiling) -> Excess | None:
        """Return the limit that a layer exceeds whatever the layers before it are cut into."""
        key = (population.name, tiling.key)
        if key not in self._own:
            self._own[key] = own_usage(population, tiling)
            tables = [self._own[key]]
            for number, projection in enumerate(self.network.projections):
                if projection.target == population.name:
                    tables.append(self._least(projection, self._fanout(number, projection, tiling), tiling))
            self._over[key] = excess(combine(tables), self.options.limits)
        return self._over[key]

    def _least(self, projection: Projection, fanout: Fanout, tiling: Tiling) -> Array:
        """Return what a projection takes at least: all lists once, all axons shared that could be."""
        source = self.network[projection.source]
        table = np.zeros((tiling.num_cores, len(RESOURCES)), np.int64)
        alone = fanout.multiplicity(source.size)[fanout.source] == 1
        alone &= self.options.share_axons and not source.soft
        places = np.unique(np.column_stack([source.positions[fanout.source[alone]], fanout.core[alone]]), axis=0)
        table[:, 1] = np.bincount(fanout.core[~alone], minlength=tiling.num_cores)
        table[:, 1] += np.bincount(places[:, 1].astype(np.int64), minlength=tiling.num_cores)
        table[:, 3] = fanout.words
        table[:, -1] = fanout.list_words.max(initial=0)
        return table

    def _fanout(self, number: int, projection: Projection, tiling: Tiling) -> Fanout:
        key = (number, tiling.key)
        if key not in self._fanouts:
            target = self.network[projection.target]
            self._fanouts[key] = fan_out(projection, target, tiling, share=self.options.share_synapses)
        return self._fanouts[key]

    def extend(self, partial: Partial, population: Population, tiling: Tiling) -> Partial | Excess:
        """Return the solution with one more layer, or the limit that it would exceed."""
        chosen: Partial | Excess | None = None
        choices = (True, False) if self.options.share_axons and not population.soft else (False,)
        if not self.network.out_of(population.name):
            choices = (False,)
        elif self.options.method == "greedy":
            choices = choices[:1]
        for share in choices:
            result = self._extend(partial, population, tiling, share=share)
            if chosen is None or (
                isinstance(result, Partial) and (isinstance(chosen, Excess) or result.cost < chosen.cost)
            ):
                chosen = result
        if chosen is None:
            raise TypeError(population.name)
        return chosen

    def _extend(self, partial: Partial, population: Population, tiling: Tiling, *, share: bool) -> Partial | Excess:
        self.evaluated += 1
        limits, name = self.options.limits, population.name
        if (over := self.alone(population, tiling)) is not None:
            return over
        own = self._own[population.name, tiling.key]
        chips = (partial.num_cores + np.arange(tiling.num_cores)) // limits.cores_per_chip
        usage, plans, added = dict(partial.usage), dict(partial.plans), [own]
        off_chip = traffic = 0.0
        for number, plan in self._axons(partial, population, tiling, share=share).items():
            projection = self.network.projections[number]
            cores = partial.tilings[projection.target].num_cores
            table = target_usage(plan, cores, projection.delay_bits)
            first = partial.first_core[projection.target]
            entries = plan.output_axons(chips, (first + np.arange(cores)) // limits.cores_per_chip)
            here = int(plan.output_axons(np.zeros_like(chips), np.zeros(cores, np.int64)).sum())
            off_chip += float(entries.sum() - here)
            traffic += plan_traffic(self.options, projection, plan)
            usage[projection.target] = combine([usage[projection.target], table])
            if (over := excess(usage[projection.target], limits)) is not None:
                return over
            added += [table, output_table(entries)]
            own = combine([own, output_table(entries)])
            plans[number] = plan
        if (over := excess(own, limits)) is not None:
            return over
        usage[name] = own
        cost = partial.cost + table_cost(self.options.weights, limits, tiling.num_cores, added, off_chip, traffic)
        return Partial(
            cost,
            partial.num_cores + tiling.num_cores,
            {**partial.tilings, name: tiling},
            {**partial.first_core, name: partial.num_cores},
            usage,
            plans,
        )

    def _axons(self, partial: Partial, population: Population, tiling: Tiling, *, share: bool) -> dict[int, AxonPlan]:
        numbers = [i for i, p in enumerate(self.network.projections) if p.source == population.name]
        fanouts = {
            i: self._fanout(i, self.network.projections[i], partial.tilings[self.network.projections[i].target])
            for i in numbers
        }
        multiplicity = np.full(population.size, int(population.soft), np.int64)
        for fanout in fanouts.values():
            multiplicity += fanout.multiplicity(population.size)
        targets = tuple(partial.tilings[self.network.projections[i].target].key for i in numbers)
        plans = {}
        for i, fanout in fanouts.items():
            key = (i, tiling.key, targets, share)
            if key not in self._plans:
                projection = self.network.projections[i]
                self._plans[key] = plan_axons(
                    projection, fanout, population, (tiling, partial.tilings[projection.target]), multiplicity,
                    share=share, atoms=self.options.limits.atoms,
                )  # fmt: skip
            plans[i] = self._plans[key]
        return plans

    def layout(self, solution: Partial) -> Layout:
        """Return a finished solution, its cores numbered from the output."""
        core = {
            name: solution.first_core[name] + np.arange(tiling.num_cores) for name, tiling in solution.tilings.items()
        }
        names = [p.name for p in self.network.populations]
        plans = tuple(solution.plans[i] for i in range(len(self.network.projections)))
        return Layout(
            self.network,
            self.options.limits,
            {name: solution.tilings[name] for name in names},
            plans,
            {name: core[name] for name in names},
            solution.cost,
            self.evaluated,
        )
