"""What a finished layout costs: Rueckauer 2020, eq. 3.1, with the cores that are left after packing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.limits import Limits
from snntoolbox.backends.loihi.network import Projection
from snntoolbox.backends.loihi.partition.axons import AxonPlan
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.options import CostWeights, SearchOptions

__all__ = ["layout_cost", "off_chip_axons", "plan_traffic", "table_cost"]

Array = NDArray[Any]


def table_cost(
    weights: CostWeights, limits: Limits, cores: int, tables: Iterable[Array], off_chip: float, traffic: float
) -> float:
    """Return the cost of cores.

    Args:
        weights: Of the terms.
        limits: What a core has.
        cores: Number of cores.
        tables: What they take, rows as in `usage.RESOURCES`.
        off_chip: Output axons among these that are there because the target is on another chip.
        traffic: Messages a step from core to core.
    """
    inputs, outputs, words = np.sum([table[:, 1:4].sum(axis=0) for table in tables], axis=0)
    return float(
        weights.cores * cores
        + weights.synapses * words / limits.synapse_words
        + weights.axons * (inputs / limits.input_axons + (outputs - off_chip) / limits.output_axons)
        + weights.off_chip * off_chip / limits.output_axons
        + weights.traffic * traffic / limits.output_axons
    )


def plan_traffic(options: SearchOptions, projection: Projection, plan: AxonPlan) -> float:
    """Return the messages a step of a projection; 0 if they do not count, or rates are not known."""
    if options.weights.traffic == 0 or options.rates is None:
        return 0.0
    return float(options.rates[projection.source][plan.fanout.source].sum())


def off_chip_axons(layout: Layout) -> int:
    """Return how many output entries there are because source and target are on different chips."""
    on_one = replace(layout, core={name: np.zeros_like(core) for name, core in layout.core.items()})
    return int(sum((layout.usage(name)[:, 2] - on_one.usage(name)[:, 2]).sum() for name in layout.tilings))


def layout_cost(layout: Layout, options: SearchOptions) -> float:
    """Return the cost of a layout as it lies on its cores."""
    traffic = sum(
        plan_traffic(options, projection, plan)
        for projection, plan in zip(layout.network.projections, layout.plans, strict=True)
    )
    tables = [layout.usage(name) for name in layout.tilings]
    return table_cost(options.weights, layout.limits, layout.num_cores, tables, off_chip_axons(layout), traffic)
