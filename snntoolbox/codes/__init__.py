"""Spike codes: encode values, name the neuron, decode the output. One file a code."""

from snntoolbox.codes.base import SpikeCode
from snntoolbox.codes.stimulus import ConstantCurrent, PoissonSpikes, SpikeTrains, Stimulus

__all__ = ["ConstantCurrent", "PoissonSpikes", "SpikeCode", "SpikeTrains", "Stimulus"]
