"""The search for the best cut of all layers: greedy with M candidates, or dynamic programming.

Layers are taken from the output to the input, since the cut of a layer decides how many axons the one before it needs
(Rueckauer 2020, figure 3.8). A partial solution keeps the tilings of the layers done so far.

* greedy (section 3.2.3.4): each of the M kept solutions is continued by the first M candidates, in order of their
  number of cores, that fit; the M cheapest of the M**2 go on.
* optimal: every solution is continued by every one of the first `num_candidates` candidates that fit. Two solutions
  that agree on all layers which layers still to come project to can only differ in cost from there on, so only the
  cheaper goes on. On a chain of layers that is exact over these candidates; where layers branch, at most `beam`
  solutions are kept. The greedy search runs first: what cannot become cheaper than its solution is left out, and the
  result is the cheapest of both after packing, so that it is never worse. The work is bounded by candidates**2 a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from snntoolbox.backends.loihi.network import Network, Population
from snntoolbox.backends.loihi.partition.cost import layout_cost
from snntoolbox.backends.loihi.partition.evaluate import Evaluator, Partial
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.packing import pack
from snntoolbox.backends.loihi.partition.usage import Excess
from snntoolbox.errors import ConversionError

__all__ = ["ADVICE", "partition"]

Progress = Callable[[str, int, int], None]
_GREEDY_CANDIDATES = 10
_PACKED = 4
"""Finished solutions that are packed, cheapest first: the cheapest before packing need not be that after it."""


def partition(network: Network, options: SearchOptions | None = None, progress: Progress | None = None) -> Layout:
    """Cut a network into cores.

    Args:
        network: What to place.
        options: How to search.
        progress: Called with each layer's name, the number of the step from 1, and the number of steps.

    Raises:
        ConversionError: No candidate of a layer fits; the message names the layer, the limit and by how much.
    """
    options = options or SearchOptions()
    if options.method == "greedy":
        tell = _Teller(progress, len(network.populations))
        evaluator = Evaluator(network, options)
        best = _search_greedily(evaluator, options.num_candidates, tell)[0]
        layout = evaluator.layout(best)
        return replace(layout, cost=layout_cost(layout, options))
    return _search_fully(network, options, _Teller(progress, 2 * len(network.populations)))


class _Teller:
    """Calls back with the layer that is next."""

    def __init__(self, progress: Progress | None, steps: int) -> None:
        self._progress, self._steps, self._done = progress, steps, 0

    def __call__(self, population: Population) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(population.name, self._done, self._steps)


def _search_greedily(evaluator: Evaluator, num_candidates: int, tell: _Teller) -> list[Partial]:
    """Return the solutions of the thesis's search, cheapest first."""
    solutions = [Partial()]
    for population in evaluator.network.populations[::-1]:
        tell(population)
        grown: list[Partial] = []
        nearest: Excess | None = None
        for solution in solutions:
            found = 0
            for tiling in evaluator.tilings(population):
                result = evaluator.extend(solution, population, tiling)
                if isinstance(result, Excess):
                    nearest = _nearer(nearest, result)
                    continue
                grown.append(result)
                found += 1
                if found == num_candidates:
                    break
        if not grown:
            raise ConversionError(_nothing_fits(evaluator, population, nearest))
        solutions = sorted(grown, key=lambda one: one.cost)[:num_candidates]
    return solutions


def _search_fully(network: Network, options: SearchOptions, tell: _Teller) -> Layout:
    """Return the cheapest of the greedy and of the dynamic search, packed."""
    thesis = Evaluator(network, replace(options, method="greedy"))
    layouts, bound = [], float("inf")
    try:
        first = _search_greedily(thesis, _GREEDY_CANDIDATES, tell)
    except ConversionError:
        first = []  # the other search has more candidates
    if first:
        bound = first[0].cost
        layouts = [thesis.layout(one) for one in first[:_PACKED]]
    ours = Evaluator(network, options, known=thesis)
    for solution in _search_dynamically(ours, bound, tell)[:_PACKED]:
        layouts.append(ours.layout(solution))
    if options.pack:
        layouts = [pack(layout) for layout in layouts]
    costs = [layout_cost(layout, options) for layout in layouts]
    best = costs.index(min(costs))
    return replace(layouts[best], cost=costs[best], evaluated=thesis.evaluated + ours.evaluated)


