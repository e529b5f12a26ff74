"""Energy: the scalar product of operation counts with the prices of a profile (Rueckauer 2020, eq. 2.32)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from snntoolbox.analysis.cost_profiles import CostProfile

__all__ = ["Energy", "energies", "energy"]


@dataclass(frozen=True)
class Energy:
    """What one sample costs by one profile.

    Attributes:
        unit: Of all numbers.
        about: What the profile is.
        process: What its prices hold for.
        source: Where they are from.
        ann: Of the network without spikes; None if the profile has no price for any of its operations.
        snn: Of the spiking network, in the same way.
        ratio: ``snn`` / ``ann``.
        ann_parts, snn_parts: Kind of operation -> its share.
        unpriced: Kinds that happened and have no price: they are not part of the numbers.
    """

    unit: str
    about: str = ""
    process: str = ""
    source: str = ""
    ann: float | None = None
    snn: float | None = None
    ratio: float | None = None
    ann_parts: Mapping[str, float] = field(default_factory=dict)
    snn_parts: Mapping[str, float] = field(default_factory=dict)
    unpriced: tuple[str, ...] = ()


def energy(ann_counts: Mapping[str, float], snn_counts: Mapping[str, float], profile: CostProfile) -> Energy:
    """Return the energy of a sample.

    Args:
        ann_counts: Operations without spikes, by kind; empty if not known.
        snn_counts: Operations with spikes, by kind; empty if not known.
        profile: Prices.
    """
    costs = profile.costs
    ann, snn = ({k: n * costs[k] for k, n in counts.items() if n and k in costs} for counts in (ann_counts, snn_counts))
    happened = dict.fromkeys(k for counts in (ann_counts, snn_counts) for k, n in counts.items() if n)
    total_ann, total_snn = (sum(parts.values()) if parts else None for parts in (ann, snn))
    return Energy(
        unit=profile.unit,
        about=profile.about,
        process=profile.process,
        source=profile.source,
        ann=total_ann,
        snn=total_snn,
        ratio=total_snn / total_ann if total_ann and total_snn is not None else None,
        ann_parts=ann,
        snn_parts=snn,
        unpriced=tuple(kind for kind in happened if kind not in costs),
    )


def energies(
    ann_counts: Mapping[str, float], snn_counts: Mapping[str, float], profiles: Iterable[CostProfile]
) -> dict[str, Energy]:
    """Return the energy of a sample by every profile."""
    return {profile.name: energy(ann_counts, snn_counts, profile) for profile in profiles}
