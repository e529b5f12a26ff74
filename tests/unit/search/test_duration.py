"""How long a trial is expected to take."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.search.duration import expected_seconds
from snntoolbox.search.trial import Trial


def trial(seconds: float, conversion: float, num_samples: int = 100, num_calibrated: int = 0) -> Trial:
    one = np.ones(1)
    return Trial({}, num_samples, one, one, one, seconds, conversion, num_calibrated)


def test_nothing_is_known_before_the_first_trial() -> None:
    assert expected_seconds([], 100, 256) == 0


def test_simulation_goes_by_samples_and_conversion_does_not() -> None:
    known = [trial(12, 2), trial(3, 1, num_samples=25)]
    assert expected_seconds(known, 200) == pytest.approx(2 + 200 * 0.1)


def test_a_calibration_goes_by_the_samples_it_calibrates_on() -> None:
    known = [trial(12, 2), trial(40, 30, num_calibrated=100)]
    assert expected_seconds(known, 100, 200) == pytest.approx(10 + 60)
    assert expected_seconds(known, 100) == pytest.approx(10 + 2)


def test_before_the_first_calibration_it_is_thrice_a_simulation() -> None:
    assert expected_seconds([trial(12, 2)], 100, 200) == pytest.approx(10 + 3 * 200 * 0.1)
