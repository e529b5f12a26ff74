"""What a compiled network is specialised for: another one is compiled when any of this changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from snntoolbox.backends.record import Probes
from snntoolbox.backends.tensorflow.plan import Plan
from snntoolbox.codes import ConstantCurrent, PoissonSpikes, Stimulus

__all__ = ["Setup", "Source", "Wanted"]


@dataclass(frozen=True)
class Wanted:
    """What is recorded: `Probes` without their arrays, so that it can be a key.

    Attributes:
        spikes, potentials, totals: Probed layers.
        weighted: Layers whose totals are weighted.
        curve: Whether the readouts of every step are kept.
    """

    spikes: frozenset[str] = frozenset()
    potentials: frozenset[str] = frozenset()
    totals: frozenset[str] = frozenset()
    weighted: frozenset[str] = frozenset()
    curve: bool = False

    @classmethod
    def of(cls, probes: Probes) -> Wanted:
        """Return what ``probes`` ask for."""
        return cls(
            spikes=frozenset(probes.spikes),
            potentials=frozenset(probes.potentials),
            totals=frozenset(probes.totals),
            weighted=frozenset(name for name, weight in probes.totals.items() if weight is not None),
            curve=probes.outputs_over_time,
        )


@dataclass(frozen=True)
class Source:
    """How one input is fed.

    Attributes:
        kind: ``constant``: once. ``poisson``: drawn inside. ``frames``: step by step from outside.
        max_events: Limit of the spikes of a sample in a Poisson input.
    """

    kind: Literal["constant", "poisson", "frames"]
    max_events: int | None = None

    @classmethod
    def of(cls, stimulus: Stimulus) -> Source:
        """Return how ``stimulus`` is fed. One that is not known here is asked for its frames."""
        if isinstance(stimulus, ConstantCurrent):
            return cls("constant")
        if isinstance(stimulus, PoissonSpikes):
            return cls("poisson", stimulus.max_events)
        return cls("frames")


@dataclass(frozen=True, eq=False)
class Setup:
    """Everything that a compiled network depends on besides numbers.

    Attributes:
        plan: The graph, cut up.
        batch: Number of samples.
        dtype: ``float32`` or ``float64``.
        seed: Seed of stochastic input and neurons.
        sources: Input node -> how it is fed.
        wanted: What is recorded.
        xla: Whether segments are fused and compiled by XLA.
    """

    plan: Plan
    batch: int
    dtype: str
    seed: int
    sources: Mapping[str, Source]
    wanted: Wanted
    xla: bool
