"""Operations outside layers, as ``x / 255`` or ``keras.ops.relu(x)`` leave them in a functional model."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L
from keras import ops

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.frontends.keras.table import OPERATIONS, REMOVED_OPERATIONS

CHANNELS = np.array([1.0, 2, 3, 4], np.float32)

CASES = {
    "x + 1": lambda x: x + 1,
    "1 + x": lambda x: 1 + x,
    "x + channels": lambda x: x + CHANNELS,
    "x + x": lambda x: x + L.Conv2D(4, 1)(x),
    "x - 1": lambda x: x - 1,
    "1 - x": lambda x: 1 - x,
    "x - x": lambda x: x - L.Conv2D(4, 1)(x),
    "x * 2": lambda x: x * 2,
    "channels * x": lambda x: ops.multiply(CHANNELS.reshape(1, 1, 1, 4), x),
    "x / 255": lambda x: x / 255,
    "divide": lambda x: ops.divide(x, CHANNELS),
    "-x": lambda x: -x,
    "maximum": lambda x: ops.maximum(x, 0.0),
    "maximum, turned": lambda x: ops.maximum(0.0, x),
    "clip": lambda x: ops.clip(x, 0, 0.5),
    "mean over space": lambda x: ops.mean(x, axis=(1, 2)),
    "mean over space, keepdims": lambda x: ops.mean(x, axis=[-3, -2], keepdims=True),
    "maximum over space": lambda x: ops.max(x, axis=(2, 1)),
    "reshape": lambda x: ops.reshape(x, (-1, 6, 10, 2)),
    "reshape to a line": lambda x: ops.reshape(x, (-1, 120)),
    "expand dims": lambda x: ops.expand_dims(x, 1),
    "expand dims, last": lambda x: ops.expand_dims(x, -1),
    "squeeze": lambda x: ops.squeeze(ops.expand_dims(x, 2), 2),
    "squeeze all": lambda x: ops.squeeze(ops.expand_dims(x, -1)),
    "transpose": lambda x: ops.transpose(x, (0, 3, 1, 2)),
    "concatenate": lambda x: ops.concatenate([x, x + 1], axis=-1),
    "concatenate, axis by number": lambda x: ops.concatenate([x, x + 1], axis=1),
    "pad": lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0))),
    "block": lambda x: x[:, 1:4, ::2],
    "block from the end": lambda x: x[..., -3:],
    "block of one axis": lambda x: x[:, :, 2:3, :],
    "cast": lambda x: ops.cast(x, "float32"),
    "copy": lambda x: ops.copy(x) + 1,
    "stop gradient": lambda x: ops.stop_gradient(x) + 1,
    "relu": ops.relu,
    "relu6": lambda x: ops.relu6(4 * x),
    "leaky relu": lambda x: ops.leaky_relu(x, 0.3),
    "elu": ops.elu,
    "softmax": ops.softmax,
    "log softmax": ops.log_softmax,
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "exp": ops.exp,
    "hard sigmoid": lambda x: ops.hard_sigmoid(3 * x),
    "selu": ops.selu,
    "sigmoid": ops.sigmoid,
    "silu": ops.silu,
    "softplus": ops.softplus,
    "softsign": ops.softsign,
    "tanh": ops.tanh,
}

REFUSED = {
    "product": (lambda x: x * ops.relu(x), r"\(Multiply\): multiplies two tensors"),
    "quotient": (lambda x: 1 / x, r"\(TrueDivide\): divides by a tensor"),
    "larger": (lambda x: ops.maximum(x, 1.0), "Only max\\(x, 0\\) is a rectifier"),
    "clip": (lambda x: ops.clip(x, -1, 1), r"clips to \[-1, 1\]. Only a clip from 0"),
    "mean over channels": (lambda x: ops.mean(x, axis=-1), r"reduces the axes \[-1\]"),
    "mean over all": (lambda x: ops.mean(x, axis=(0, 1, 2, 3)), r"reduces the axes \(0, 1, 2, 3\)"),
    "batch in reshape": (lambda x: ops.reshape(x, (2, -1)), r"reshapes the batch too, to \(2, -1\)"),
    "batch in expand dims": (lambda x: ops.expand_dims(x, 0), "puts an axis before the batch"),
    "batch in transpose": (lambda x: ops.transpose(x), "moves the batch"),
    "batch in concatenate": (lambda x: ops.concatenate([x, x], axis=0), "joins along the batch"),
    "constant in concatenate": (
        lambda x: ops.concatenate([x, ops.ones((1, 5, 6, 4))], axis=-1),
        "joins a tensor with a constant",
    ),
    "padding with ones": (lambda x: ops.pad(x, 1, constant_values=1.0), "pads with something other than zeros"),
    "reflection": (lambda x: ops.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), mode="reflect"), "other than zeros"),
    "reversed block": (lambda x: x[..., ::-1], "Only slices with positive steps"),
    "one element": (lambda x: x[:, 0], "Only slices with positive steps"),
    "cast": (lambda x: ops.cast(x, "int32"), "rounds to int32"),
    "approximate gelu": (ops.gelu, "is the approximate GELU"),
    "enlarging constant": (lambda x: x[:, :1] + np.ones((5, 1, 1), np.float32), "expected shift to broadcast"),
    "other": (ops.square, r"operation '.*' \(Square\): cannot be converted. Replace it, or cut the model before it"),
    "softmax": (lambda x: ops.softmax(x, axis=1), "has axis = 1. Only a softmax along the last axis"),
}


def model_of(function):
    inputs = keras.Input((5, 6, 4))
    return keras.Model(inputs, function(inputs))


@pytest.mark.parametrize("function", CASES.values(), ids=CASES)
def test_operation(function, assert_same):
    assert_same(model_of(function))


@pytest.mark.parametrize(("function", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_operation(function, message):
    with pytest.raises(UnsupportedError, match=message):
        KerasFrontend().parse(model_of(function))


def test_every_operation_of_the_tables_is_tested():
    used = {type(o).__name__ for f in CASES.values() for o in model_of(f).operations if not isinstance(o, keras.Layer)}
    assert used == {*OPERATIONS, *REMOVED_OPERATIONS}
