"""What fits into a Loihi core and chip: numbers of resources and widths of fields.

Sources: Rueckauer 2020, table 3.1 (compartments, axons, synapses, cores); Davies et al. 2018 (synaptic memory); the
public sources of nengo-loihi and Lava (field widths). docs/loihi.md lists which number is from where.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BIAS_EXPONENT_MAX",
    "BIAS_MANTISSA_MAX",
    "DECAY_BITS",
    "DECAY_MAX",
    "DELAY_MAX",
    "INDEX_BITS",
    "LOIHI",
    "Q_BITS",
    "REFRACTORY_MAX",
    "THRESHOLD_MANTISSA_MAX",
    "UNIT_SHIFT",
    "U_BITS",
    "VOLTAGE_MAX",
    "WEIGHT_BITS",
    "WEIGHT_EXPONENTS",
    "WEIGHT_MAX",
    "Limits",
]

UNIT_SHIFT = 6
"""A weight or threshold mantissa of 1 is worth 2**6 in the units of current and voltage."""
Q_BITS = 21
"""Magnitude bits of the accumulator of synaptic input."""
U_BITS = 23
"""Magnitude bits of current and voltage."""
DECAY_BITS = 12
DECAY_MAX = 4095
VOLTAGE_MAX = 2**U_BITS - 1
THRESHOLD_MANTISSA_MAX = 2**17 - 1
BIAS_MANTISSA_MAX = 2**12 - 1
BIAS_EXPONENT_MAX = 7
WEIGHT_MAX = 255
WEIGHT_BITS = (1, 2, 3, 4, 5, 6, 8)
WEIGHT_EXPONENTS = (-7, 7)
INDEX_BITS = (6, 7, 8, 9, 10, 11, 12)
REFRACTORY_MAX = 63
DELAY_MAX = 62


@dataclass(frozen=True)
class Limits:
    """Resources of a core and a chip. A core must not exceed any of them.

    Attributes:
        compartments: Compartments of a core with synaptic delays below 8 steps; see `compartments_at`.
        input_axons, output_axons: Entries in the axon tables of a core.
        synapse_words: 64-bit words of synaptic memory of a core.
        synapses_per_entry: Synapses in one synaptic entry.
        words_per_list: 64-bit words that one axon's list of synapses may take.
        formats: Synapse formats of a core.
        profiles: Compartment profiles of a core.
        threshold_profiles: Threshold profiles of a core.
        cores_per_chip: Cores of a chip.
        atoms: Largest population that shares an axon.
    """

    compartments: int = 1024
    input_axons: int = 4096
    output_axons: int = 4096
    synapse_words: int = 16383  # of 16384: the published compiler keeps the last one free
    synapses_per_entry: int = 60
    words_per_list: int = 256
    formats: int = 15
    profiles: int = 32
    threshold_profiles: int = 16
    cores_per_chip: int = 128
    atoms: int = 1024

    def compartments_at(self, delay_bits: int) -> int:
        """Return the compartments of a core whose synapses use ``delay_bits`` bits of delay.

        The accumulators of a core hold 8 time slots for 1024 compartments; a longer delay takes slots from others.
        """
        return min(self.compartments, (self.compartments << 3) >> max(delay_bits, 3))


LOIHI = Limits()
"""The limits of the first Loihi chip."""
