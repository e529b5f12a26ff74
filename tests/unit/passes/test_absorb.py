"""Scales and shifts in weights: equal to applying them outside, for every op with weights."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.kernels import apply_op
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.absorb import absorb, parameter_dtype
from snntoolbox.passes.shifts import carry_shift, response

RNG = np.random.default_rng(0)
SHAPE = (5, 6, 4)


def normal(*shape):
    return RNG.normal(size=shape)


WEIGHTED = [
    ops.Dense(normal(4, 6), normal(6)),
    ops.Dense(normal(4, 6)),
    ops.Conv(normal(3, 2, 4, 6), normal(6), strides=(2, 1), padding=((1, 0), (2, 1)), dilation=(1, 2)),
    ops.Conv(normal(3, 3, 2, 6), normal(6), groups=2),
    ops.Conv(normal(3, 3, 1, 8), groups=4, padding=((1, 1), (1, 1))),
    ops.ConvTranspose(normal(3, 2, 4, 3), normal(6), strides=(2, 1), padding=((1, 0), (0, 1)), groups=2),
    ops.ConvTranspose(normal(2, 2, 4, 6), strides=(2, 2), output_padding=(1, 0), dilation=(2, 1)),
    ops.Affine(normal(4), normal(4)),
    ops.Affine(np.array(2.0)),
]


@pytest.mark.parametrize("op", WEIGHTED, ids=str)
@pytest.mark.parametrize("with_shift", [False, True])
def test_absorbing_is_applying_outside(op, with_shift):
    out = op.infer(SHAPE)[-1]
    before, after, shift = normal(4), normal(out), normal(out) if with_shift else None
    x = normal(2, *SHAPE)
    expected = after * apply_op(op, before * x) + (0 if shift is None else shift)
    np.testing.assert_allclose(apply_op(absorb(op, before=before, after=after, shift=shift), x), expected, atol=1e-12)


@pytest.mark.parametrize("op", WEIGHTED, ids=str)
def test_scalars_are_taken_too(op):
    x = normal(2, *SHAPE)
    np.testing.assert_allclose(
        apply_op(absorb(op, before=2.0, after=-3.0, shift=0.5), x), -3 * apply_op(op, 2 * x) + 0.5, atol=1e-12
    )


@pytest.mark.parametrize("op", WEIGHTED, ids=str)
def test_the_dtype_stays(op):
    single = op.replace(**{name: array.astype(np.float32) for name, array in op.parameters().items()})
    changed = absorb(single, before=np.ones(4), after=2.0, shift=1.0)
    assert {array.dtype for array in changed.parameters().values()} == {np.dtype(np.float32)}


def test_parameters_are_computed_in_double_precision():
    third, tenth = np.float32(1 / 3), np.float32(0.1)
    op = ops.Dense(np.full((1, 1), third, np.float32))
    absorbed = absorb(op, before=np.float64(1 / 7), after=np.float64(7.0) * tenth)
    expected = np.float32(float(third) * (1 / 7) * (7.0 * float(tenth)))
    assert absorbed.weight.item() == expected


def test_no_bias_appears_where_none_is_needed():
    assert absorb(ops.Dense(normal(4, 6)), before=2.0, after=3.0).bias is None
    assert absorb(ops.Affine(normal(4)), after=3.0).shift is None


def test_other_ops_cannot_absorb():
    with pytest.raises(TypeError, match="Relu"):
        absorb(ops.Relu(), after=2.0)


@pytest.mark.parametrize("op", [op for op in WEIGHTED if not isinstance(op, ops.Affine)], ids=str)
@pytest.mark.parametrize("form", [(), (4,), SHAPE], ids=str)
def test_the_response_to_a_shift_is_the_difference_it_makes(op, form):
    x, shift = normal(2, *SHAPE), normal(*form)
    difference = apply_op(op, x + shift) - apply_op(op, x)
    expected = response(op, SHAPE, shift)
    np.testing.assert_allclose(difference, np.broadcast_to(expected, difference.shape), atol=1e-12)


def test_the_response_is_one_value_a_channel_where_no_border_shows():
    plain, bordered = (ops.Conv(normal(3, 3, 4, 2), padding=p) for p in ((), ((1, 1), (1, 1))))
    assert response(plain, SHAPE, normal(4)).shape == (2,)
    assert response(bordered, SHAPE, normal(4)).shape == (5, 6, 2)
    assert response(bordered, SHAPE, np.zeros(4)).shape == ()


def test_padding_carries_a_shift_with_a_border_of_zeros():
    op = ops.Pad(((1, 0), (0, 0), (0, 0)))
    carried = carry_shift(op, (SHAPE,), np.ones(()))
    assert carried[0].max() == 0 and carried[1:].min() == 1


def test_an_average_that_counts_zeros_carries_no_shift():
    op = ops.AveragePool((2, 2), padding=((1, 0), (0, 0)), count_padding=True)
    assert carry_shift(op, (SHAPE,), np.ones(())) is None
    assert carry_shift(op.replace(count_padding=False), (SHAPE,), np.ones(())) == 1


def test_the_dtype_of_a_graph_is_that_of_its_parameters():
    nodes = (Node("x", ops.Input((4,))), Node("fc", ops.Dense(np.ones((4, 2), np.float32)), ("x",)))
    assert parameter_dtype(Graph(nodes, ("fc",))) == np.float32
    assert parameter_dtype(Graph((*nodes, Node("a", ops.Affine(np.ones(())), ("fc",))), ("a",))) == np.float64
    assert parameter_dtype(Graph(nodes[:1], ("x",))) == np.float32
