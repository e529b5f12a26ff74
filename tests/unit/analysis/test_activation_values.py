"""Rounded activations, counted batch by batch."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.activation_values import ActivationCounter, count_activations
from snntoolbox.analysis.entropy_codes import entropy, fit_codes
from snntoolbox.errors import DataError


def test_activations_are_rounded_and_saturate() -> None:
    coding = count_activations([{"a": np.array([0.0, 0.1, 0.5, 0.99, 1.7]).reshape(5, 1)}], bits=2)
    np.testing.assert_array_equal(coding.counts, [2, 0, 1, 2])  # 0, 0.3, 1.5 (to even), 2.97, 3
    assert coding.zeros == pytest.approx(2 / 5) and coding.bits == 2


def test_negative_activations_take_turns_with_positive_ones() -> None:
    coding = count_activations([{"a": np.array([0.0, -1 / 3, 1 / 3, -2 / 3, 1.0, -9.0])}], bits=2)
    np.testing.assert_array_equal(coding.counts, [1, 1, 1, 1, 0, 1, 1])


def test_batches_and_layers_are_added_up(rng: np.random.Generator) -> None:
    x = {"a": rng.random((6, 4)) ** 3, "b": rng.random((6, 2, 3))}
    whole = count_activations([x], bits=5)
    parts = count_activations([{k: v[:2] for k, v in x.items()}, {k: v[2:] for k, v in x.items()}], bits=5)
    np.testing.assert_array_equal(whole.counts, parts.counts)
    assert whole.counts.sum() == 6 * 4 + 6 * 6
    assert whole.codes == fit_codes(whole.counts) and whole.entropy == entropy(whole.counts)
    alone = count_activations([{"b": x["b"]}], bits=5)
    assert whole.layers["b"] == alone.codes and set(whole.layers) == {"a", "b"}


def test_large_layers_are_rounded_in_parts(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x = {"a": rng.random((7, 5))}
    whole = count_activations([x])
    monkeypatch.setattr("snntoolbox.analysis.activation_values._CHUNK", 3)
    np.testing.assert_array_equal(count_activations([x]).counts, whole.counts)


@pytest.mark.parametrize("bits", [0, 17])
def test_widths_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(DataError, match="1 to 16 bits"):
        ActivationCounter(bits)


def test_nothing_to_count_is_refused() -> None:
    assert ActivationCounter().result() is None
    with pytest.raises(DataError, match="at least one layer"):
        count_activations([])
