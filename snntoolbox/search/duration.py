"""How long a trial will take, from those before it: simulation and calibration each by their number of samples."""

from __future__ import annotations

from collections.abc import Iterable

from snntoolbox.search.trial import Trial

__all__ = ["expected_seconds"]

_CALIBRATION = 3.0
"""Time to calibrate on a sample over that to simulate one, until a trial tells. All corrections layer by layer on a
ResNet-20 take 3.5, 2.8 and 2.4 times as long at 16, 32 and 64 steps."""


def expected_seconds(trials: Iterable[Trial], num_samples: int, num_calibrated: int = 0) -> float:
    """Return how long a trial may take, at the slowest pace of those before it; 0 if there were none.

    Args:
        trials: The trials before it.
        num_samples: Number of samples that it simulates.
        num_calibrated: Number of samples that it calibrates on, 0 for none.
    """
    known = list(trials)
    if not known:
        return 0.0
    simulation = max((one.seconds - one.conversion_seconds) / one.num_samples for one in known)
    plain = [one.conversion_seconds for one in known if not one.num_calibrated]
    paces = [one.conversion_seconds / one.num_calibrated for one in known if one.num_calibrated]
    pace = max(paces, default=_CALIBRATION * simulation)
    return simulation * num_samples + (pace * num_calibrated if num_calibrated else max(plain, default=0.0))
