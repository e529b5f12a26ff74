"""Weights that make the best of what really arrives: least squares on inputs that are not what the ANN's would be.

Rates are activations with errors: rounded, late, or clipped. Weights that were right for activations are not the best
ones for rates: what errors have in common can be taken back, and what one input has lost is partly known from others
that go along with it. Source of the aim: Li et al. 2021, "A free lunch from ANN" (weights calibration), which descends
gradients through each layer. The charge that enters a layer depends on its weights linearly, so here its squared error
is minimised by conjugate gradients (CGLS; Björck 1996, "Numerical methods for least squares problems", section 7.4).
They are stopped early by samples that they do not see, which leaves those directions as they are of which the samples
say too little (Hansen 1998, "Rank-deficient and discrete ill-posed problems", chapter 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.ir import ops
from snntoolbox.ir.windows import pad_spatial, pool_windows

__all__ = ["WeightChange", "fit_weights"]

Array = NDArray[Any]
_ROWS = 2**15
"""Positions of outputs, of all samples, to fit on, and as many to validate on; of more, some are drawn."""
_ITERATIONS = 30
"""Conjugate gradients that are gone along at most."""
_PATIENCE = 3
"""Iterations without a smaller error on the samples to validate on, after which the fit ends."""


@dataclass(frozen=True, eq=False)
class WeightChange:
    """What is added to the parameters of an op.

    Attributes:
        weight: Shape of the op's weights.
        bias: Shape (channels,).
        before, after: Mean squared error of the op's output on the samples to validate on, without and with it.
    """

    weight: Array
    bias: Array
    before: float
    after: float


def fit_weights(op: ops.Dense | ops.Conv, x: Array, missing: Array, num_fit: int) -> WeightChange:
    """Return the change of an op's weights and bias that gives what its outputs lack, by least squares.

    Args:
        op: The op.
        x: Its input, shape (num_samples, *shape).
        missing: What its output lacks, shape (num_samples, *shape of the output).
        num_fit: The first so many samples are to fit on, the others to validate on.
    """
    groups = op.groups if isinstance(op, ops.Conv) else 1
    fit, held_out = (_equations(op, x[part], missing[part]) for part in (slice(num_fit), slice(num_fit, None)))
    (inputs, wanted), (unseen, expected) = fit, held_out
    middle, shift = inputs.mean(axis=1, keepdims=True), wanted.mean(axis=1, keepdims=True)
    inputs, unseen = inputs - middle, unseen - middle
    change = best = np.zeros((groups, inputs.shape[-1], wanted.shape[-1]), np.float32)
    left = wanted - shift
    before, least = (float(np.mean(np.square(one))) for one in (expected, expected - shift))
    slope = inputs.swapaxes(1, 2) @ left
    direction, power = slope, np.square(slope).sum(axis=1, keepdims=True)
    since = 0
    for _ in range(_ITERATIONS):
        step = inputs @ direction
        length = power / np.maximum(np.square(step).sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        change, left = change + length * direction, left - length * step
        error = float(np.mean(np.square(expected - shift - unseen @ change)))
        best, least, since = (change, error, 0) if error < least else (best, least, since + 1)
        if since == _PATIENCE:
            break
        slope = inputs.swapaxes(1, 2) @ left
        before_power, power = power, np.square(slope).sum(axis=1, keepdims=True)
        direction = slope + power / np.maximum(before_power, np.finfo(np.float32).tiny) * direction
    bias = (shift - middle @ best).reshape(-1)
    return WeightChange(_as_weights(op, best), bias, before, least)


def _equations(op: ops.Dense | ops.Conv, x: Array, missing: Array) -> tuple[Array, Array]:
    """Return what is multiplied by the weights of each output, and what is lacking, of some positions of outputs.

    Shapes (groups, rows, number of weights) and (groups, rows, channels of a group), float32.
    """
    rows = _drawn(missing.shape[:-1])
    wanted = missing[rows].astype(np.float32)
    if isinstance(op, ops.Dense):
        return x[rows].astype(np.float32)[None], wanted[None]
    windows = pool_windows(pad_spatial(x, op.padding), op.window, op.strides, op.dilation)
    taken = windows[rows].astype(np.float32)  # (rows, channels, *window)
    taken = np.moveaxis(taken.reshape(len(taken), op.groups, -1, *op.window), 2, -1)
    inputs = taken.reshape(len(taken), op.groups, -1).swapaxes(0, 1)
    return np.ascontiguousarray(inputs), np.ascontiguousarray(_by_group(wanted, op.groups))


def _drawn(shape: tuple[int, ...]) -> tuple[Array, ...]:
    """Return samples and positions of the rows to take, all of them if there are not too many."""
    count = int(np.prod(shape))
    numbers = np.arange(count)
    if count > _ROWS:
        numbers = np.sort(np.random.default_rng(0).choice(count, _ROWS, replace=False))
    return tuple(np.unravel_index(numbers, shape))


def _by_group(values: Array, groups: int) -> Array:
    """Return (rows, channels) as (groups, rows, channels of a group)."""
    return values.reshape(len(values), groups, -1).swapaxes(0, 1)


def _as_weights(op: ops.Dense | ops.Conv, change: Array) -> Array:
    """Return (groups, number of weights, channels of a group) in the shape of the op's weights."""
    if isinstance(op, ops.Dense):
        return np.asarray(change[0])
    return np.asarray(change.swapaxes(0, 1).reshape(op.kernel.shape))
