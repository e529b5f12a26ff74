"""What is tried, in which order: rounds, each of which varies the best of the round before.

Sets of options that are known to do well come first, so that a search whose time is up early has tried them: with the
scales that calibrations do best with, and with waits for the layers before, without which all other differences of a
deep network drown. Then the neuron, corrections that are fitted to the converted network, thresholds, fine tuning of
numbers, and waits of one length for all layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Round", "recipe_round", "rounds", "threshold_round", "transient_round"]

Options = Mapping[str, object]


LAYER_BY_LAYER: Options = {
    "calibration.weight": True,
    "calibration.clamp": True,
    "calibration.threshold": True,
    "calibration.potential": True,
    "cell.clamp_delay": 0.0,
    "readout.start": -1,
}
"""Weights, how long layers wait, their thresholds and their potentials, fitted one after the other."""
_MORE_SAMPLES: Options = {"calibration.num_samples": 256}
_METHOD, _PERCENTILE, _WISE = "normalization.method", "normalization.percentile", "normalization.channel_wise"


@dataclass(frozen=True)
class Round:
    """One round of a search.

    Attributes:
        name: For progress and report.
        variations: Options (``{"section.option": value}``) that are laid over each of the best so far, one after the
            other; the best so far themselves take part too.
        keep: How many of the best trials go to the next round.
        share: Share of the held-out samples that trials of this round are simulated on.
    """

    name: str
    variations: Sequence[Options]
    keep: int = 1
    share: float = 1.0


def rounds(neurons: Sequence[str] = ("integrate_and_fire",)) -> tuple[Round, ...]:
    """Return the rounds of a search.

    Args:
        neurons: Neurons that may be used, by the names of ``[cell] neuron``.
    """
    corrections: list[Options] = [
        _MORE_SAMPLES,
        {"calibration.bias": True},
        {"calibration.weight": True},
        {"calibration.weight": False},
        {"calibration.potential": True},
        {"calibration.potential": True, "cell.clamp_delay": 0.0},  # either may do what the other does
        {name: value for name, value in LAYER_BY_LAYER.items() if name != "readout.start"},
    ]
    fine: list[Options] = [
        *({"cell.v_thresh": threshold} for threshold in (1.1, 0.9, 1.25, 0.8)),
        *({"cell.initial_potential": start} for start in (0.4, 0.6)),
    ]
    models: list[Options] = [{"cell.neuron": name} for name in neurons]
    chosen = (Round("neurons", models, keep=2),) if set(neurons) - {"integrate_and_fire"} else ()
    return (
        recipe_round(keep=2),
        *chosen,
        Round("corrections", corrections, keep=2),
        threshold_round(keep=2),
        Round("fine tuning", fine, keep=2),
        transient_round(keep=1),
    )


def recipe_round(keep: int = 1) -> Round:
    """Return the round of what is known to do well."""
    least_error: Options = {_METHOD: "mmse", _WISE: True}
    potential: Options = {"calibration.weight": True, "calibration.potential": True, "readout.start": -1}
    recipes: list[Options] = [
        {**least_error, **LAYER_BY_LAYER, **_MORE_SAMPLES},
        {**least_error, **LAYER_BY_LAYER},
        {**least_error, **potential},
        {_WISE: True, **LAYER_BY_LAYER},
        {**least_error, **potential, "calibration.threshold": True, "cell.clamp_delay": 0.25},
        {**least_error, **LAYER_BY_LAYER, "calibration.weight": False},
    ]
    return Round("recipes", recipes, keep)


def threshold_round(keep: int = 1) -> Round:
    """Return the round that chooses how thresholds are found."""
    ways = [
        ("local_balancing", 99.9, True),
        *(("mmse", 99.9, wise) for wise in (True, False)),
        *(("percentile", percentile, True) for percentile in (99.9, 99.0, 100.0)),
    ]
    names = (_METHOD, _PERCENTILE, _WISE)
    return Round("thresholds", [dict(zip(names, way, strict=True)) for way in ways], keep)


def transient_round(keep: int = 1) -> Round:
    """Return the round that chooses how long layers wait, and whether the output is read late."""
    waits: list[Options] = [{"cell.clamp_delay": delay, "readout.start": -1} for delay in (0.5, 0.25, 1.0)]
    return Round("transients", [{"readout.start": -1}, *waits], keep)
