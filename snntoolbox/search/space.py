"""What is tried, in which order: rounds, each of which varies the best of the round before.

The order follows what matters most for the accuracy at few steps: the thresholds, then the neuron, then corrections
that are fitted to the converted network, then fine tuning of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Round", "rounds"]

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Round:
    """One round of a search.

    Attributes:
        name: For progress and report.
        variations: Options that are laid over each of the trials kept so far, one after the other.
        share: Share of the held-out samples that trials of this round are simulated on.
        keep: How many of the best trials go to the next round.
    """

    name: str
    variations: Sequence[Options]
    share: float
    keep: int


def rounds(num_steps: int, neurons: Sequence[str] = ("integrate_and_fire",)) -> tuple[Round, ...]:
    """Return the rounds of a search.

    Args:
        num_steps: Steps the network is to be read out after; thresholds may be fitted to it.
        neurons: Neuron models that may be used, by the names of ``[cell] neuron``.
    """
    scales: list[Options] = [
        {"method": "percentile", "percentile": percentile, "channel_wise": channel_wise}
        for channel_wise in (True, False)
        for percentile in (99.9, 99.0, 99.99)
    ]
    return (Round("thresholds", scales, share=0.25, keep=3),)
