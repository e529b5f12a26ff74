"""Numbers as text, for people."""

from __future__ import annotations

import math

__all__ = ["count", "percent", "seconds", "short_number", "signed_points"]

_PREFIXES = {0: "", 3: "\u00a0k", 6: "\u00a0M", 9: "\u00a0G", 12: "\u00a0T", 15: "\u00a0P"}
NOTHING = "–"
"""What stands where there is no number."""


def short_number(value: float | None, digits: int = 3) -> str:
    """Return a number with few digits and a prefix: 1234567 -> '1.23 M'."""
    if value is None or not math.isfinite(value):
        return NOTHING
    rounded = float(f"{value:.{digits}g}")
    power = 0 if abs(rounded) < 1000 else min(3 * int(math.log10(abs(rounded)) // 3), 15)
    return f"{rounded / 10**power:.{digits}g}{_PREFIXES[power]}"


def count(value: int | None) -> str:
    """Return a whole number in full, in groups of three digits."""
    return NOTHING if value is None else f"{value:,}".replace(",", "\u2009")


def percent(share: float | None, decimals: int = 2) -> str:
    """Return a share as percentage: 0.9876 -> '98.76 %' (with a space that does not break)."""
    return NOTHING if share is None or not math.isfinite(share) else f"{100 * share:.{decimals}f}\u00a0%"


def signed_points(difference: float) -> str:
    """Return a difference of two shares in percentage points: -0.0033 -> '-0.33 points'."""
    return f"{100 * difference:+.2f} points".replace("-", "\u2212")


def seconds(value: float | None) -> str:
    """Return a time in the unit that suits it: '0.35 s', '12.3 s', '4 min 05 s', '2 h 07 min'."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value < 59.95:
        return f"{value:.1f} s" if value >= 9.995 else f"{value:.2f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
