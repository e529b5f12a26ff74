"""Weights by least squares: exact where the errors are linear, left alone where there is nothing to learn."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.kernels import apply_op
from snntoolbox.calibration.weights import fit_weights
from snntoolbox.ir import ops

RNG = np.random.default_rng(0)
CONV = {"strides": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
OPS = {
    "dense": (ops.Dense(RNG.normal(size=(5, 3)).astype(np.float32)), (5,)),
    "dense at positions": (ops.Dense(RNG.normal(size=(5, 3)).astype(np.float32), np.ones(3, np.float32)), (4, 5)),
    "conv": (ops.Conv(RNG.normal(size=(3, 3, 4, 6)).astype(np.float32), **CONV), (8, 8, 4)),
    "conv 1d": (ops.Conv(RNG.normal(size=(3, 4, 6)).astype(np.float32), padding=((0, 0),)), (8, 4)),
    "strides": (
        ops.Conv(RNG.normal(size=(3, 2, 4, 6)).astype(np.float32), **{**CONV, "strides": (2, 1)}),
        (9, 8, 4),
    ),
    "dilation": (
        ops.Conv(RNG.normal(size=(3, 3, 4, 6)).astype(np.float32), **{**CONV, "dilation": (2, 1)}),
        (9, 8, 4),
    ),
    "groups": (ops.Conv(RNG.normal(size=(3, 3, 2, 6)).astype(np.float32), groups=2, **CONV), (8, 8, 4)),
    "depthwise": (ops.Conv(RNG.normal(size=(3, 3, 1, 8)).astype(np.float32), groups=4, **CONV), (8, 8, 4)),
}


def changed(op, change):
    name = "weight" if isinstance(op, ops.Dense) else "kernel"
    bias = change.bias if op.bias is None else op.bias + change.bias
    return op.replace(**{name: op.parameters()[name] + change.weight, "bias": bias})


@pytest.mark.parametrize(("op", "shape"), OPS.values(), ids=OPS)
def test_errors_that_weights_can_take_back_are_taken_back(op, shape):
    x = np.random.default_rng(1).normal(1.0, 1.0, size=(200, *shape))
    received = x * np.linspace(0.7, 1.1, shape[-1])  # each channel has a wrong size
    missing = apply_op(op, x) + 0.3 - apply_op(op, received)
    change = fit_weights(op, received, missing, 100)
    assert change.before == pytest.approx(np.mean(missing[100:] ** 2), rel=0.05)
    unseen = np.random.default_rng(2).normal(1.0, 1.0, size=(20, *shape))
    left = apply_op(op, unseen) + 0.3 - apply_op(changed(op, change), unseen * np.linspace(0.7, 1.1, shape[-1]))
    # at the borders of padded maps the mean is that of zeros, which is no part of the change that is looked for
    assert np.mean(left**2) < 1e-3 * change.before
    assert change.after < 1e-3 * change.before


def test_what_samples_do_not_agree_on_is_left_as_it_is():
    op = ops.Dense(np.eye(4, dtype=np.float32))
    rng = np.random.default_rng(0)
    x, missing = rng.normal(size=(40, 4)), rng.normal(size=(40, 4))
    missing[20:] -= missing[20:].mean(axis=0) + missing[:20].mean(axis=0)
    change = fit_weights(op, x, missing, 20)
    assert change.after >= change.before
    noise = np.abs(np.linalg.lstsq(x[:20], missing[:20], rcond=None)[0]).max()
    assert np.abs(change.weight).max() < 0.5 * noise


def test_noise_of_inputs_is_not_trusted():
    """With as much noise as signal the best weight is half of the true one (errors in variables)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 1))
    received = x + rng.normal(size=x.shape)
    change = fit_weights(ops.Dense(np.ones((1, 1), np.float32)), received, x - received, 2000)
    assert change.weight[0, 0] == pytest.approx(-0.5, abs=0.03)


def test_of_many_positions_some_are_drawn(monkeypatch):
    op, shape = OPS["conv"]
    x = np.random.default_rng(1).normal(size=(40, *shape))
    missing = apply_op(op, x)
    monkeypatch.setattr("snntoolbox.calibration.weights._ROWS", 400)
    change = fit_weights(op, x, missing, 20)
    np.testing.assert_allclose(change.weight, op.kernel, atol=1e-3)
