"""Brian2: networks of the rate code as neuron groups and synapses, in float64, several samples as one network."""

from snntoolbox.backends.brian2.backend import Brian2Backend, Brian2Settings

__all__ = ["Brian2Backend", "Brian2Settings"]
