"""What it brings to count the messages that samples cause, beside cores, memory and axons."""

import numpy as np
from loihi_setup import say

from snntoolbox.backends.loihi.compiler import network_of
from snntoolbox.backends.loihi.partition.options import CostWeights, SearchOptions
from snntoolbox.backends.loihi.partition.search import partition
from snntoolbox.backends.loihi.placement import place, route_length
from snntoolbox.backends.loihi.settings import LoihiSettings


def run(setup):
    """Measure and print."""
    spiking, x_norm = setup.converted("mnist")
    network = network_of(spiking, LoihiSettings(), {spiking.inputs[0]: x_norm[:200]})
    found = {}
    for weight in (0.0, 10.0) if setup.quick else (0.0, 1.0, 10.0, 100.0):
        search = SearchOptions(weights=CostWeights(traffic=weight), rates=network.rates)
        layout = partition(network.network, search)
        placed = place(layout, network.rates)
        messages = placed.traffic(network.rates)
        chips = layout.limits.cores_per_chip
        found[f"traffic_weight {weight:g}"] = {
            "cores": placed.num_cores,
            "messages_a_step": round(float(messages.sum() - np.trace(messages)), 2),
            "hops_a_step": round(route_length(messages, chips), 2),
            "hops_a_step_without_placement": round(route_length(layout.traffic(network.rates), chips), 2),
        }
    say("traffic", found)
    return found
