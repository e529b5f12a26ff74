"""Spike counts of a simulator against the reference's, with every difference traced back to a tie or refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from snntoolbox.backends import Probes, Record
from snntoolbox.backends.record import Array
from snntoolbox.backends.reference import ReferenceBackend, ReferenceSimulation
from snntoolbox.codes import Stimulus
from snntoolbox.errors import ConformanceError
from snntoolbox.ir import Graph

__all__ = ["MARGIN", "MAX_TIED_SHARE", "compare_records", "run_reference"]

MARGIN = 1e-4
"""Largest distance from the threshold, over all steps, at which float32 may decide otherwise than float64."""
MAX_TIED_SHARE = 0.1
"""Share of samples in which ties may occur; more would hide a fault."""


def run_reference(
    graph: Graph, stimulus: Stimulus, num_steps: int, *, seed: int = 0, probes: Probes | None = None
) -> tuple[Record, Mapping[str, Array]]:
    """Return the reference's record, and each neuron's smallest distance from its threshold."""
    simulation = ReferenceBackend().compile(graph, batch_size=len(stimulus), seed=seed)
    record = simulation.run(stimulus, num_steps, probes)
    return record, simulation.margins if isinstance(simulation, ReferenceSimulation) else {}


def compare_records(graph: Graph, expected: Record, margins: Mapping[str, Array], received: Record, what: str) -> int:
    """Return the number of spike counts that differ through ties.

    In each sample, the first layer of the network that differs may do so only in neurons whose potential came within
    `MARGIN` of the threshold; what follows in that sample is a consequence and is not compared.

    Raises:
        ConformanceError: A difference is no tie, or outputs differ without one.
    """
    clean = np.ones(len(expected), bool)
    ties = 0
    for name in graph.neurons:
        if name not in received.spike_counts:
            raise ConformanceError(f"{what}: no spike counts of layer '{name}'")
        differs = expected.spike_counts[name] != received.spike_counts[name]
        differs &= clean.reshape(-1, *(1,) * (differs.ndim - 1))
        margin = margins.get(name, np.full(differs.shape, np.inf))
        unexplained = differs & (margin > MARGIN)
        if unexplained.any():
            where = tuple(int(i) for i in np.argwhere(unexplained)[0])
            raise ConformanceError(
                f"{what}: layer '{name}', sample {where[0]}, neuron {where[1:]}: expected "
                f"{expected.spike_counts[name][where]} spikes, got {received.spike_counts[name][where]} "
                f"(its potential stayed {margin[where]:.2g} or more away from the threshold); "
                f"{int(unexplained.sum())} of {differs.size} counts differ so"
            )
        ties += int(differs.sum())
        clean &= ~differs.reshape(len(differs), -1).any(axis=1)
    if (~clean).mean() > MAX_TIED_SHARE and (~clean).sum() > 1:
        raise ConformanceError(f"{what}: ties in {int((~clean).sum())} of {len(clean)} samples, too many for chance")
    for name, values in expected.outputs.items():
        difference = np.abs(values - received.outputs[name])[clean]
        if difference.size and difference.max() > 1e-4 * max(1.0, float(np.abs(values).max())):
            raise ConformanceError(f"{what}: output '{name}' differs by {difference.max():.3g} with equal spikes")
    return ties
