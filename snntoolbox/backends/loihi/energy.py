"""Energy and time of a run from what the chip did, with named tables of costs.

The time of a step is that of the slowest core, the way of its spikes, the barrier, and an overhead::

    T = sum over steps of max over cores(updates + operations + messages + spikes) + longest way + barrier + overhead
    E = sum of counts times energies + static power * T

Each term is reported on its own, and the profile says which of them are published and which are calibrated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.emulator import Activity, StepResult
from snntoolbox.backends.loihi.mapping import Mapping
from snntoolbox.backends.loihi.mesh import CORES_PER_TILE, hops_between
from snntoolbox.errors import RegistryError
from snntoolbox.registry import suggest

__all__ = [
    "Counts",
    "EnergyProfile",
    "EnergyReport",
    "StepClock",
    "energy_report",
    "load_profile",
    "mean_counts",
    "profile_names",
    "report",
]

Array = NDArray[Any]


@dataclass(frozen=True)
class EnergyProfile:
    """Costs of the chip's operations in pJ and ns; ``*_kind`` says whether a figure is published or calibrated."""

    name: str
    source: str
    synapse_pj: float
    synapse_ns: float
    active_update_pj: float
    active_update_ns: float
    inactive_update_pj: float
    inactive_update_ns: float
    spike_pj: float
    spike_ns: float
    message_in_pj: float
    message_in_ns: float
    hop_x_pj: float
    hop_x_ns: float
    hop_y_pj: float
    hop_y_ns: float
    barrier_ns: float
    barrier_kind: str
    static_mw_per_chip: float
    static_kind: str
    overhead_ns_per_step: float
    overhead_kind: str

    @property
    def static_of_board(self) -> bool:
        """Whether the static power is that of a whole board, for any number of chips."""
        return "board" in self.static_kind


