"""A CNN for MNIST of the thesis's size: error on the chip and as float SNN, energy, cores with and without sharing."""

from loihi_setup import on_chip, say

from snntoolbox.backends.loihi.compiler import network_of
from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.search import partition
from snntoolbox.backends.loihi.settings import LoihiSettings

THESIS = {"error_percent": 0.79, "time_ms": 6.65, "energy_mj": 12.06, "cores": 14}
"""Rueckauer 2020, table 3.4, of a network whose layers are not published: for orientation."""


def run(setup):
    """Measure and print."""
    found = on_chip(setup, "mnist", setup.count(2000, 100), 100, LoihiSettings())
    found["thesis"] = THESIS
    spiking, _ = setup.converted("mnist")
    for mode in ("hard", "soft"):
        network = network_of(spiking, LoihiSettings(reset_mode=mode)).network
        for name, share in (("shared", True), ("not shared", False)):
            layout = partition(network, SearchOptions("greedy", 1, share_synapses=share, share_axons=share))
            usage = sum(layout.core_usage().values())
            found[f"{mode} reset, {name}"] = {
                "cores": layout.num_cores, "words": int(usage[3]), "input_axons": int(usage[1])
            }  # fmt: skip
    say("mnist", found)
    return found
