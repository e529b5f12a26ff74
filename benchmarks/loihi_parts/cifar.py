"""A MobileNet-like network on the CIFAR-10 JPEGs: cores, utilisation, error on the chip and in floating point."""

from loihi_setup import on_chip, say

from snntoolbox.backends.loihi.settings import LoihiSettings


def run(setup):
    """Measure and print; the quick run takes the quicker search."""
    settings = LoihiSettings(partitioner="greedy") if setup.quick else LoihiSettings()
    found = on_chip(setup, "cifar", setup.count(500, 5), 50, settings)
    say("cifar", found)
    return found
