"""Numbers with a fixed point, in the notation Qm.f."""

from __future__ import annotations

import re
from dataclasses import dataclass

from snntoolbox.errors import ConversionError

__all__ = ["FixedPoint"]

MOST_BITS = 52
"""With more, a number of float64 would not hold them."""


@dataclass(frozen=True)
class FixedPoint:
    """A format Qm.f: multiples of 2^-f, below 2^m; with a sign beside the bits.

    Attributes:
        integer_bits: m.
        fraction_bits: f.
    """

    integer_bits: int
    fraction_bits: int

    @classmethod
    def parse(cls, text: str) -> FixedPoint:
        """Return the format that a text such as ``Q2.6`` names.

        Raises:
            ConversionError: It names none.
        """
        found = re.fullmatch(r"[Qq](\d{1,2})\.(\d{1,2})", text)
        number = cls(*(int(part) for part in found.groups())) if found else cls(0, 0)
        if not 1 <= number.bits <= MOST_BITS:
            raise ConversionError(f"expected a format Qm.f such as Q2.6, with 1 to {MOST_BITS} bits, got '{text}'")
        return number

    @property
    def bits(self) -> int:
        """Number of bits, m + f."""
        return self.integer_bits + self.fraction_bits

    @property
    def unit(self) -> float:
        """2^-f, the difference between numbers."""
        return float(2.0**-self.fraction_bits)

    @property
    def largest(self) -> float:
        """2^m - 2^-f."""
        return float(2.0**self.integer_bits) - self.unit
