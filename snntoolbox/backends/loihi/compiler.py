"""All stages from a network to a mapping, with what was found on the way."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.checker import check_mapping
from snntoolbox.backends.loihi.discretize import LayerReport, discretize_layers
from snntoolbox.backends.loihi.dynamic_range import mean_rates, normalize_layers
from snntoolbox.backends.loihi.float_layers import float_layers
from snntoolbox.backends.loihi.limits import LOIHI
from snntoolbox.backends.loihi.mapper import map_layout
from snntoolbox.backends.loihi.mapping import Mapping as ChipMapping
from snntoolbox.backends.loihi.network import Network
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.search import Progress, partition
from snntoolbox.backends.loihi.placement import place
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import Graph

__all__ = ["Compiled", "compile_graph", "compile_network", "network_of", "search_options"]

Array = NDArray[Any]
Samples = Mapping[str, Array]
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A network brought onto cores.

    Attributes:
        network: In integers.
        layout: Its partition and placement.
        mapping: Its configuration.
        reports: What rounding did to each layer.
    """

    network: Network
    layout: Layout
    mapping: ChipMapping
    reports: tuple[LayerReport, ...] = ()


def search_options(settings: LoihiSettings, rates: Mapping[str, Array] | None = None) -> SearchOptions:
    """Return the options of the partitioner that the settings ask for."""
    greedy = settings.partitioner == "greedy"
    limits = replace(LOIHI, compartments=settings.max_num_compartments, cores_per_chip=settings.num_cores_per_chip)
    return SearchOptions(
        method=settings.partitioner,
        num_candidates=settings.num_candidates_to_compute if greedy else SearchOptions().num_candidates,
        limits=limits,
        share_synapses=settings.share_synapses,
        share_axons=settings.share_axons,
        rates=rates,
    )


def network_of(
    graph: Graph, settings: LoihiSettings, samples: Samples | None = None
) -> tuple[Network, tuple[LayerReport, ...], dict[str, Array] | None]:
    """Return a converted graph in integers, the report on its rounding, and the mean rates that samples cause.

    Args:
        graph: A converted graph.
        settings: Of the backend.
        samples: Input -> values of shape (batch, *shape): set thresholds, and weigh the traffic.
    """
    layers = float_layers(graph, settings.input_peak, signed=settings.signed_input == "yes", reset=settings.reset_mode)
    rates = None
    if samples is not None:
        if settings.normalize_thresholds:
            layers = normalize_layers(layers, samples, settings)
        rates = {name: np.abs(values).mean(axis=0) for name, values in mean_rates(layers, samples).items()}
    network, reports = discretize_layers(layers, settings)
    if settings.do_overflow_estimate:
        _warn(reports)
    return network, reports, rates


def compile_graph(
    graph: Graph, settings: LoihiSettings, samples: Samples | None = None, progress: Progress | None = None
) -> Compiled:
    """Bring a converted graph onto cores; arguments as for `network_of` and `compile_network`."""
    network, reports, rates = network_of(graph, settings, samples)
    return replace(compile_network(network, settings, rates, progress), reports=reports)


def compile_network(
    network: Network,
    settings: LoihiSettings,
    rates: Mapping[str, Array] | None = None,
    progress: Progress | None = None,
) -> Compiled:
    """Partition, place and map a network.

    Args:
        network: In integers.
        settings: Of the backend.
        rates: Layer -> mean spikes a step of each neuron, for the placement.
        progress: Called with the name of each layer, its number and their count.

    Raises:
        ConversionError: A layer does not fit.
        UnsupportedError: The mapping fails its independent check, which is a mistake in the toolbox; all is listed.
    """
    layout = place(partition(network, search_options(settings, rates), progress), rates)
    mapping = map_layout(layout)
    if settings.validate_partitions and (problems := check_mapping(mapping, network, layout.limits)):
        raise UnsupportedError("the mapped network fails its check; please report this:", problems)
    return Compiled(network, layout, mapping)


def _warn(reports: tuple[LayerReport, ...]) -> None:
    for report in reports:
        if report.bias_clipped:
            _LOG.warning("layer '%s': %.1f %% of the biases are too large and were clipped", report.name,
                         100 * report.bias_clipped)  # fmt: skip
        if report.largest_charge > 1:
            _LOG.info("layer '%s': its accumulators overflow if more than %.0f %% of the charge arrives in one step",
                      report.name, 100 / report.largest_charge)  # fmt: skip
