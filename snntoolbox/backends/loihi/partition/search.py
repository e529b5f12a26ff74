"""The search for the best cut of all layers: greedy with M candidates, or dynamic programming.

Layers are taken from the output to the input, since the cut of a layer decides how many axons the one before it needs
(Rueckauer 2020, figure 3.8). A partial solution keeps the tilings of the layers done so far.

* greedy (section 3.2.3.4): each of the M kept solutions is continued by the first M candidates, in order of their
  number of cores, that fit; the M cheapest of the M**2 go on.
* optimal: every solution is continued by every candidate. Two solutions that agree on all layers which layers still to
  come project to can only differ in cost from there on, so only the cheaper goes on. On a chain of layers that is exact
  over the candidates; where layers branch, at most `beam` solutions are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snntoolbox.backends.loihi.network import Network, Population
from snntoolbox.backends.loihi.partition.evaluate import Evaluator, Partial
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.packing import pack
from snntoolbox.backends.loihi.partition.usage import Excess
from snntoolbox.errors import ConversionError

__all__ = ["partition"]

Progress = Callable[[str, int, int], None]


def partition(network: Network, options: SearchOptions | None = None, progress: Progress | None = None) -> Layout:
    """Cut a network into cores.

    Args:
        network: What to place.
        options: How to search.
        progress: Called with each layer's name, its number from 1, and the number of layers.

    Raises:
        ConversionError: No candidate of a layer fits; the message names the layer, the limit and by how much.
    """
    options = options or SearchOptions()
    evaluator = Evaluator(network, options)
    solutions = [Partial()]
    layers = network.populations[::-1]
    for number, population in enumerate(layers, start=1):
        if progress is not None:
            progress(population.name, number, len(layers))
        expand = _expand_greedily if options.method == "greedy" else _expand_fully
        grown, nearest = expand(evaluator, population, solutions, options)
        if not grown:
            raise ConversionError(_nothing_fits(population, nearest))
        solutions = _select(network, grown, layers[number:], options)
    best = min(solutions, key=lambda one: one.cost)
    layout = evaluator.layout(best)
    return pack(layout) if options.pack and options.method == "optimal" else layout


def _expand_greedily(
    evaluator: Evaluator, population: Population, solutions: list[Partial], options: SearchOptions
) -> tuple[list[Partial], Excess | None]:
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
            if found == options.num_candidates:
                break
    return grown, nearest


def _expand_fully(
    evaluator: Evaluator, population: Population, solutions: list[Partial], options: SearchOptions
) -> tuple[list[Partial], Excess | None]:
    grown: list[Partial] = []
    nearest: Excess | None = None
    tried = 0
    for tiling in evaluator.tilings(population):
        results = [evaluator.extend(solution, population, tiling) for solution in solutions]
        fitting = [r for r in results if isinstance(r, Partial)]
        for result in results:
            if isinstance(result, Excess):
                nearest = _nearer(nearest, result)
        grown += fitting
        tried += bool(fitting)
        if tried == options.num_candidates:
            break
    return grown, nearest


def _select(
    network: Network, grown: list[Partial], remaining: tuple[Population, ...], options: SearchOptions
) -> list[Partial]:
    grown = sorted(grown, key=lambda one: one.cost)
    if options.method == "greedy":
        return grown[: options.num_candidates]
    left = {p.name for p in remaining}
    open_layers = sorted({p.target for p in network.projections if p.source in left})
    best: dict[tuple[Any, ...], Partial] = {}
    for solution in grown:
        key = tuple(id(solution.tilings[name]) for name in open_layers if name in solution.tilings)
        best.setdefault(key, solution)
    return list(best.values())[: options.beam]


def _nearer(a: Excess | None, b: Excess) -> Excess:
    """Return the smaller excess: what comes nearest to fitting."""
    if a is None or b.needed / max(b.available, 1) < a.needed / max(a.available, 1):
        return b
    return a


def _nothing_fits(population: Population, nearest: Excess | None) -> str:
    reason = str(nearest) if nearest else "no block of neurons is small enough"
    return (
        f"layer '{population.name}' (shape {population.shape}) does not fit onto any number of cores. The candidate "
        f"that comes nearest fails on {reason}. Use fewer weight bits, allow sharing, split the layer, or make the "
        "layers that it reaches smaller."
    )
