"""All stages from a network to a mapping, with what was found on the way."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.checker import check_mapping
from snntoolbox.backends.loihi.discretize import LayerReport, discretize_layers
from snntoolbox.backends.loihi.dynamic_range import mean_rates, normalize_layers, rounded
from snntoolbox.backends.loihi.float_layers import FloatLayer, float_layers
from snntoolbox.backends.loihi.limits import LOIHI, Q_BITS, UNIT_SHIFT
from snntoolbox.backends.loihi.mapper import map_layout
from snntoolbox.backends.loihi.mapping import Mapping as ChipMapping
from snntoolbox.backends.loihi.network import Network
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.options import CostWeights, SearchOptions
from snntoolbox.backends.loihi.partition.search import Progress, partition
from snntoolbox.backends.loihi.placement import place
from snntoolbox.backends.loihi.pooling import with_pooling_neurons
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import Graph

__all__ = [
    "Compiled",
    "Discretized",
    "compile_graph",
    "compile_network",
    "layer_stages",
    "likely_charges",
    "network_of",
    "search_options",
]

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
        agreement: Stage of the discretisation -> share of the normalisation samples that its rates put into the class
            that the converted network puts them into; empty without samples.
        largest_charge: Layer -> charge that samples rarely exceed in a step, over what the accumulator can hold.
        stages: Stage of the discretisation -> the layers after it; empty for a network that was made by hand.
    """

    network: Network
    layout: Layout
    mapping: ChipMapping
    reports: tuple[LayerReport, ...] = ()
    agreement: Mapping[str, float] = field(default_factory=dict)
    largest_charge: Mapping[str, float] = field(default_factory=dict)
    stages: Mapping[str, list[FloatLayer]] = field(default_factory=dict)

    def decisions(self, values: Samples) -> dict[str, NDArray[np.int64]]:
        """Return the class that rates in place of spikes put each sample into, at each stage of the discretisation.

        Args:
            values: Input -> values of shape (batch, *shape).
        """
        return {stage: _decisions(layers, mean_rates(layers, values)) for stage, layers in self.stages.items()}


@dataclass(frozen=True, eq=False)
class Discretized:
    """A converted graph in integers.

    Attributes:
        network: In integers.
        reports, agreement, largest_charge, stages: As in `Compiled`.
        rates: Layer -> spikes a step of each neuron that samples cause on average; None without samples.
    """

    network: Network
    reports: tuple[LayerReport, ...]
    rates: dict[str, Array] | None = None
    agreement: Mapping[str, float] = field(default_factory=dict)
    largest_charge: Mapping[str, float] = field(default_factory=dict)
    stages: Mapping[str, list[FloatLayer]] = field(default_factory=dict)


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
        weights=CostWeights(**settings.cost_weights.model_dump(), traffic=settings.traffic_weight),
        pack=settings.share_cores,
        rates=rates,
    )


def network_of(graph: Graph, settings: LoihiSettings, samples: Samples | None = None) -> Discretized:
    """Return a converted graph in integers, with what rounding and setting thresholds does to it.

    Args:
        graph: A converted graph.
        settings: Of the backend.
        samples: Input -> values of shape (batch, *shape): set thresholds, and weigh the traffic.
    """
    stages = layer_stages(graph, settings, samples)
    network, reports = discretize_layers(stages["thresholds set"], settings)
    if samples is None:
        return Discretized(network, reports, stages=stages)
    found = {stage: mean_rates(layers, samples) for stage, layers in stages.items()}
    decisions = {stage: _decisions(layers, found[stage]) for stage, layers in stages.items()}
    expected = decisions.pop("converted")
    agreement = {stage: float(np.mean(chosen == expected)) for stage, chosen in decisions.items()}
    rates = {name: np.abs(values).mean(axis=0) for name, values in found["thresholds set"].items()}
    return Discretized(network, reports, rates, agreement, likely_charges(network, rates), stages)


def _float_layers(graph: Graph, settings: LoihiSettings) -> list[FloatLayer]:
    graph = with_pooling_neurons(graph, settings.pooling_neurons)
    return float_layers(graph, settings.input_peak, signed=settings.signed_input == "yes", reset=settings.reset_mode)


def layer_stages(graph: Graph, settings: LoihiSettings, samples: Samples | None) -> dict[str, list[FloatLayer]]:
    """Return the layers at each stage of the discretisation: as converted, with thresholds set by samples, rounded."""
    converted = _float_layers(graph, settings)
    if samples is None or not settings.normalize_thresholds:
        scaled = converted
    else:
        scaled = normalize_layers(converted, samples, settings)
    whole = [rounded(layer, settings) if layer.weights else layer for layer in scaled]
    return {"converted": converted, "thresholds set": scaled, "rounded": whole}


def _decisions(layers: list[FloatLayer], rates: Mapping[str, Array]) -> NDArray[np.int64]:
    """Return the class of each sample, shape (batch,)."""
    last = layers[-1]
    return np.asarray((rates[last.name] * (1 if last.kind == "readout" else last.message)).argmax(axis=1))


def compile_graph(
    graph: Graph, settings: LoihiSettings, samples: Samples | None = None, progress: Progress | None = None
) -> Compiled:
    """Bring a converted graph onto cores; arguments as for `network_of` and `compile_network`."""
    found = network_of(graph, settings, samples)
    if settings.do_overflow_estimate:
        _warn(found)
    compiled = compile_network(found.network, settings, found.rates, progress)
    return replace(
        compiled, reports=found.reports, agreement=found.agreement, largest_charge=found.largest_charge,
        stages=found.stages,
    )  # fmt: skip


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


def likely_charges(network: Network, rates: Mapping[str, Array]) -> dict[str, float]:
    """Return the charge of a step that a layer rarely exceeds, over what its accumulators can hold.

    It is the mean plus six standard deviations, for spikes that come independently at their mean rates. What a soft
    reset takes away arrives there, too.
    """
    limit = float(1 << Q_BITS)
    found = {}
    for population in network.populations:
        mean, variance = np.zeros(population.size), np.zeros(population.size)
        for projection in network.into(population.name):
            charges, rate = projection.charges().astype(np.float64), np.clip(rates[projection.source], 0, 1)
            mean += charges.T @ rate
            charges.data = charges.data**2
            variance += charges.T @ (rate * (1 - rate))
        if network.into(population.name):
            taken = 0.0 if population.feedback is None else population.feedback * 2.0**UNIT_SHIFT
            largest = np.maximum(np.abs(mean), taken - mean) + 6 * np.sqrt(variance)
            found[population.name] = float(largest.max() / limit)
    return found


def _warn(found: Discretized) -> None:
    for report in found.reports:
        if report.bias_clipped:
            _LOG.warning("layer '%s': %.1f %% of the biases are too large and were clipped", report.name,
                         100 * report.bias_clipped)  # fmt: skip
        likely = found.largest_charge.get(report.name)
        if likely is not None and likely > 1:
            _LOG.warning("layer '%s': a step may bring %.1f times the charge that its accumulators hold; use fewer "
                         "weight bits ([loihi] connection_kwargs)", report.name, likely)  # fmt: skip
        elif likely is None and report.largest_charge > 1:
            _LOG.info("layer '%s': its accumulators overflow if more than %.0f %% of the charge arrives in one step",
                      report.name, 100 / report.largest_charge)  # fmt: skip
