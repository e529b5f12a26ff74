"""Neurons with each option set, by what the option does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snntoolbox.neurons import (
    BurstIntegrateAndFire,
    GradedIntegrateAndFire,
    IntegrateAndFire,
    NeuronModel,
    RelaxingIntegrateAndFire,
    SignedIntegrateAndFire,
)

__all__ = ["NEURONS"]

NEURONS: Mapping[str, NeuronModel] = {
    "reset to zero": IntegrateAndFire(reset="zero"),
    "reset by modulo": IntegrateAndFire(reset="modulo", threshold=0.5),
    "a refractory period": IntegrateAndFire(refractory_steps=2),
    "a leak": IntegrateAndFire(leak_factor=0.5, threshold=0.5),
    "a voltage clamp": IntegrateAndFire(clamp_steps=4, initial_potential=0.5),
    "thresholds by channel": IntegrateAndFire(threshold=np.array([0.5, 1, 2, 0.25, 1, 1, 2, 0.5, 1, 4.0])),
    "spikes that are taken back": SignedIntegrateAndFire(threshold=0.5, initial_potential=0.25),
    "a bias that sets in slowly": RelaxingIntegrateAndFire(
        initial_potential=0.5, bias=np.array([0.5, 1, -2, 0.25, 1, 0, 2, 0.5, 1, -4.0]), relaxation_steps=8
    ),
    "bursts": BurstIntegrateAndFire(threshold=0.25, max_spikes=3, initial_potential=0.125),
    "bursts after a clamp, thresholds by channel": BurstIntegrateAndFire(
        np.array([0.5, 1, 2, 0.25, 1, 1, 2, 0.5, 1, 4.0]), amplitude=0.5, clamp_steps=3
    ),
    "sizes that are powers": GradedIntegrateAndFire(levels=4, initial_potential=0.0625),
    "all sizes": GradedIntegrateAndFire(threshold=2.0, levels=8, spacing="uniform", initial_potential=0.125),
    "three sizes after a clamp": GradedIntegrateAndFire(1.5, levels=3, spacing="uniform", clamp_steps=4),
    "sizes and slopes by channel": GradedIntegrateAndFire(
        threshold=np.array([0.5, 1, 2, 0.25, 1, 1, 2, 0.5, 1, 4.0]),
        amplitude=1.0,
        levels=3,
        negative_slope=np.array([0, 0.5, 1, -0.25, 2, 0.25, 0.125, 0, 0.5, 0.75]),
    ),
    "negative spikes": SignedIntegrateAndFire(negative_slope=0.25, initial_potential=0.5),
    "slopes by channel": SignedIntegrateAndFire(
        threshold=0.5, amplitude=1.0, negative_slope=np.array([0, 0.5, 1, -0.25, 2, 0.25, 0.125, 0, 0.5, 0.75])
    ),
    "negative spikes after a clamp": SignedIntegrateAndFire(negative_slope=0.5, clamp_steps=4),
    "an amplitude of its own": IntegrateAndFire(amplitude=0.5, initial_potential=0.25),
}
"""For layers of 10 neurons; all sums of dyadic inputs are exact in float32."""
