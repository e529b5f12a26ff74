"""The chip's integer arithmetic: wrapping registers, 12-bit decay, truncated weights.

Everything here works on integers and is exact.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.limits import DECAY_BITS, Q_BITS, UNIT_SHIFT, WEIGHT_MAX

__all__ = ["SignMode", "decay", "mantissa_and_exponent", "stored_weight", "truncate_weights", "wrap"]

Integers = NDArray[np.integer[Any]]
SignMode = Literal["excitatory", "inhibitory", "mixed"]
"""Whether the weights of a synaptic entry are all positive, all negative, or each has its own sign bit."""


def wrap(x: Integers, bits: int) -> NDArray[np.int64]:
    """Return ``x`` as two's complement with ``bits`` magnitude bits: what is left of a sum that overflows."""
    half = np.int64(1) << bits
    return ((np.asarray(x, np.int64) + half) & (2 * half - 1)) - half


def decay(x: Integers, amount: Integers | int) -> NDArray[np.int64]:
    """Return sign(x) * ((|x| * (4096 - amount)) >> 12), rounding toward zero; ``amount`` is 0 (keep) to 4096."""
    x = np.asarray(x, np.int64)
    kept = (1 << DECAY_BITS) - np.asarray(amount, np.int64)
    return np.asarray(np.sign(x) * ((np.abs(x) * kept) >> DECAY_BITS))


def truncate_weights(mantissa: Integers, bits: int, mode: SignMode) -> NDArray[np.int64]:
    """Return the mantissas that ``bits`` bits can store: the low bits are cut off, rounding toward minus infinity.

    Args:
        mantissa: Wanted mantissas, -256 to 255.
        bits: Weight bits, one of `limits.WEIGHT_BITS`.
        mode: A mixed entry spends one bit on the sign.
    """
    shift = 8 - bits + (mode == "mixed")
    return (np.asarray(mantissa, np.int64) >> shift) << shift


def stored_weight(mantissa: Integers, exponent: Integers | int = 0) -> NDArray[np.int64]:
    """Return mantissa * 2**(6 + exponent) as it is added to the accumulator.

    Bits below 2**6 are lost (rounding toward minus infinity) and the result saturates at +-(2**21 - 2**6).
    """
    shift = np.asarray(exponent, np.int64)
    value = np.asarray(mantissa, np.int64)
    scaled = np.where(shift >= 0, value << np.maximum(shift, 0), value >> np.maximum(-shift, 0)) << UNIT_SHIFT
    limit = (1 << Q_BITS) - (1 << UNIT_SHIFT)
    return np.clip(scaled, -limit, limit)


def mantissa_and_exponent(value: int, largest: int = WEIGHT_MAX) -> tuple[int, int]:
    """Return the nearest mantissa <= ``largest`` and exponent >= 0 with mantissa * 2**exponent close to ``value``."""
    exponent = 0
    while round(value / 2**exponent) > largest:
        exponent += 1
    return round(value / 2**exponent), exponent
