"""Codes that could replace the binary pattern of a value: how many bits, so time steps, they need for activations.

A code gives each value k = 0, 1, 2, ... a word of L(k) bits and fits best where values occur with q(k) = 2^-L(k). For
values that occur with p(k) it needs more bits than the entropy of p by the Kullback-Leibler divergence of p from q
(Rueckauer 2020, section 2.3.3.4, eq. 2.33).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import DataError

__all__ = ["CODES", "CodeFit", "code_lengths", "divergence", "entropy", "fit_codes"]

Lengths = NDArray[np.int64]
FloatArray = NDArray[np.float64]
_ALL = 64  # parameters up to this are all tried


@dataclass(frozen=True)
class CodeFit:
    """How well a code fits a distribution.

    Attributes:
        mean_length: Bits that a value needs, on average.
        divergence: Of the distribution from the one that the code fits best, in bits: what it needs beyond the entropy.
        parameter: The one that was chosen for codes that have one; None for others.
    """

    mean_length: float
    divergence: float
    parameter: int | None = None


def _log2_floor(n: NDArray[np.int64]) -> Lengths:
    """Return floor(log2(n)) for n >= 1, exactly."""
    exponents: Lengths = np.frexp(n.astype(np.float64))[1].astype(np.int64) - 1
    return exponents


def _unary(k: Lengths) -> Lengths:
    """As many ones as the value, then a zero."""
    return k + 1


def _binary(k: Lengths) -> Lengths:
    """As many bits for every value as the largest needs."""
    return np.full(len(k), max(1, math.ceil(math.log2(max(len(k), 2)))), np.int64)


def _ternary(k: Lengths) -> Lengths:
    """Comma code: the digits of k + 1 to base 3, two bits each, and the fourth pair of bits as the end."""
    digits, power = np.ones(len(k), np.int64), 3
    while power <= len(k):
        digits += k + 1 >= power
        power *= 3
    return 2 * (digits + 1)


def _fibonacci(k: Lengths) -> Lengths:
    """The places of k + 1 as a sum of Fibonacci numbers (Zeckendorf), which never neighbour each other, and a one."""
    length, first, second = np.full(len(k), 2, np.int64), 1, 2
    while second <= len(k):
        length += k + 1 >= second
        first, second = second, first + second
    return length


def _gamma(k: Lengths) -> Lengths:
    """Elias gamma of n = k + 1: the length of n in unary, then n without its first bit."""
    return 2 * _log2_floor(k + 1) + 1


def _delta(k: Lengths) -> Lengths:
    """Elias delta of n = k + 1: the length of n in gamma, then n without its first bit."""
    bits = _log2_floor(k + 1)
    return bits + _gamma(bits)


def _omega(k: Lengths) -> Lengths:
    """Elias omega of n = k + 1: the length of n before n, the length of that before it, and so on, then a zero."""
    n, length = k + 1, np.ones(len(k), np.int64)
    while np.any(n > 1):
        bits = _log2_floor(n)
        length += np.where(n > 1, bits + 1, 0)
        n = np.where(n > 1, bits, 1)
    return length


def _golomb(k: Lengths, m: int) -> Lengths:
    """Quotient k // m in unary, then k % m in as few bits as possible (truncated binary)."""
    bits = (m - 1).bit_length()
    short = (1 << bits) - m  # so many remainders need one bit less
    return k // m + 1 + bits - (k % m < short)


def _rice(k: Lengths, r: int) -> Lengths:
    """Golomb code of 2^r, whose remainder is the last r bits."""
    return (k >> r) + 1 + r


def _huffman(p: FloatArray) -> Lengths:
    """Lengths of the words of Huffman's code; values that do not occur have none, 0."""
    lengths = np.zeros(len(p), np.int64)
    queue: list[tuple[float, int, list[int]]] = [(float(p[k]), int(k), [int(k)]) for k in np.flatnonzero(p)]
    if len(queue) == 1:
        lengths[queue[0][1]] = 1
    heapq.heapify(queue)
    number = len(p)
    while len(queue) > 1:
        (a, _, left), (b, _, right) = heapq.heappop(queue), heapq.heappop(queue)
        lengths[left + right] += 1
        heapq.heappush(queue, (a + b, number, left + right))
        number += 1
    return lengths


