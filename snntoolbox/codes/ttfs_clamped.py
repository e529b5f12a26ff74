"""Time to the first spike, of networks that do without late spikes (Rueckauer 2020, section 2.2.2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snntoolbox.codes.ttfs import TTFSCode

__all__ = ["ClampedTTFSCode"]


@dataclass(frozen=True)
class ClampedTTFSCode(TTFSCode):
    """Neurons as those of `TTFSCode`, for rectifiers that give 0 up to a threshold β (eq. 2.29).

    A neuron whose activation is at most β would fire after the latency of β: from then on it does not fire any more.
    `snntoolbox.training.clamped_relu.finetune_clamped` makes such a network from an ordinary one.
    """

    name: ClassVar[str] = "ttfs_clamped"
    needs_clamped: ClassVar[bool] = True
