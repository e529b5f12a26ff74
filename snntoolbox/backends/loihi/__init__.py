"""Loihi: a compiler to the chip's cores, and an emulator of the chip. docs/loihi.md explains both.

* limits, arithmetic, compartments: the chip: resources, integers, one step.
* float_layers, dynamic_range, discretize, network: a converted graph becomes integers.
* layers, model: the same by hand, as in Keras.
* encodings, partition/, placement: integers become cores.
* mapper, mapping, checker: cores become registers, saved and checked.
* emulator, kernels, program, direct: running them.
* energy, mesh: time and energy.
* backend, settings, compiler: as a backend of the toolbox.
"""

from snntoolbox.backends.loihi.backend import LoihiBackend
from snntoolbox.backends.loihi.settings import LoihiSettings

__all__ = ["LoihiBackend", "LoihiSettings"]
