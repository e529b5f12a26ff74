"""Neuron models: the definitions that every backend is tested against.

A model belongs here as parameters plus one NumPy step. `MODELS` names those that a saved graph may contain.
"""

from snntoolbox.neurons.base import Clock, Emission, NeuronModel, State
from snntoolbox.neurons.binary import BinaryNeuron
from snntoolbox.neurons.burst import BurstIntegrateAndFire
from snntoolbox.neurons.expectant import ExpectantFirstSpike, ExpectantReadout
from snntoolbox.neurons.few_spike import FewSpikeNeuron
from snntoolbox.neurons.first_spike import FirstSpike, FirstSpikeReadout
from snntoolbox.neurons.graded import GradedIntegrateAndFire
from snntoolbox.neurons.integrate_and_fire import IntegrateAndFire
from snntoolbox.neurons.latency import LatencyNeuron
from snntoolbox.neurons.pattern import PatternNeuron
from snntoolbox.neurons.payload import PayloadIntegrateAndFire
from snntoolbox.neurons.readout import Accumulator, SoftmaxNeuron
from snntoolbox.neurons.relaxing import RelaxingIntegrateAndFire
from snntoolbox.neurons.signed import SignedIntegrateAndFire
from snntoolbox.neurons.windowed import WindowedNeuron

__all__ = [
    "MODELS",
    "Accumulator",
    "BinaryNeuron",
    "BurstIntegrateAndFire",
    "Clock",
    "Emission",
    "ExpectantFirstSpike",
    "ExpectantReadout",
    "FewSpikeNeuron",
    "FirstSpike",
    "FirstSpikeReadout",
    "GradedIntegrateAndFire",
    "IntegrateAndFire",
    "LatencyNeuron",
    "NeuronModel",
    "PatternNeuron",
    "PayloadIntegrateAndFire",
    "RelaxingIntegrateAndFire",
    "SignedIntegrateAndFire",
    "SoftmaxNeuron",
    "State",
    "WindowedNeuron",
]

MODELS: dict[str, type[NeuronModel]] = {
    m.__name__: m
    for m in (
        Accumulator,
        BinaryNeuron,
        BurstIntegrateAndFire,
        ExpectantFirstSpike,
        ExpectantReadout,
        FewSpikeNeuron,
        FirstSpike,
        FirstSpikeReadout,
        GradedIntegrateAndFire,
        IntegrateAndFire,
        LatencyNeuron,
        PatternNeuron,
        PayloadIntegrateAndFire,
        RelaxingIntegrateAndFire,
        SignedIntegrateAndFire,
        SoftmaxNeuron,
    )
}