@cache
def _profiles() -> dict[str, dict[str, Any]]:
    text = resources.files("snntoolbox.backends.loihi").joinpath("energy_profiles.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def profile_names() -> list[str]:
    """Return the names of all profiles."""
    return list(_profiles())


def load_profile(name: str) -> EnergyProfile:
    """Return a profile.

    Raises:
        RegistryError: There is none of that name.
    """
    if name not in _profiles():
        known = ", ".join(profile_names())
        raise RegistryError(f"unknown energy profile '{name}'.{suggest(name, profile_names())} Known: {known}")
    return EnergyProfile(name=name, **_profiles()[name])


class StepClock:
    """Adds up the time of each step, for every sample on its own: a step waits for its slowest core."""

    def __init__(self, mapping: Mapping, batch: int, profile: EnergyProfile) -> None:
        self._profile, self._mapping = profile, mapping
        self._first = mapping.compartment_pointer[:-1]
        self._compartments = np.diff(mapping.compartment_pointer)
        first = np.broadcast_to(mapping.core[0], mapping.core.shape)
        farthest = hops_between(mapping.core, first, mapping.cores_per_chip)
        self._way_ns = float(farthest[:, 0].max() * profile.hop_x_ns + farthest[:, 1].max() * profile.hop_y_ns)
        self.compute_ns = np.zeros(batch)
        self.communication_ns = np.zeros(batch)

    def fired(self, step: StepResult) -> Array:
        """Return the spikes of each sample and core."""
        return np.add.reduceat(step.spikes, self._first, axis=1, dtype=np.int64)

    def add(self, step: StepResult, fired: Array | None = None) -> None:
        """Count one step; ``fired`` is what `fired` of any clock of the mapping returns, if it is known."""
        profile = self._profile
        fired = self.fired(step) if fired is None else fired
        busy = (
            step.operations * profile.synapse_ns
            + step.messages * profile.message_in_ns
            + fired * (profile.active_update_ns - profile.inactive_update_ns + profile.spike_ns)
            + self._compartments * profile.inactive_update_ns
        )
        self.compute_ns += busy.max(axis=1)
        self.communication_ns += np.where(step.messages.sum(axis=1) > 0, self._way_ns, 0.0)


@dataclass(frozen=True, eq=False)
class EnergyReport:
    """Mean over the samples; energies in microjoule, times in milliseconds.

    Attributes:
        profile: Name of the profile.
        synapse_uj, update_uj, spike_uj, hop_uj: Dynamic energy of each kind of operation.
        static_uj: Static power over the time.
        compute_ms, communication_ms, barrier_ms, overhead_ms: Parts of the time.
        tiles: Tiles in use.
    """

    profile: str
    synapse_uj: float
    update_uj: float
    spike_uj: float
    hop_uj: float
    static_uj: float
    compute_ms: float
    communication_ms: float
    barrier_ms: float
    overhead_ms: float
    tiles: int

    @property
    def dynamic_uj(self) -> float:
        """All energy but the static."""
        return self.synapse_uj + self.update_uj + self.spike_uj + self.hop_uj

    @property
    def energy_uj(self) -> float:
        """Energy of a sample."""
        return self.dynamic_uj + self.static_uj

    @property
    def time_ms(self) -> float:
        """Time of a sample."""
        return self.compute_ms + self.communication_ms + self.barrier_ms + self.overhead_ms

    @property
    def energy_delay_product_ujs(self) -> float:
        """Energy times time, in microjoule seconds."""
        return self.energy_uj * self.time_ms * 1e-3

    @property
    def power_mw(self) -> float:
        """Mean power in milliwatts."""
        return self.energy_uj / self.time_ms if self.time_ms else 0.0

    def as_dict(self) -> dict[str, float | int | str]:
        """Return all numbers by name."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        derived = ("dynamic_uj", "energy_uj", "time_ms", "power_mw", "energy_delay_product_ujs")
        return {**own, **{name: getattr(self, name) for name in derived}}


Counts = tuple[float, ...]
"""Mean over the samples: synaptic operations, messages, spikes, updates, hops along x and y."""


def mean_counts(activity: Activity, samples: int | None = None) -> Counts:
    """Return the counts of a sample; only the first ``samples`` of the batch count if given."""
    chosen = slice(samples)
    counts = (activity.operations, activity.messages, activity.spikes, activity.updates)
    hops = activity.hops[chosen].mean(axis=0)
    return (*(float(count[chosen].mean()) for count in counts), float(hops[0]), float(hops[1]))


def energy_report(
    mapping: Mapping, activity: Activity, clock: StepClock, profile: EnergyProfile, samples: int | None = None
) -> EnergyReport:
    """Return energy and time of a sample.

    Args:
        mapping: What ran.
        activity: What it did.
        clock: What its steps took.
        profile: Costs.
        samples: Number of samples of the batch that count; all unless given.
    """
    chosen = slice(samples)
    compute_ns, way_ns = float(clock.compute_ns[chosen].mean()), float(clock.communication_ns[chosen].mean())
    return report(mapping, profile, activity.steps, mean_counts(activity, samples), compute_ns, way_ns)


def report(
    mapping: Mapping, profile: EnergyProfile, steps: int, counts: Counts, compute_ns: float, way_ns: float
) -> EnergyReport:
    """Return energy and time of a sample from its counts.

    Args:
        mapping: What ran.
        profile: Costs.
        steps: Of the chip.
        counts: Of a sample, see `mean_counts`.
        compute_ns: Time of the slowest core, over all steps.
        way_ns: Time of the longest way, over all steps.
    """
    operations, messages, spikes, updates, hops_x, hops_y = counts
    barrier_ns, overhead_ns = steps * profile.barrier_ns, steps * profile.overhead_ns_per_step
    chips = 1 if profile.static_of_board else mapping.num_chips
    total_ms = (compute_ns + way_ns + barrier_ns + overhead_ns) * 1e-6
    return EnergyReport(
        profile=profile.name,
        synapse_uj=operations * profile.synapse_pj * 1e-6,
        update_uj=(spikes * profile.active_update_pj + (updates - spikes) * profile.inactive_update_pj) * 1e-6,
        spike_uj=(spikes * profile.spike_pj + messages * profile.message_in_pj) * 1e-6,
        hop_uj=(hops_x * profile.hop_x_pj + hops_y * profile.hop_y_pj) * 1e-6,
        static_uj=profile.static_mw_per_chip * chips * total_ms,
        compute_ms=compute_ns * 1e-6,
        communication_ms=way_ns * 1e-6,
        barrier_ms=barrier_ns * 1e-6,
        overhead_ms=overhead_ns * 1e-6,
        tiles=len(np.unique(mapping.core // CORES_PER_TILE)),
    )
