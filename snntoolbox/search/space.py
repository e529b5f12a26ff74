"""What is tried, in which order: rounds, each of which varies the best of the round before.

The order follows what matters most for the accuracy at few steps: the time until deep layers hear anything, in which
all other differences of a deep network drown; then the neuron, the thresholds, corrections that are fitted to the
converted network, and fine tuning of numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Round", "rounds", "threshold_round", "transient_round"]

Options = Mapping[str, object]


LAYER_BY_LAYER: Options = {
    "calibration.clamp": True,
    "calibration.threshold": True,
    "calibration.potential": True,
    "cell.clamp_delay": 0.0,
    "readout.start": -1,
}
"""How long layers wait, their thresholds and their potentials, fitted one after the other."""


@dataclass(frozen=True)
class Round:
    """One round of a search.

    Attributes:
        name: For progress and report.
        variations: Options (``{"section.option": value}``) that are laid over each of the best so far, one after the
            other; the best so far themselves take part too.
        share: Share of the held-out samples that trials of this round are simulated on.
        keep: How many of the best trials go to the next round.
    """

    name: str
    variations: Sequence[Options]
    share: float
    keep: int


def rounds(neurons: Sequence[str] = ("integrate_and_fire",)) -> tuple[Round, ...]:
    """Return the rounds of a search.

    Args:
        neurons: Neurons that may be used, by the names of ``[cell] neuron``.
    """
    corrections: list[Options] = [
        {"calibration.potential": True},
        {"calibration.potential": True, "cell.clamp_delay": 0.0},  # either may do what the other does
        {name: value for name, value in LAYER_BY_LAYER.items() if name != "readout.start"},
        {"calibration.bias": True},
    ]
    fine: list[Options] = [
        *({"cell.v_thresh": threshold} for threshold in (0.8, 0.9, 1.1, 1.25)),
        *({"cell.initial_potential": start} for start in (0.4, 0.6)),
    ]
    models: list[Options] = [{"cell.neuron": name} for name in neurons]
    chosen = (Round("neurons", models, share=0.5, keep=2),) if set(neurons) - {"integrate_and_fire"} else ()
    return (
        transient_round(share=0.5, keep=2),
        *chosen,
        threshold_round(share=0.5, keep=2),
        Round("corrections", corrections, share=0.5, keep=1),
        Round("fine tuning", fine, share=1.0, keep=1),
    )


def threshold_round(share: float, keep: int) -> Round:
    """Return the round that chooses how thresholds are found."""
    ways = [
        *(("mmse", 99.9, wise) for wise in (True, False)),
        *(("percentile", percentile, True) for percentile in (99.9, 99.0, 100.0)),
        ("local_balancing", 99.9, True),
    ]
    names = ("normalization.method", "normalization.percentile", "normalization.channel_wise")
    return Round("thresholds", [dict(zip(names, way, strict=True)) for way in ways], share, keep)


def transient_round(share: float, keep: int) -> Round:
    """Return the round that chooses what is done about transients, and when the output is read.

    Calibrations come with the scales that they do best with on deep networks, so that a search whose time is up early
    has tried what is known to work.
    """
    waiting = [{"cell.clamp_delay": delay, "readout.start": -1} for delay in (0.25, 0.5, 1.0)]
    by_channel = {"normalization.channel_wise": True}
    calibrated = [
        {**by_channel, "normalization.method": "mmse", "calibration.potential": True, "readout.start": -1},
        {**by_channel, **LAYER_BY_LAYER},
    ]
    return Round("transients", [{"readout.start": -1}, *waiting, *calibrated], share, keep)
