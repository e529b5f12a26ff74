"""Simulators driven through pyNN: NEST, Brian2 and NEURON, one backend each."""

from snntoolbox.backends.pynn.backends import NestBackend, NestSettings, NeuronBackend, PyNNBrian2Backend

__all__ = ["NestBackend", "NestSettings", "NeuronBackend", "PyNNBrian2Backend"]
