"""Lengths of code words against words that are really written, and divergences against their definition."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snntoolbox.analysis.entropy_codes import CODES, code_lengths, divergence, entropy, fit_codes
from snntoolbox.errors import DataError

VALUES = 300


def gamma(n: int) -> str:
    return "0" * (n.bit_length() - 1) + f"{n:b}"


def delta(n: int) -> str:
    return gamma(n.bit_length()) + f"{n:b}"[1:]


def omega(n: int) -> str:
    word = "0"
    while n > 1:
        word = f"{n:b}" + word
        n = n.bit_length() - 1
    return word


def fibonacci(n: int) -> str:
    numbers = [1, 2]
    while numbers[-1] <= n:
        numbers.append(numbers[-1] + numbers[-2])
    word = ""
    for number in reversed(numbers):
        if number <= n:
            n -= number
            word = "1" + word
        elif word:
            word = "0" + word
    return word + "1"


def ternary(n: int) -> str:
    word = ""
    while n:
        word = ("00", "01", "10")[n % 3] + word
        n //= 3
    return word + "11"


def golomb(m: int) -> Callable[[int], str]:
    def write(k: int) -> str:
        bits = (m - 1).bit_length()
        remainder, short = k % m, 2**bits - m
        if remainder >= short:
            remainder += short
            tail = f"{remainder:0{bits}b}" if bits else ""
        else:
            tail = f"{remainder:0{bits - 1}b}" if bits > 1 else ""
        return "1" * (k // m) + "0" + tail

    return write


WRITERS: dict[str, Callable[[int], str]] = {
    "unary": lambda k: "1" * k + "0",
    "binary": lambda k: f"{k:09b}",
    "ternary": lambda k: ternary(k + 1),
    "fibonacci": lambda k: fibonacci(k + 1),
    "elias_gamma": lambda k: gamma(k + 1),
    "elias_delta": lambda k: delta(k + 1),
    "elias_omega": lambda k: omega(k + 1),
    **{f"golomb_{m}": golomb(m) for m in (1, 2, 3, 5, 7, 8, 10, 100)},
    **{f"rice_{r}": golomb(2**r) for r in (0, 1, 2, 5)},
}


@pytest.mark.parametrize("code", WRITERS)
def test_lengths_are_those_of_words_that_can_be_told_apart(code: str) -> None:
    words = [WRITERS[code](k) for k in range(VALUES)]
    np.testing.assert_array_equal(code_lengths(code, VALUES), [len(word) for word in words])
    ordered = sorted(words)
    assert not any(later.startswith(word) for word, later in pairwise(ordered))


@pytest.mark.parametrize(
    "code", ["unary", "fibonacci", "elias_gamma", "elias_delta", "elias_omega", "golomb_6", "rice_3"]
)
def test_words_of_complete_codes_fill_the_space(code: str) -> None:
    lengths = code_lengths(code, 1 << 16)
    total = np.sum(np.exp2(-lengths.astype(float)))
    assert total <= 1 + 1e-12
    assert total > 0.9  # the rest belongs to larger values


@pytest.mark.parametrize("num_values", [1, 2, 3, 4, 255, 256, 257])
def test_binary_is_as_wide_as_the_largest_value(num_values: int) -> None:
    assert set(code_lengths("binary", num_values).tolist()) == {max(1, (num_values - 1).bit_length())}


probabilities = st.lists(st.integers(0, 50), min_size=2, max_size=40).filter(any)


@given(probabilities)
def test_huffman_is_complete_and_best(counts: list[int]) -> None:
    p = np.array(counts) / sum(counts)
    lengths = code_lengths("huffman", len(p), counts)
    some = p > 0
    assert not lengths[~some].any() and (lengths[some] >= 1).all()
    if some.sum() > 1:
        assert np.sum(np.exp2(-lengths[some].astype(float))) == 1
    bits, best = entropy(counts), float(p @ lengths)
    assert best >= bits - 1e-9
    assert best < bits + 1 or some.sum() == 1
    for code, fit in fit_codes(counts).items():
        assert fit.mean_length >= best - 1e-9, code


@given(probabilities)
def test_divergence_is_what_a_code_needs_beyond_the_entropy(counts: list[int]) -> None:
    bits = entropy(counts)
    for code, fit in fit_codes(counts).items():
        assert fit.divergence >= -1e-9, code
        assert fit.divergence == pytest.approx(fit.mean_length - bits, abs=1e-9), code


def test_divergence_is_equation_2_33() -> None:
    p = np.array([0.5, 0.3, 0.2])
    q = np.array([0.5, 0.25, 0.125])
    assert divergence(p, code_lengths("unary", 3)) == pytest.approx(np.sum(p * np.log2(p / q)))


def test_codes_fit_what_they_are_made_for() -> None:
    k = np.arange(64)
    assert fit_codes(np.full(64, 1.0))["binary"].divergence == pytest.approx(0)
    assert fit_codes(0.5**k)["unary"].divergence == pytest.approx(0, abs=1e-12)
    assert fit_codes(0.5**k)["huffman"].divergence == pytest.approx(0, abs=1e-6)
    assert fit_codes((k + 1.0) ** -2)["elias_gamma"].divergence < 0.15


def test_golomb_and_rice_take_the_best_parameter() -> None:
    p = 0.9 ** np.arange(200)
    fits = fit_codes(p)
    m = fits["golomb"].parameter
    others = {n: fit_codes(p, (f"golomb_{n}",))[f"golomb_{n}"].mean_length for n in range(1, 60)}
    assert m == min(others, key=others.__getitem__) == next(n for n in count(1) if 0.9**n + 0.9 ** (n + 1) <= 1)
    assert fits["rice"].parameter == 3
    assert fits["golomb"].mean_length <= fits["rice"].mean_length <= fits["rice_2"].mean_length


def test_values_that_do_not_occur_cost_nothing() -> None:
    fits = fit_codes([0, 0, 7])
    assert fits["huffman"].mean_length == 1 and entropy([0, 0, 7]) == 0
    assert set(fits) == set(CODES)


@pytest.mark.parametrize("code", ["morse", "golomb_0", "golomb_x", "rice_-1"])
def test_unknown_codes_are_refused(code: str) -> None:
    with pytest.raises(DataError, match="no such code"):
        code_lengths(code, 5)


def test_codes_for_a_distribution_need_one() -> None:
    with pytest.raises(DataError, match="made for a distribution"):
        code_lengths("huffman", 5)
    for wrong in ([0, 0], [1, -1], [1, np.nan], [1.0]):
        with pytest.raises(DataError, match="expected 2 probabilities"):
            code_lengths("huffman", 2, wrong)
