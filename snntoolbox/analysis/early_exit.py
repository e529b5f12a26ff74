"""Early exit: when each sample is decided, how many steps and operations that saves, and what it costs in accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.accuracy import is_correct
from snntoolbox.analysis.passed_spikes import PassedSpikes
from snntoolbox.backends.readout import EarlyExit, first_read_step
from snntoolbox.backends.record import Record
from snntoolbox.ir import Graph

__all__ = ["ExitCounter", "Exits"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Exits:
    """What early exit does, for one sample on average.

    Attributes:
        confidence, patience: As asked for; see `snntoolbox.backends.readout.EarlyExit`.
        decided: Share of samples that are confident enough at some step; the others are read after the last step.
        mean_steps: Step of the decision.
        steps_simulated: Steps that were simulated: until the last sample of a batch was decided, if the run may end
            there.
        accuracy: Share of samples right when they are decided; None without labels.
        accuracy_at_end: The same after the last step; None without labels, or if a run ended before.
        operations: Synaptic operations until the decision.
        operations_at_end: Those of all steps; None if a run ended before.
        decided_over_time: Share of samples decided up to each step, shape (steps,).
    """

    confidence: float
    patience: int
    decided: float
    mean_steps: float
    steps_simulated: float
    accuracy: float | None
    accuracy_at_end: float | None
    operations: float
    operations_at_end: float | None
    decided_over_time: NDArray[np.float64]


class ExitCounter:
    """Collects when samples are decided, batch after batch.

    Args:
        graph: The spiking network.
        rule: When a sample is decided.
        num_steps: Number of steps of a whole run.
    """

    def __init__(self, graph: Graph, rule: EarlyExit, num_steps: int) -> None:
        self._graph, self._rule, self.num_steps = graph, rule, num_steps
        self._passed = PassedSpikes(graph)
        self._samples, self._labelled, self._simulated, self._ended = 0, 0, 0, False
        self._sums = {"steps": 0.0, "right": 0.0, "right_at_end": 0.0, "operations": 0.0, "operations_at_end": 0.0}
        self._decided_in = np.zeros(num_steps, np.int64)

    def add(self, record: Record, labels: Array | None) -> None:
        """Add a batch, simulated with the rule: its record, and the class of each sample if known."""
        over_time = record.output_over_time
        found = self._rule.steps(self._graph, over_time, first_read_step(self._graph, self.num_steps))
        steps = np.where(found > 0, found, record.num_steps)
        self._samples += len(record)
        self._simulated += record.num_steps * len(record)
        self._ended |= record.num_steps < self.num_steps
        self._sums["steps"] += float(steps.sum())
        np.add.at(self._decided_in, found[found > 0] - 1, 1)
        if labels is not None:
            self._labelled += len(record)
            chosen = over_time[steps - 1, np.arange(len(steps))]
            self._sums["right"] += float(is_correct(chosen, labels).sum())
            self._sums["right_at_end"] += float(is_correct(record.output, labels).sum())
        for totals in self._passed.totals(record).values():
            before = np.arange(1, len(totals) + 1)[:, None] <= steps
            self._sums["operations"] += float((totals * before).sum(dtype=np.float64))
            self._sums["operations_at_end"] += float(totals.sum(dtype=np.float64))

    def result(self) -> Exits | None:
        """Return the means so far; None without samples."""
        if not self._samples:
            return None
        mean = {name: total / self._samples for name, total in self._sums.items()}
        labelled = self._labelled == self._samples
        over_time = np.cumsum(self._decided_in) / self._samples
        return Exits(
            confidence=self._rule.confidence,
            patience=self._rule.patience,
            decided=float(over_time[-1]),
            mean_steps=mean["steps"],
            steps_simulated=self._simulated / self._samples,
            accuracy=mean["right"] if labelled else None,
            accuracy_at_end=mean["right_at_end"] if labelled and not self._ended else None,
            operations=mean["operations"],
            operations_at_end=None if self._ended else mean["operations_at_end"],
            decided_over_time=over_time,
        )
