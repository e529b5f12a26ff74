"""Numbers as text."""

from __future__ import annotations

import pytest

from snntoolbox.report.wording import NOTHING, count, percent, seconds, short_number, signed_points


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (7, "7"), (652.26, "652"), (999.6, "1 k"), (1000, "1 k"), (44529, "44.5 k"), (9_110_000, "9.11 M")),
        *((2.5e9, "2.5 G"), (3e18, "3e+03 P"), (-1234, "-1.23 k"), (0.01234, "0.0123"), (None, NOTHING)),
    ],
)
def test_short_number(value: float | None, text: str) -> None:
    assert short_number(value).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.123, "0.12 s"), (9.999, "10.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (245, "4 min 05 s")),
        *((3599.7, "1 h 00 min"), (7620, "2 h 07 min"), (None, NOTHING), (float("nan"), NOTHING)),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_shares() -> None:
    assert percent(0.98765) == "98.77\u00a0%" and percent(None) == NOTHING
    assert signed_points(-0.0033) == "\u22120.33 points" and signed_points(0.01) == "+1.00 points"
    assert count(1234567) == "1\u2009234\u2009567" and count(None) == NOTHING
