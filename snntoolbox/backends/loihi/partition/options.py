"""How to search for a cut, and what the cost counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from snntoolbox.backends.loihi.limits import LOIHI, Limits

__all__ = ["CostWeights", "SearchOptions"]

Array = NDArray[Any]


@dataclass(frozen=True)
class CostWeights:
    """The weights of Rueckauer 2020, eq. 3.1.

    Attributes:
        cores: Of the number of cores.
        synapses: Of the words of synaptic memory, over those of a core.
        axons: Of the input and output axons, over those of a core.
        off_chip: Of the output axons that lead to other chips, over those of a core.
        traffic: Of the messages a step between cores, over the output axons of a core; needs rates.
    """

    cores: float = 1.0
    synapses: float = 1.0
    axons: float = 1.0
    off_chip: float = 1.0
    traffic: float = 0.0


@dataclass(frozen=True, eq=False)
class SearchOptions:
    """How to search.

    Attributes:
        method: `greedy` or `optimal`.
        num_candidates: M of the greedy search; for the optimal one, candidates of a layer.
        beam: Solutions that the optimal search keeps at most.
        weights: Of the cost.
        limits: Of cores and chips.
        share_synapses, share_axons: Whether sharing is allowed.
        pack: Whether several small blocks may be put on one core.
        rates: Layer -> spikes a step of each neuron, for the cost of traffic.
    """

    method: Literal["greedy", "optimal"] = "optimal"
    num_candidates: int = 16
    beam: int = 64
    weights: CostWeights = CostWeights()
    limits: Limits = LOIHI
    share_synapses: bool = True
    share_axons: bool = True
    pack: bool = True
    rates: Mapping[str, Array] | None = None
