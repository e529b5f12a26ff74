"""Every kernel against a slow definition in NumPy, eagerly in float64 and compiled by XLA in float32."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from snntoolbox.errors import GraphError
from snntoolbox.ir import ops
from snntoolbox.neurons import IntegrateAndFire


def weights(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape)


def windows(x, window, strides, dilation, padding, fill):
    """Yield (place, block): the elements under the window at each place, block of shape (batch, *window, channels)."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=fill)
    extents = [(w - 1) * d + 1 for w, d in zip(window, dilation, strict=True)]
    sizes = [(n - e) // s + 1 for n, e, s in zip(x.shape[1:-1], extents, strides, strict=True)]
    for place in product(*map(range, sizes)):
        cut = tuple(slice(p * s, p * s + e, d) for p, s, e, d in zip(place, strides, extents, dilation, strict=True))
        yield place, x[(slice(None), *cut)]


def slow_conv(op, x):
    y = np.zeros((len(x), *op.infer(x.shape[1:])))
    per_in, per_out = op.kernel.shape[-2], op.kernel.shape[-1] // op.groups
    for place, block in windows(x, op.window, op.strides, op.dilation, op.padding, 0):
        for g in range(op.groups):
            kernel = op.kernel[..., g * per_out : (g + 1) * per_out]
            part = block[..., g * per_in : (g + 1) * per_in]
            y[(slice(None), *place, slice(g * per_out, (g + 1) * per_out))] = np.tensordot(part, kernel, part.ndim - 1)
    return y + (0 if op.bias is None else op.bias)


def slow_conv_transpose(op, x):
    out = op.infer(x.shape[1:])
    margin = [a + b + 1 for a, b in op.padding]
    y = np.zeros((len(x), *(n + 2 * m + s for n, m, s in zip(out, margin, op.strides, strict=False)), out[-1]))
    per_in, per_out = op.in_channels // op.groups, op.kernel.shape[-1]
    for place in product(*map(range, x.shape[1:-1])):
        for offset in product(*map(range, op.window)):
            target = tuple(
                p * s + k * d - before + m
                for p, s, k, d, (before, _), m in zip(
                    place, op.strides, offset, op.dilation, op.padding, margin, strict=True
                )
            )
            for g in range(op.groups):
                part = x[(slice(None), *place, slice(g * per_in, (g + 1) * per_in))]
                kernel = op.kernel[offset][g * per_in : (g + 1) * per_in]
                y[(slice(None), *target, slice(g * per_out, (g + 1) * per_out))] += part @ kernel
    y = y[(slice(None), *(slice(m, m + n) for m, n in zip(margin, out, strict=False)))]
    return y + (0 if op.bias is None else op.bias)


def slow_pool(op, x):
    y = np.zeros((len(x), *op.infer(x.shape[1:])))
    ones = (1,) * len(op.pool)
    axes = tuple(range(1, len(op.pool) + 1))
    maximum = isinstance(op, ops.MaxPool)
    fill = -np.inf if maximum else (0 if op.count_padding else np.nan)
    for place, block in windows(x, op.pool, op.strides, ones, op.padding, fill):
        y[(slice(None), *place)] = np.max(block, axes) if maximum else np.nanmean(block, axes)
    return y


SAME_STRIDE_2 = ((0, 1), (0, 1))
CASES = [
    ("dense", ops.Dense(weights(5, 3), weights(3)), (5,), lambda op, x: x @ op.weight + op.bias),
    ("dense without bias", ops.Dense(weights(5, 3)), (5,), lambda op, x: x @ op.weight),
    ("dense on the last axis", ops.Dense(weights(5, 3), weights(3)), (4, 2, 5), lambda op, x: x @ op.weight + op.bias),
    ("affine", ops.Affine(weights(3), weights(3)), (4, 4, 3), lambda op, x: x * op.scale + op.shift),
    ("affine without shift", ops.Affine(weights(4, 4, 3)), (4, 4, 3), lambda op, x: x * op.scale),
    ("reshape", ops.Reshape((6, 2)), (3, 4), lambda op, x: x.reshape(-1, 6, 2)),
    ("permute", ops.Permute((2, 0, 1)), (3, 4, 2), lambda op, x: x.transpose(0, 3, 1, 2)),
    ("pad", ops.Pad(((1, 0), (0, 2), (1, 1))), (3, 4, 2), lambda op, x: np.pad(x, ((0, 0), *op.padding))),
    ("slice", ops.Slice((1, 0, 1), (5, 4, 2), (2, 1, 1)), (6, 4, 3), lambda op, x: x[:, 1:5:2, 0:4, 1:2]),
    ("upsample", ops.Upsample((2, 3)), (3, 4, 2), lambda op, x: x.repeat(2, 1).repeat(3, 2)),
    ("relu", ops.Relu(), (3, 2), lambda op, x: np.maximum(x, 0)),
    ("relu6", ops.Relu(max_value=0.5), (3, 2), lambda op, x: np.clip(x, 0, 0.5)),
    ("leaky relu", ops.Relu(negative_slope=0.1), (3, 2), lambda op, x: np.where(x > 0, x, 0.1 * x)),
    (
        "parametric relu with a ceiling for each channel",
        ops.Relu(max_value=np.array([0.5, 1.0]), negative_slope=np.array([0.1, -0.2])),
        (3, 2),
        lambda op, x: np.where(x > 0, np.minimum(x, op.max_value), op.negative_slope * x),
    ),
    ("softmax", ops.Softmax(), (3, 4), lambda op, x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    ("conv", ops.Conv(weights(3, 3, 2, 4), weights(4)), (6, 5, 2), slow_conv),
    ("conv, same", ops.Conv(weights(3, 3, 2, 4), padding=((1, 1), (1, 1))), (6, 5, 2), slow_conv),
    ("conv, same, strides", ops.Conv(weights(3, 3, 2, 4), None, (2, 2), SAME_STRIDE_2), (6, 6, 2), slow_conv),
    ("conv, uneven padding", ops.Conv(weights(2, 3, 2, 4), None, (2, 1), ((2, 0), (0, 1))), (6, 5, 2), slow_conv),
    (
        "conv, dilation",
        ops.Conv(weights(2, 3, 2, 4), weights(4), padding=((1, 0), (2, 2)), dilation=(2, 2)),
        (6, 5, 2),
        slow_conv,
    ),
    ("conv, groups", ops.Conv(weights(3, 3, 2, 6), weights(6), (1, 2), groups=3), (6, 5, 6), slow_conv),
    ("conv, 1-D", ops.Conv(weights(3, 2, 4), weights(4), (2,), ((2, 1),)), (9, 2), slow_conv),
    ("conv, 1-D, causal, dilation", ops.Conv(weights(3, 2, 4), padding=((4, 0),), dilation=(2,)), (9, 2), slow_conv),
    (
        "conv, 3-D",
        ops.Conv(weights(2, 3, 1, 2, 3), weights(3), (2, 1, 1), ((1, 0), (1, 1), (0, 0)), (1, 2, 1)),
        (4, 5, 3, 2),
        slow_conv,
    ),
    ("conv, 3-D, groups", ops.Conv(weights(2, 2, 2, 1, 4), groups=2), (3, 3, 3, 2), slow_conv),
    (
        "depthwise",
        ops.Conv(weights(3, 3, 1, 6), weights(6), (2, 2), SAME_STRIDE_2, groups=3),
        (6, 6, 3),
        slow_conv,
    ),
    (
        "depthwise, uneven padding",
        ops.Conv(weights(3, 3, 1, 3), padding=((2, 0), (0, 1)), groups=3),
        (5, 6, 3),
        slow_conv,
    ),
    ("depthwise, unequal strides", ops.Conv(weights(3, 3, 1, 3), None, (2, 3), groups=3), (7, 8, 3), slow_conv),
    (
        "depthwise, dilation and strides",
        ops.Conv(weights(3, 2, 1, 3), None, (2, 2), ((2, 1), (1, 2)), (2, 3), 3),
        (7, 8, 3),
        slow_conv,
    ),
    ("depthwise, 1-D", ops.Conv(weights(3, 1, 6), weights(6), (2,), ((1, 0),), groups=3), (9, 3), slow_conv),
    ("transposed", ops.ConvTranspose(weights(3, 3, 2, 4), weights(4), (2, 2)), (3, 4, 2), slow_conv_transpose),
    (
        "transposed, padding",
        ops.ConvTranspose(weights(3, 4, 2, 4), weights(4), (2, 3), ((1, 0), (0, 2)), output_padding=(1, 2)),
        (3, 4, 2),
        slow_conv_transpose,
    ),
    (
        "transposed, window < stride",
        ops.ConvTranspose(weights(1, 2, 2, 3), None, (3, 3)),
        (3, 2, 2),
        slow_conv_transpose,
    ),
    (
        "transposed, dilation and groups",
        ops.ConvTranspose(weights(2, 3, 4, 3), weights(6), (1, 2), ((1, 1), (0, 0)), (2, 2), groups=2),
        (4, 3, 4),
        slow_conv_transpose,
    ),
    ("transposed, 1-D", ops.ConvTranspose(weights(4, 2, 3), None, (2,), ((1, 1),)), (5, 2), slow_conv_transpose),
    ("transposed, 3-D", ops.ConvTranspose(weights(2, 1, 3, 2, 3), None, (2, 1, 2)), (2, 3, 2, 2), slow_conv_transpose),
    ("max pool", ops.MaxPool((2, 3)), (5, 6, 2), slow_pool),
    ("max pool, same", ops.MaxPool((3, 3), (2, 2), SAME_STRIDE_2), (6, 6, 2), slow_pool),
    ("max pool, padding", ops.MaxPool((3, 3), (2, 1), ((1, 1), (2, 0))), (6, 6, 2), slow_pool),
    ("max pool, 1-D", ops.MaxPool((3,), (2,), ((1, 1),)), (6, 2), slow_pool),
    ("max pool, 3-D", ops.MaxPool((2, 1, 2), (1, 1, 2), ((1, 0), (0, 0), (0, 1))), (3, 2, 5, 2), slow_pool),
    ("global max pool", ops.MaxPool((5, 6)), (5, 6, 2), slow_pool),
    ("average pool", ops.AveragePool((2, 3)), (5, 6, 2), slow_pool),
    ("average pool, same", ops.AveragePool((3, 3), (2, 2), SAME_STRIDE_2), (6, 6, 2), slow_pool),
    (
        "average pool, same, counted",
        ops.AveragePool((3, 3), (2, 2), SAME_STRIDE_2, count_padding=True),
        (6, 6, 2),
        slow_pool,
    ),
    ("average pool, padding", ops.AveragePool((3, 2), (2, 1), ((1, 1), (1, 0))), (5, 6, 2), slow_pool),
    ("average pool, padding, counted", ops.AveragePool((3, 2), (2, 1), ((2, 0), (0, 1)), True), (5, 6, 2), slow_pool),
    ("average pool, 1-D", ops.AveragePool((3,), (2,), ((1, 1),)), (6, 2), slow_pool),
    ("average pool, 3-D", ops.AveragePool((2, 1, 2), (1, 1, 2), ((1, 0), (0, 0), (0, 1))), (3, 2, 5, 2), slow_pool),
    ("global average pool", ops.AveragePool((5, 6)), (5, 6, 2), slow_pool),
]


@pytest.mark.parametrize(("op", "shape", "slow"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_kernel_equals_its_definition(op, shape, slow, rng):
    import tensorflow as tf

    from snntoolbox.ir.tf_ops import apply_op

    x = rng.normal(size=(3, *shape))
    expected = slow(op, x)
    assert expected.shape == (3, *op.infer(shape))

    eager = apply_op(op, tf.constant(x))
    assert eager.dtype == tf.float64
    np.testing.assert_allclose(eager.numpy(), expected, rtol=1e-10, atol=1e-10)

    unknown_batch = tf.function(lambda t: apply_op(op, t), autograph=False)
    graph = unknown_batch.get_concrete_function(tf.TensorSpec((None, *shape), tf.float32))
    assert graph.structured_outputs.shape.as_list()[1:] == list(expected.shape[1:])
    np.testing.assert_allclose(graph(tf.constant(x, tf.float32)).numpy(), expected, rtol=1e-4, atol=1e-5)

    xla = tf.function(lambda t: apply_op(op, t), autograph=False, jit_compile=True)
    np.testing.assert_allclose(xla(tf.constant(x, tf.float32)).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_ops_of_several_inputs(rng):
    import tensorflow as tf

    from snntoolbox.ir.tf_ops import apply_op

    x, y, z = rng.normal(size=(3, 2, 4, 5))
    tensors = [tf.constant(v) for v in (x, y, z)]
    np.testing.assert_allclose(apply_op(ops.Add(), *tensors).numpy(), x + y + z)
    np.testing.assert_array_equal(apply_op(ops.Concat(0), *tensors).numpy(), np.concatenate([x, y, z], 1))
    np.testing.assert_array_equal(apply_op(ops.Concat(-1), *tensors).numpy(), np.concatenate([x, y, z], 2))


@pytest.mark.parametrize("function", ops.Activation.FUNCTIONS)
def test_activation_equals_that_of_keras(function, rng):
    import keras
    import tensorflow as tf

    from snntoolbox.ir.tf_ops import apply_op

    x = tf.constant(rng.normal(scale=4, size=(2, 50)))
    expected = keras.activations.get(function)(x).numpy()
    np.testing.assert_allclose(apply_op(ops.Activation(function), x).numpy(), expected, rtol=1e-6, atol=1e-6)


def test_neurons_have_no_value_at_one_moment():
    import tensorflow as tf

    from snntoolbox.ir.tf_ops import apply_op

    with pytest.raises(GraphError, match="Spiking is not a function of its inputs alone"):
        apply_op(ops.Spiking(IntegrateAndFire()), tf.zeros((1, 2)))


@pytest.mark.parametrize("op", [ops.Conv(weights(1, 1, 1, 1, 2, 2)), ops.ConvTranspose(weights(1, 1, 1, 1, 2, 2))])
def test_more_than_three_spatial_axes_are_refused(op):
    import tensorflow as tf

    from snntoolbox.ir.tf_ops import apply_op

    with pytest.raises(GraphError, match="4 spatial axes cannot be evaluated"):
        apply_op(op, tf.zeros((1, 2, 2, 2, 2, 2)))
