"""A MobileNet-like network on the CIFAR-10 JPEGs: cores, utilisation, error on the chip and in floating point."""

from loihi_setup import on_chip, say


def run(setup):
    """Measure and print."""
    found = on_chip(setup, "cifar", setup.count(500, 5), 50)
    say("cifar", found)
    return found