def _search_dynamically(evaluator: Evaluator, bound: float, tell: _Teller) -> list[Partial]:
    """Return solutions cheaper than ``bound``, cheapest first.

    Raises:
        ConversionError: There is no bound, and a layer does not fit.
    """
    layers = evaluator.network.populations[::-1]
    rest = [evaluator.least_cost(layers[number:]) for number in range(1, len(layers) + 1)]
    solutions = [Partial()]
    for number, population in enumerate(layers):
        tell(population)
        grown, nearest = _expand(evaluator, population, solutions, bound - rest[number])
        if not grown:
            if bound < float("inf"):
                return []
            raise ConversionError(_nothing_fits(evaluator, population, nearest))
        solutions = _select(evaluator, grown, layers[number + 1 :])
        done = [p.name for p in layers[: number + 1]]
        for layer in _closed(evaluator.network, done, population.name):
            evaluator.forget(layer, solutions)
    return solutions


def _expand(
    evaluator: Evaluator, population: Population, solutions: Sequence[Partial], bound: float
) -> tuple[list[Partial], Excess | None]:
    """Return the solutions with one more layer that cost less than ``bound``, and what came nearest to fitting."""
    grown: list[Partial] = []
    nearest: Excess | None = None
    tried, options = 0, evaluator.options
    for tiling in evaluator.tilings(population):
        promising = [s for s in solutions if s.cost + options.weights.cores * tiling.num_cores < bound]
        if not promising:  # all further candidates take at least as many cores
            break
        results = [evaluator.extend(solution, population, tiling) for solution in promising]
        fitting = [r for r in results if isinstance(r, Partial)]
        for result in results:
            if isinstance(result, Excess):
                nearest = _nearer(nearest, result)
        grown += [one for one in fitting if one.cost < bound]
        tried += bool(fitting)
        if tried == options.num_candidates:
            break
    return grown, nearest


def _select(evaluator: Evaluator, grown: list[Partial], remaining: Sequence[Population]) -> list[Partial]:
    """Return the cheapest solution for each cut of the layers that remaining ones project to."""
    grown = sorted(grown, key=lambda one: one.cost)
    left = {p.name for p in remaining}
    open_layers = sorted({p.target for p in evaluator.network.projections if p.source in left})
    best: dict[tuple[Any, ...], Partial] = {}
    for solution in grown:
        key = tuple(solution.tilings[name].key for name in open_layers if name in solution.tilings)
        best.setdefault(key, solution)
    kept = list(best.values())
    return kept[: evaluator.options.beam] if remaining else grown[: evaluator.options.beam]


def _closed(network: Network, done: Sequence[str], latest: str) -> list[str]:
    """Return the layers whose last source is ``latest``: nothing will be asked about their candidates any more."""
    targets = {p.target for p in network.projections if p.source == latest}
    return [name for name in targets if all(p.source in done for p in network.into(name))]


def _nearer(a: Excess | None, b: Excess) -> Excess:
    """Return the smaller excess: what comes nearest to fitting."""
    if a is None or b.needed / max(b.available, 1) < a.needed / max(a.available, 1):
        return b
    return a


def _nothing_fits(evaluator: Evaluator, population: Population, nearest: Excess | None) -> str:
    if nearest is None:  # not even a block of one neuron was tried
        available = evaluator.options.limits.compartments
        nearest = Excess("compartments", population.compartments_per_neuron, available)
    return (
        f"layer '{population.name}' (shape {population.shape}) does not fit onto any number of cores. The candidate "
        f"that comes nearest fails on {nearest}. {ADVICE[nearest.resource]}"
    )


_DELAYS = "Let shortcuts skip fewer layers: longer delays take room from the accumulators."
ADVICE = {
    "compartments": "Allow more ([loihi] max_num_compartments), or reset_mode = hard, which takes half of them. "
    + _DELAYS,
    "input_axons": "A core needs an axon for each neuron that sends to one of its own: make the layers before it "
    "smaller, or set [loihi] pooling_neurons = True if average-pooling lies in front of it.",
    "output_axons": "Its neurons reach too many cores: make the layers behind it smaller.",
    "synapse_words": "Use fewer weight bits ([loihi] connection_kwargs), synapse_encoding = auto and "
    "share_synapses = True.",
    "formats": "Set [loihi] synapse_encoding to one for all.",
    "profiles": "Give its neurons equal parameters.",
    "threshold_profiles": "Set [loihi] channel_thresholds = False.",
    "delay_bits": _DELAYS,
    "words_per_list": "Use fewer weight bits ([loihi] connection_kwargs), or cut the layer into smaller ones.",
}
"""Resource -> what makes a layer take less of it."""
