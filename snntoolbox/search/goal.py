"""What a search is to find, as an order over trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from snntoolbox.errors import ConversionError
from snntoolbox.search.trial import Trial

__all__ = ["STANDARD_ERRORS", "Goal"]

STANDARD_ERRORS = 2.0
"""By how many standard errors of the difference a trial must be better than one that was tried before it."""


@dataclass(frozen=True)
class Goal:
    """Which of two trials is better.

    Attributes:
        kind: ``accuracy``: as many decisions of the ANN as possible after ``num_steps`` steps. ``steps``: as few steps,
            ``operations``: as few synaptic operations as possible, until the agreement with the ANN comes within
            ``within`` of complete and stays there.
        num_steps: Steps that a trial is simulated for.
        within: Share of samples, 0 to 1, that may be decided otherwise than by the ANN; for ``steps`` and
            ``operations``.
    """

    kind: Literal["accuracy", "steps", "operations"] = "accuracy"
    num_steps: int = 32
    within: float = 0.01

    def __post_init__(self) -> None:
        """Check limits.

        Raises:
            ConversionError: One is out of range.
        """
        if self.kind not in ("accuracy", "steps", "operations"):
            raise ConversionError(f"goal: expected 'accuracy', 'steps' or 'operations', got '{self.kind}'")
        if self.num_steps < 1 or not 0 <= self.within <= 1:
            raise ConversionError(
                f"goal: expected num_steps >= 1 and within in [0, 1], got {self.num_steps} and {self.within}"
            )

    def step(self, trial: Trial) -> int | None:
        """Return the step, from 1, at which a trial is read out; None if it never comes near enough to the ANN."""
        if self.kind == "accuracy":
            return trial.num_steps
        outside = np.flatnonzero(trial.agreement < 1 - self.within - 1e-9)
        first = 1 if not outside.size else int(outside[-1]) + 2
        return first if first <= trial.num_steps else None

    def value(self, trial: Trial) -> float | None:
        """Return the number that the goal is about: agreement, steps or operations; None if it is not reached."""
        step = self.step(trial)
        if step is None:
            return None
        if self.kind == "steps":
            return float(step)
        return float((trial.agreement if self.kind == "accuracy" else trial.operations)[step - 1])

    def ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return trials of the same samples, in the order in which they were tried, from the best to the worst.

        What is known to do well is tried first, and the best of many is often the luckiest. So of those that are not
        worse than the best by more than chance explains, the one that was tried first is the best (after the
        one-standard-error rule, Breiman et al. 1984, section 3.4.3). The others, and trials for ``steps`` and
        ``operations``, follow by their `key`.
        """
        order = sorted(trials, key=self.key, reverse=True)
        if self.kind == "accuracy" and order:
            first = next(one for one in trials if not _surely_worse(one, order[0]))
            order.sort(key=lambda one: one is not first)
        return order

    def key(self, trial: Trial) -> tuple[float, ...]:
        """Return numbers to sort trials by; the best trial has the largest.

        Few samples agree or disagree by chance, so trials are compared by the divergence of their probabilities from
        the ANN's (see `Trial`), to which all samples contribute.
        """
        end = -trial.divergence
        value = self.value(trial)
        if self.kind == "accuracy":
            return (end, float(trial.agreement[-1]), -float(trial.operations[-1]))
        return (-np.inf, end) if value is None else (-value, end)


def _surely_worse(one: Trial, best: Trial) -> bool:
    """Whether the divergence of one trial is larger than that of the best by more than chance explains."""
    difference = one.divergences - best.divergences
    chance = float(difference.std()) / np.sqrt(len(difference))
    return bool(difference.mean() > STANDARD_ERRORS * chance)
