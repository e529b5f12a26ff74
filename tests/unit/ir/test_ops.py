"""Shape rules: what an op makes of its inputs, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.errors import GraphError
from snntoolbox.ir import ops
from snntoolbox.ir.padding import same_padding
from snntoolbox.neurons import IntegrateAndFire


def kernel(*shape):
    return np.ones(shape, np.float32)


SHAPES = [
    (ops.Input((3, 4)), [], (3, 4)),
    (ops.Dense(kernel(3, 5)), [(2, 3)], (2, 5)),
    (ops.Conv(kernel(3, 3, 2, 5)), [(8, 6, 2)], (6, 4, 5)),
    (ops.Conv(kernel(3, 3, 2, 5), strides=(2, 3), padding=((1, 1), (0, 1))), [(8, 6, 2)], (4, 2, 5)),
    (ops.Conv(kernel(3, 2, 5), dilation=(2,)), [(8, 2)], (4, 5)),
    (ops.Conv(kernel(3, 3, 1, 6), groups=2), [(8, 6, 2)], (6, 4, 6)),
    (ops.ConvTranspose(kernel(3, 3, 2, 5), strides=(2, 2)), [(4, 3, 2)], (9, 7, 5)),
    (ops.ConvTranspose(kernel(3, 4, 5), padding=((1, 1),), output_padding=(1,), groups=2), [(4, 4)], (5, 10)),
    (ops.Affine(kernel(3)), [(2, 3)], (2, 3)),
    (ops.Reshape((6, 2)), [(3, 4)], (6, 2)),
    (ops.Permute((2, 0, 1)), [(3, 4, 5)], (5, 3, 4)),
    (ops.Pad(((1, 2), (0, 0))), [(3, 4)], (6, 4)),
    (ops.Slice((0, 1), (3, 4), (2, 1)), [(3, 4)], (2, 3)),
    (ops.Upsample((2, 3)), [(3, 4, 5)], (6, 12, 5)),
    (ops.Concat(), [(3, 4), (3, 2)], (3, 6)),
    (ops.Concat(0), [(3, 4), (2, 4), (1, 4)], (6, 4)),
    (ops.Add(), [(3, 4), (3, 4)], (3, 4)),
    (ops.MaxPool((2, 2)), [(5, 4, 3)], (2, 2, 3)),
    (ops.AveragePool((3,), (1,), ((1, 1),)), [(5, 3)], (5, 3)),
    (ops.Relu(max_value=kernel(3)), [(2, 3)], (2, 3)),
    (ops.Softmax(), [(2, 3)], (2, 3)),
    (ops.Activation("tanh"), [(2, 3)], (2, 3)),
    (ops.Spiking(IntegrateAndFire(threshold=np.ones(3))), [(2, 3)], (2, 3)),
    (ops.SpikingMaxPool((2, 2)), [(5, 4, 3)], (2, 2, 3)),
]


@pytest.mark.parametrize(("op", "inputs", "output"), SHAPES, ids=lambda value: getattr(value, "kind", None))
def test_shape(op, inputs, output):
    assert op.infer(*inputs) == output
    assert op.arity in (len(inputs), None)


def test_every_op_has_a_shape_test():
    assert {op.kind for op, _, _ in SHAPES} == ops.OPS.keys()


MISFITS = [
    (ops.Dense(kernel(3, 5)), [(2, 4)], r"expected an input of 3 features on the last axis, got \(2, 4\)"),
    (ops.Conv(kernel(3, 3, 2, 5)), [(8, 2)], r"expected an input of 2 spatial axes and 2 channels, got \(8, 2\)"),
    (ops.Conv(kernel(3, 3, 2, 5)), [(8, 8, 3)], "and 2 channels, got"),
    (ops.Conv(kernel(3, 2, 5)), [(2, 2)], r"window \(3,\) .* does not fit into input \(2, 2\)"),
    (ops.Conv(kernel(3, 2, 5), strides=(1, 1)), [(8, 2)], r"expected 1 entries in strides of Conv, got \(1, 1\)"),
    (ops.ConvTranspose(kernel(3, 3, 2, 5)), [(8, 8, 3)], "expected an input of 2 spatial axes and 2 channels"),
    (ops.ConvTranspose(kernel(1, 2, 5), padding=((1, 1),)), [(2, 2)], "cuts off the whole result"),
    (ops.Affine(kernel(4)), [(2, 3)], r"expected scale to broadcast against input \(2, 3\), got shape \(4,\)"),
    (ops.Affine(kernel(5, 2, 3)), [(2, 3)], "expected scale to broadcast"),
    (ops.Affine(kernel(3), kernel(2, 1)), [(3,)], "expected shift to broadcast"),
    (ops.Reshape((5,)), [(2, 3)], r"cannot reshape \(2, 3\) \(6 elements\) to \(5,\)"),
    (ops.Reshape((-2, -3)), [(2, 3)], "cannot reshape"),
    (ops.Permute((0, 0)), [(2, 3)], r"expected a permutation of the 2 axes of \(2, 3\), got \(0, 0\)"),
    (ops.Pad(((1, 1),)), [(2, 3)], r"expected 2 pairs >= 0 to pad \(2, 3\)"),
    (ops.Pad(((1, 1), (-1, 0))), [(2, 3)], "expected 2 pairs >= 0"),
    (ops.Slice((0, 0), (2, 4), (1, 1)), [(2, 3)], r"does not lie within input \(2, 3\)"),
    (ops.Slice((0, 2), (2, 2), (1, 1)), [(2, 3)], "does not lie within"),
    (ops.Slice((0, 0), (2, 2), (1, 0)), [(2, 3)], "does not lie within"),
    (ops.Slice((0,), (2,), (1,)), [(2, 3)], "does not lie within"),
    (ops.Upsample((2,)), [(2, 3, 4)], r"expected 2 factors >= 1 for input \(2, 3, 4\), got \(2,\)"),
    (ops.Upsample((0, 1)), [(2, 3, 4)], "expected 2 factors >= 1"),
    (ops.Concat(), [(2, 3), (3, 3)], "expected inputs that differ only along axis -1"),
    (ops.Concat(2), [(2, 3), (2, 3)], "expected inputs that differ only along axis 2"),
    (ops.Concat(), [(2, 3), (2, 3, 1)], "expected inputs that differ only along axis -1"),
    (ops.Add(), [(2, 3), (2, 1)], r"expected inputs of one shape, got \[\(2, 3\), \(2, 1\)\]"),
    (ops.MaxPool((2, 2)), [(4, 4)], "expected an input of 2 spatial axes and channels last"),
    (ops.MaxPool((5, 2)), [(4, 4, 1)], "does not fit into input"),
    (ops.AveragePool((2,), (1, 1)), [(4, 4)], r"expected 1 entries in strides of AveragePool, got \(1, 1\)"),
    (ops.Relu(negative_slope=kernel(4)), [(2, 3)], "expected negative_slope to broadcast"),
    (ops.Spiking(IntegrateAndFire(threshold=np.ones(2))), [(2, 3)], "threshold: expected a scalar or a shape that"),
]


@pytest.mark.parametrize(("op", "inputs", "message"), MISFITS)
def test_inputs_that_do_not_fit(op, inputs, message):
    with pytest.raises(GraphError, match=message):
        op.infer(*inputs)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: ops.Input(()), r"Input: expected a shape of known sizes >= 1, got \(\)"),
        (lambda: ops.Input((0, 3)), "Input: expected a shape of known sizes"),
        (lambda: ops.Dense(kernel(3)), r"Dense: expected a weight of shape \(in, out\), got \(3,\)"),
        (lambda: ops.Dense(kernel(3, 4), kernel(3)), r"Dense: expected a bias of shape \(4,\), got \(3,\)"),
        (lambda: ops.Conv(kernel(3, 4)), r"Conv: expected a kernel of shape \(\*window, in, out\), got \(3, 4\)"),
        (lambda: ops.Conv(kernel(3, 2, 4), kernel(2)), r"Conv: expected a bias of shape \(4,\)"),
        (lambda: ops.Conv(kernel(3, 2, 4), groups=3), "Conv: 4 channels cannot be split into 3 groups"),
        (lambda: ops.ConvTranspose(kernel(3, 2, 4), groups=0), "ConvTranspose: 2 channels cannot be split into 0"),
        (
            lambda: ops.ConvTranspose(kernel(3, 2, 4), kernel(4), groups=2),
            r"expected a bias of shape \(8,\), got \(4,\)",
        ),
        (lambda: ops.Relu(max_value=0), "Relu: max_value must be > 0, got 0"),
        (lambda: ops.Activation("swish"), "Activation: expected one of elu, .*, got 'swish'"),
        (lambda: ops.SpikingMaxPool((2,), method="mean"), "SpikingMaxPool: expected method 'cumulative'"),
        (lambda: ops.SpikingMaxPool((2,), time_constant=0.5), "time_constant must be >= 1 step, got 0.5"),
    ],
)
def test_invalid_op(build, message):
    with pytest.raises(GraphError, match=message):
        build()


def test_leaky():
    assert not ops.Relu().leaky
    assert not ops.Relu(negative_slope=np.zeros(3)).leaky
    assert ops.Relu(negative_slope=np.array([0, 0.1])).leaky


@pytest.mark.parametrize(
    ("spatial", "window", "strides", "dilation", "padding"),
    [
        ((7,), (3,), (1,), None, ((1, 1),)),
        ((7,), (4,), (1,), None, ((1, 2),)),
        ((7,), (3,), (2,), None, ((1, 1),)),
        ((6,), (3,), (2,), None, ((0, 1),)),
        ((6,), (1,), (2,), None, ((0, 0),)),
        ((5,), (2,), (3,), None, ((0, 0),)),
        ((7, 6), (3, 2), (1, 1), (2, 3), ((2, 2), (1, 2))),
    ],
)
def test_same_padding(spatial, window, strides, dilation, padding):
    assert same_padding(spatial, window, strides, dilation) == padding