_FIXED: dict[str, Callable[[Lengths], Lengths]] = {
    "unary": _unary,
    "binary": _binary,
    "ternary": _ternary,
    "fibonacci": _fibonacci,
    "elias_gamma": _gamma,
    "elias_delta": _delta,
    "elias_omega": _omega,
}
_WITH_PARAMETER: dict[str, tuple[Callable[[Lengths, int], Lengths], int]] = {"golomb": (_golomb, 1), "rice": (_rice, 0)}
CODES: tuple[str, ...] = (*_FIXED, "golomb_3", "golomb", "rice_2", "rice", "huffman")
"""Codes that are compared. ``golomb`` and ``rice`` take the parameter that fits best; with a number they take that."""


def code_lengths(code: str, num_values: int, probabilities: Any = None) -> Lengths:
    """Return the lengths of the words for the values 0 to ``num_values`` - 1, in bits.

    Args:
        code: One of `CODES`, or ``golomb_<m>``, ``rice_<r>`` with any parameter.
        num_values: Number of values.
        probabilities: How often each occurs, for codes that are made for a distribution: ``huffman`` (0 bits for a
            value that does not occur), and ``golomb`` and ``rice`` without a parameter.

    Raises:
        DataError: No such code, or it needs probabilities.
    """
    k = np.arange(num_values, dtype=np.int64)
    if code in _FIXED:
        return _FIXED[code](k)
    name, _, parameter = code.partition("_")
    if name in _WITH_PARAMETER and parameter.isdigit() and int(parameter) >= _WITH_PARAMETER[name][1]:
        return _WITH_PARAMETER[name][0](k, int(parameter))
    if code not in CODES:
        raise DataError(
            f"no such code: '{code}'. Known: {', '.join(CODES)}; golomb_<m>, rice_<r> with any m >= 1, r >= 0"
        )
    if probabilities is None:
        raise DataError(f"code '{code}' is made for a distribution; expected probabilities")
    p = _checked(probabilities, num_values)
    return _huffman(p) if code == "huffman" else _WITH_PARAMETER[code][0](k, _best(code, p))


def _best(code: str, p: FloatArray) -> int:
    """Return the parameter with the fewest bits; of Golomb's, which are many, all small ones and a choice of others."""
    lengths, first = _WITH_PARAMETER[code]
    k = np.flatnonzero(p)
    last = max(first, int(k[-1]) + 1 if code == "golomb" else int(k[-1]).bit_length())
    candidates = sorted({*range(first, min(last, _ALL) + 1), *map(int, np.geomspace(_ALL, max(last, _ALL), 200))})
    return int(min(candidates, key=lambda parameter: float(p[k] @ lengths(k, parameter))))


def _checked(probabilities: Any, num_values: int) -> FloatArray:
    p = np.asarray(probabilities, np.float64)
    if p.shape != (num_values,) or not np.all(np.isfinite(p)) or p.min(initial=0) < 0 or p.sum() <= 0:
        raise DataError(f"expected {num_values} probabilities >= 0 that are not all 0, got an array of shape {p.shape}")
    share: FloatArray = p / p.sum()
    return share


def entropy(probabilities: Any) -> float:
    """Return the entropy in bits: the least that any code needs for a value, on average."""
    p = _checked(probabilities, len(probabilities))
    p = p[p > 0]
    return float(-(p @ np.log2(p)))


def divergence(probabilities: Any, lengths: Lengths) -> float:
    """Return the Kullback-Leibler divergence of a distribution from the one that a code fits best, in bits (eq. 2.33).

    q(k) = 2^-L(k) is not scaled up for codes some of whose words are left over, so the divergence is the mean number of
    bits beyond the entropy.

    Args:
        probabilities: p(k), shape (n,).
        lengths: L(k), shape (n,).
    """
    p = _checked(probabilities, len(lengths))
    some = p > 0
    return float(p[some] @ (np.log2(p[some]) + lengths[some]))


def fit_codes(probabilities: Any, codes: tuple[str, ...] = CODES) -> dict[str, CodeFit]:
    """Return how well each code fits a distribution over 0, 1, 2, ...

    Args:
        probabilities: Probabilities or counts of the values, shape (n,).
        codes: Names of the codes.
    """
    p = _checked(probabilities, len(probabilities))
    fits = {}
    for code in codes:
        name = f"{code}_{(parameter := _best(code, p))}" if code in _WITH_PARAMETER else code
        lengths = code_lengths(name, len(p), p)
        fits[code] = CodeFit(float(p @ lengths), divergence(p, lengths), parameter if code in _WITH_PARAMETER else None)
    return fits
