"""Errors of outputs that are no class scores."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.regression import MAX_PER_OUTPUT, OutputErrors, compare_outputs
from snntoolbox.errors import DataError


def test_errors_of_maps(rng: np.random.Generator) -> None:
    targets = rng.normal(size=(12, 4, 4, 2))
    outputs = targets + rng.normal(0, 0.1, targets.shape)
    result = compare_outputs(outputs, targets)
    assert result is not None and result.per_output is not None
    error = outputs - targets
    assert result.mse == pytest.approx((error**2).mean())
    assert result.mae == pytest.approx(np.abs(error).mean())
    assert result.max_error == np.abs(error).max()
    assert result.correlation == pytest.approx(np.corrcoef(outputs.ravel(), targets.ravel())[0, 1])
    np.testing.assert_allclose(result.per_output, (error**2).mean(axis=0))


def test_batches_add_up_and_curves_end_at_the_error(rng: np.random.Generator) -> None:
    targets, over_time = rng.normal(size=(9, 3)), rng.normal(size=(5, 9, 3))
    errors = OutputErrors()
    for part in (slice(0, 4), slice(4, 9)):
        errors.add(over_time[-1, part], targets[part], over_time[:, part])
    result = errors.result()
    assert result is not None and errors.mse_over_time is not None
    np.testing.assert_allclose(errors.mse_over_time, ((over_time - targets) ** 2).mean(axis=(1, 2)))
    assert errors.mse_over_time[-1] == pytest.approx(result.mse)


def test_axes_of_length_1_do_not_matter() -> None:
    result = compare_outputs(np.ones((3, 1, 2)), np.ones((3, 2, 1)) * 3)
    assert result is not None and result.mse == 4.0


@pytest.mark.parametrize("shape", [(3, 2), (4, 3), (3, 3, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="cannot compare"):
        compare_outputs(np.ones((3, 3)), np.ones(shape))


def test_nothing_compared_is_none() -> None:
    assert OutputErrors().result() is None
    assert OutputErrors().mse_over_time is None


def test_very_many_outputs_are_not_listed() -> None:
    result = compare_outputs(np.ones((2, MAX_PER_OUTPUT + 1)), np.zeros((2, MAX_PER_OUTPUT + 1)))
    assert result is not None and result.per_output is None and result.mse == 1.0
