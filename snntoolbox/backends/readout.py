"""When outputs are read: from which step on, and for each sample until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.record import Array, Record
from snntoolbox.calibration.readout_start import LEAST_READ, READOUT_START
from snntoolbox.errors import SimulationError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Softmax

__all__ = ["STEPS_BETWEEN", "EarlyExit", "extended", "first_read_step", "since"]

STEPS_BETWEEN = 4
"""Steps after which a simulation in plain NumPy looks whether all samples are decided."""


def first_read_step(graph: Graph, num_steps: int) -> int:
    """Return the step t0 after which outputs are read: as the graph says, but at most 4 steps before the end."""
    return max(min(int(graph.attributes.get(READOUT_START, "0")), num_steps - LEAST_READ), 0)


def since(raw: Array, start: int) -> Array:
    """Return what an output layer gathered, such that its mean over all steps is y(t) = (V(t) - V(t0)) / (t - t0).

    That is the mean over the steps since t0 (Bu et al. 2025); up to t0 nothing changes.

    Args:
        raw: Potential or sum of messages after each step, shape (steps, ...).
        start: t0.
    """
    if not 0 < start < len(raw):
        return raw
    steps = np.arange(start + 1, len(raw) + 1, dtype=np.float64).reshape(-1, *(1,) * (raw.ndim - 1))
    delayed = (raw[start:] - raw[start - 1]) * (steps / (steps - start))
    return np.concatenate([raw[:start], delayed.astype(raw.dtype)])


def extended(record: Record, num_steps: int) -> Record:
    """Return the record of a run that ended early as one of ``num_steps`` steps.

    Outputs stay as they were, and nothing is sent in the steps that were not simulated; messages are scaled so that
    rates stay, too.
    """
    missing = num_steps - record.num_steps
    if missing <= 0:
        return record

    def more(values: Mapping[str, Array], *, stay: bool) -> dict[str, Array]:
        widths = {name: [(0, missing), *[(0, 0)] * (one.ndim - 1)] for name, one in values.items()}
        return {name: np.pad(one, widths[name], mode="edge" if stay else "constant") for name, one in values.items()}

    return replace(
        record,
        num_steps=num_steps,
        outputs_over_time=more(record.outputs_over_time, stay=True),
        messages={name: one * (num_steps / record.num_steps) for name, one in record.messages.items()},
        spike_trains=more(record.spike_trains, stay=False),
        potentials=more(record.potentials, stay=True),
        totals=more(record.totals, stay=False),
    )


@dataclass(frozen=True)
class EarlyExit:
    """A sample is decided as soon as the output is confident enough; what comes later no longer counts for it.

    The confidence of a step is the largest probability of a class: of the output if the network ends in a softmax, else
    of its softmax.

    Attributes:
        confidence: Least confidence, 0 to 1.
        patience: Steps in a row in which the output must be confident of the same class.
        stop: Whether the simulation of a batch may end once all its samples are decided.
    """

    confidence: float = 0.95
    patience: int = 2
    stop: bool = True

    def __post_init__(self) -> None:
        """Check limits.

        Raises:
            SimulationError: One is out of range.
        """
        if not 0 < self.confidence <= 1 or self.patience < 1:
            raise SimulationError(
                f"early exit: expected a confidence in (0, 1] and patience >= 1, got {self.confidence} and "
                f"{self.patience}"
            )

    def steps(self, graph: Graph, outputs: Array, start: int = 0) -> NDArray[np.int64]:
        """Return the step, from 1, at which each sample is decided, shape (batch,); 0 for one that is not.

        Args:
            graph: The network, of whose first output the values are.
            outputs: Decoded value after each step from the first on, shape (steps, batch, classes).
            start: Step before which nothing is decided: that of a delayed read-out.

        Raises:
            SimulationError: Outputs are no scores of two or more classes.
        """
        if outputs.ndim != 3 or outputs.shape[2] < 2:
            raise SimulationError(
                f"early exit: expected an output that is a row of two or more scores, got shape {outputs.shape[2:]}"
            )
        scores = outputs if isinstance(graph[graph.outputs[0]].op, Softmax) else _softmax(outputs)
        classes = scores.argmax(axis=2)
        sure = scores.max(axis=2) >= self.confidence
        sure[:start] = False
        row, decided = np.zeros(sure.shape[1], np.int64), np.zeros(sure.shape[1], np.int64)
        for step in range(len(sure)):
            same = (classes[step] == classes[step - 1]) if step else np.zeros_like(sure[0])
            row = np.where(sure[step], np.where(same, row, 0) + 1, 0)
            decided = np.where((decided == 0) & (row >= self.patience), step + 1, decided)
        return decided


def _softmax(values: NDArray[Any]) -> NDArray[np.float64]:
    powers = np.exp(values - values.max(axis=-1, keepdims=True), dtype=np.float64)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
