"""Settling times."""

from __future__ import annotations

from snntoolbox.analysis.latency import first_step, settling_step

CURVE = [0.1, 0.97, 0.5, 0.96, 0.98, 0.97]


def test_first_step_is_the_first_that_is_close() -> None:
    assert first_step(CURVE, 0.98, 0.01) == 2
    assert first_step(CURVE, 0.98, 0.0) == 5
    assert first_step(CURVE, 1.0, 0.01) is None


def test_settling_step_does_not_count_what_is_lost_again() -> None:
    assert settling_step(CURVE, 0.98, 0.02) == 4
    assert settling_step(CURVE, 0.98, 0.01) == 5
    assert settling_step(CURVE, 0.98, 0.0) is None


def test_better_than_the_target_is_close() -> None:
    assert settling_step([0.9, 0.95], 0.5, 0.0) == 1


def test_an_empty_curve_never_settles() -> None:
    assert settling_step([], 0.5, 0.1) is None
    assert first_step([], 0.5, 0.1) is None
