"""Factors: their smallest form, and their way through ops that move values."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.kernels import apply_op
from snntoolbox.ir import ops
from snntoolbox.passes.factors import carry, carry_back, channels, compact, full

SHAPE = (4, 4, 3)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (2.0, ()),
        (np.full((1,), 2.0), ()),
        (np.full(SHAPE, 2.0), ()),
        (np.arange(3.0), (3,)),
        (np.arange(3.0).reshape(1, 1, 3), (3,)),
        (np.broadcast_to(np.arange(3.0), SHAPE), (3,)),
        (np.arange(4.0).reshape(4, 1, 1), SHAPE),
    ],
)
def test_compact_finds_the_smallest_form(factor, expected):
    smallest = compact(factor, SHAPE)
    assert smallest.shape == expected
    np.testing.assert_array_equal(full(smallest, SHAPE), full(factor, SHAPE))


def test_channels():
    np.testing.assert_array_equal(channels(np.float64(2.0) * np.ones(()), SHAPE), [2, 2, 2])
    np.testing.assert_array_equal(channels(np.arange(3.0), SHAPE), [0, 1, 2])
    assert channels(np.ones(SHAPE) * np.arange(4.0)[:, None, None], SHAPE) is None
    assert channels(np.arange(5.0), (5,)).shape == (5,)


MOVES = [
    ops.Reshape((48,)),
    ops.Reshape((2, 8, 3)),
    ops.Permute((1, 0, 2)),
    ops.Permute((2, 0, 1)),
    ops.Pad(((1, 0), (0, 2), (0, 0))),
    ops.Pad(((0, 0), (0, 0), (1, 1))),
    ops.Slice((1, 0, 0), (4, 4, 3), (2, 1, 1)),
    ops.Slice((0, 0, 1), (4, 4, 3), (1, 1, 2)),
    ops.Upsample((2, 3)),
    ops.MaxPool((2, 2), padding=((1, 0), (0, 1))),
    ops.AveragePool((2, 2), padding=((1, 0), (0, 1)), count_padding=True),
]


@pytest.mark.parametrize("op", MOVES, ids=str)
@pytest.mark.parametrize("form", [(), (3,), SHAPE], ids=str)
def test_a_carried_factor_comes_out_as_if_applied_behind(op, form, rng):
    factor = rng.uniform(0.5, 2, size=form)
    carried = carry(op, (SHAPE,), factor)
    if form == SHAPE and isinstance(op, ops.MaxPool | ops.AveragePool):
        assert carried is None
        return
    x = rng.normal(size=(2, *SHAPE))
    np.testing.assert_allclose(apply_op(op, x * factor), apply_op(op, x) * carried, rtol=1e-12)


@pytest.mark.parametrize("op", MOVES, ids=str)
@pytest.mark.parametrize("form", ["whole", "channels", "elements"])
def test_a_factor_carried_back_arrives_as_wanted(op, form, rng):
    out = op.infer(SHAPE)
    wanted = rng.uniform(0.5, 2, size={"whole": (), "channels": out[-1:], "elements": out}[form])
    source = carry_back(op, (SHAPE,), 0, wanted)
    if source is None:
        assert form != "whole"
    else:
        np.testing.assert_allclose(full(carry(op, (SHAPE,), source), out), full(wanted, out))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concatenation_joins_factors_and_takes_them_apart(axis, rng):
    op, parts = ops.Concat(axis), [rng.uniform(1, 2, size=3), np.full((), 2.0)]
    joined = carry(op, (SHAPE, SHAPE), *parts)
    x = [rng.normal(size=(2, *SHAPE)) for _ in parts]
    scaled = [a * b for a, b in zip(x, parts, strict=True)]
    np.testing.assert_allclose(apply_op(op, *scaled), apply_op(op, *x) * joined)
    for position, part in enumerate(parts):
        np.testing.assert_array_equal(carry_back(op, (SHAPE, SHAPE), position, joined), part)


def test_channels_of_a_concatenation_stay_one_number_each():
    assert carry(ops.Concat(-1), (SHAPE, SHAPE), np.full((), 1.0), np.full((), 2.0)).shape == (6,)


@pytest.mark.parametrize("op", [ops.Relu(), ops.Softmax(), ops.Dense(np.ones((3, 3)))], ids=lambda op: op.kind)
def test_other_ops_carry_nothing(op):
    assert carry(op, (SHAPE,), np.ones(())) is None
    assert carry_back(op, (SHAPE,), 0, np.ones(())) is None
