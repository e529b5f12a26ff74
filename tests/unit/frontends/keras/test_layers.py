"""Every layer, with its options: the graph computes what Keras computes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L

from snntoolbox.frontends.keras.table import LAYERS, REMOVED_LAYERS

IMAGE, LINE, VOLUME, FLAT = (7, 6, 4), (9, 4), (4, 5, 3, 2), (5,)

CASES = {
    "dense": (FLAT, L.Dense(3)),
    "dense, no bias": (FLAT, L.Dense(3, use_bias=False)),
    "dense on an image": (IMAGE, L.Dense(3, activation="relu")),
    "conv1d": (LINE, L.Conv1D(3, 3)),
    "conv1d, same, stride": (LINE, L.Conv1D(3, 4, strides=2, padding="same", activation="relu")),
    "conv1d, causal": (LINE, L.Conv1D(3, 3, padding="causal")),
    "conv1d, causal, stride": (LINE, L.Conv1D(3, 2, strides=2, padding="causal")),
    "conv1d, causal, dilation": (LINE, L.Conv1D(3, 3, padding="causal", dilation_rate=2)),
    "conv1d, groups": (LINE, L.Conv1D(6, 3, groups=2)),
    "conv2d": (IMAGE, L.Conv2D(3, 3)),
    "conv2d, no bias, relu": (IMAGE, L.Conv2D(3, (2, 3), use_bias=False, activation="relu")),
    "conv2d, same": (IMAGE, L.Conv2D(3, 3, padding="same")),
    "conv2d, same, even window": (IMAGE, L.Conv2D(3, (2, 4), padding="same")),
    "conv2d, same, strides": (IMAGE, L.Conv2D(3, 3, strides=2, padding="same")),
    "conv2d, same, even window, uneven strides": (IMAGE, L.Conv2D(3, (4, 2), strides=(3, 2), padding="same")),
    "conv2d, stride > window": (IMAGE, L.Conv2D(3, 1, strides=2, padding="same")),
    "conv2d, dilation": (IMAGE, L.Conv2D(3, 3, dilation_rate=2)),
    "conv2d, same, dilation": (IMAGE, L.Conv2D(3, (2, 3), dilation_rate=(3, 2), padding="same")),
    "conv2d, groups": (IMAGE, L.Conv2D(6, 3, groups=2, padding="same")),
    "conv2d, softmax": (IMAGE, L.Conv2D(3, 1, activation="softmax")),
    "conv3d": (VOLUME, L.Conv3D(3, (2, 3, 2), strides=(2, 1, 1), padding="same", activation="relu")),
    "depthwise1d": (LINE, L.DepthwiseConv1D(3, strides=2, padding="same", depth_multiplier=2, activation="relu")),
    "depthwise2d": (IMAGE, L.DepthwiseConv2D(3)),
    "depthwise2d, same, strides": (IMAGE, L.DepthwiseConv2D((2, 3), strides=2, padding="same", activation="relu")),
    "depthwise2d, multiplier, dilation": (IMAGE, L.DepthwiseConv2D(2, depth_multiplier=3, dilation_rate=2)),
    "separable1d": (LINE, L.SeparableConv1D(3, 3, strides=2, padding="same", activation="relu")),
    "separable2d": (IMAGE, L.SeparableConv2D(3, 3)),
    "separable2d, options": (
        IMAGE,
        L.SeparableConv2D(3, 2, strides=2, padding="same", depth_multiplier=2, use_bias=False, activation="softmax"),
    ),
    "separable2d, dilation": (IMAGE, L.SeparableConv2D(3, 2, dilation_rate=2)),
    "transposed1d": (LINE, L.Conv1DTranspose(3, 4, strides=2, padding="same", activation="relu")),
    "transposed1d, output padding": (LINE, L.Conv1DTranspose(3, 3, strides=3, output_padding=1)),
    "transposed2d": (IMAGE, L.Conv2DTranspose(3, 3)),
    "transposed2d, strides": (IMAGE, L.Conv2DTranspose(3, (3, 4), strides=(2, 3), use_bias=False)),
    "transposed2d, same, strides": (IMAGE, L.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")),
    "transposed2d, same, even window": (IMAGE, L.Conv2DTranspose(3, (4, 2), strides=2, padding="same")),
    "transposed2d, same, window < stride": (IMAGE, L.Conv2DTranspose(3, 2, strides=3, padding="same")),
    "transposed2d, window < stride": (IMAGE, L.Conv2DTranspose(3, 2, strides=3)),
    "transposed2d, same, output padding": (
        IMAGE,
        L.Conv2DTranspose(3, 3, strides=(3, 2), padding="same", output_padding=(2, 1)),
    ),
    "transposed2d, output padding": (IMAGE, L.Conv2DTranspose(3, 3, strides=2, output_padding=1)),
    "transposed3d": (VOLUME, L.Conv3DTranspose(2, 3, strides=2, padding="same")),
    "batch norm": (IMAGE, L.BatchNormalization()),
    "batch norm, bare": (IMAGE, L.BatchNormalization(center=False, scale=False, epsilon=0.1)),
    "batch norm, flat, axis by number": (FLAT, L.BatchNormalization(axis=1)),
    "batch norm, image, axis by number": (IMAGE, L.BatchNormalization(axis=3, scale=False)),
    "normalization": (IMAGE, L.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 4, 9, 0.25])),
    "normalization, inverse": (IMAGE, L.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 4, 9, 0.25], invert=True)),
    "normalization, one for all": (IMAGE, L.Normalization(axis=None, mean=1.0, variance=4.0)),
    "normalization, no variance": (FLAT, L.Normalization(mean=[1.0] * 5, variance=[0.0, 1, 1, 1, 1])),
    "rescaling": (IMAGE, L.Rescaling(1 / 127.5, offset=-1)),
    "rescaling, channels": (IMAGE, L.Rescaling([1.0, 2, 3, 4], offset=[0.0, 1, 2, 3])),
    "max pool 1d": (LINE, L.MaxPooling1D(2)),
    "max pool 1d, same": (LINE, L.MaxPooling1D(3, strides=2, padding="same")),
    "max pool 2d": (IMAGE, L.MaxPooling2D()),
    "max pool 2d, same": (IMAGE, L.MaxPooling2D((3, 2), strides=(2, 3), padding="same")),
    "max pool 2d, overlap": (IMAGE, L.MaxPooling2D(3, strides=1)),
    "max pool 3d": (VOLUME, L.MaxPooling3D(2, strides=1, padding="same")),
    "average pool 1d": (LINE, L.AveragePooling1D(3, padding="same")),
    "average pool 2d": (IMAGE, L.AveragePooling2D((2, 3))),
    "average pool 2d, same": (IMAGE, L.AveragePooling2D(3, strides=2, padding="same")),
    "average pool 3d": (VOLUME, L.AveragePooling3D(2, strides=1, padding="same")),
    "global average 1d": (LINE, L.GlobalAveragePooling1D()),
    "global average 2d": (IMAGE, L.GlobalAveragePooling2D()),
    "global average 2d, keepdims": (IMAGE, L.GlobalAveragePooling2D(keepdims=True)),
    "global average 3d": (VOLUME, L.GlobalAveragePooling3D()),
    "global max 1d": (LINE, L.GlobalMaxPooling1D()),
    "global max 2d": (IMAGE, L.GlobalMaxPooling2D()),
    "global max 3d, keepdims": (VOLUME, L.GlobalMaxPooling3D(keepdims=True)),
    "flatten": (IMAGE, L.Flatten()),
    "reshape": (IMAGE, L.Reshape((4, -1, 2))),
    "reshape to a line": (IMAGE, L.Reshape((-1,))),
    "permute": (IMAGE, L.Permute((3, 1, 2))),
    "repeat vector": (FLAT, L.RepeatVector(3)),
    "zero padding 1d": (LINE, L.ZeroPadding1D((1, 2))),
    "zero padding 2d": (IMAGE, L.ZeroPadding2D(((1, 0), (2, 3)))),
    "zero padding 3d": (VOLUME, L.ZeroPadding3D(1)),
    "cropping 1d": (LINE, L.Cropping1D((1, 2))),
    "cropping 2d": (IMAGE, L.Cropping2D(((1, 0), (2, 1)))),
    "cropping 3d": (VOLUME, L.Cropping3D(1)),
    "up-sampling 1d": (LINE, L.UpSampling1D(3)),
    "up-sampling 2d": (IMAGE, L.UpSampling2D((2, 3))),
    "up-sampling 3d": (VOLUME, L.UpSampling3D(2)),
    "activation": (IMAGE, L.Activation("relu")),
    "linear activation": (IMAGE, L.Activation("linear")),
    "relu": (IMAGE, L.ReLU()),
    "relu, ceiling and slope": (IMAGE, L.ReLU(max_value=0.5, negative_slope=0.1)),
    "leaky relu": (IMAGE, L.LeakyReLU(negative_slope=0.3)),
    "prelu": (IMAGE, L.PReLU()),
    "prelu, channels": (IMAGE, L.PReLU(shared_axes=[1, 2])),
    "prelu, rows": (IMAGE, L.PReLU(shared_axes=[2, 3])),
    "elu": (IMAGE, L.ELU()),
    "softmax": (IMAGE, L.Softmax()),
    "softmax, axis by number": (IMAGE, L.Softmax(axis=3)),
}

MERGED = {
    "add": (IMAGE, L.Add(), 3),
    "subtract": (IMAGE, L.Subtract(), 2),
    "average": (IMAGE, L.Average(), 3),
    "concatenate": (IMAGE, L.Concatenate(), 3),
    "concatenate, axis by number": (IMAGE, L.Concatenate(axis=1), 2),
}

REMOVED = {
    "activity regularisation": (FLAT, L.ActivityRegularization(l1=0.1)),
    "alpha dropout": (FLAT, L.AlphaDropout(0.5)),
    "dropout": (FLAT, L.Dropout(0.5)),
    "gaussian dropout": (FLAT, L.GaussianDropout(0.5)),
    "gaussian noise": (FLAT, L.GaussianNoise(1.0)),
    "identity": (FLAT, L.Identity()),
    "spatial dropout 1d": (LINE, L.SpatialDropout1D(0.5)),
    "spatial dropout 2d": (IMAGE, L.SpatialDropout2D(0.5)),
    "spatial dropout 3d": (VOLUME, L.SpatialDropout3D(0.5)),
    "random brightness": ((8, 8, 3), L.RandomBrightness(0.5)),
    "random contrast": ((8, 8, 3), L.RandomContrast(0.5)),
    "random flip": ((8, 8, 3), L.RandomFlip()),
    "random rotation": ((8, 8, 3), L.RandomRotation(0.5)),
    "random translation": ((8, 8, 3), L.RandomTranslation(0.5, 0.5)),
    "random zoom": ((8, 8, 3), L.RandomZoom(0.5)),
}


@pytest.mark.parametrize(("shape", "layer"), CASES.values(), ids=CASES)
def test_layer(shape, layer, assert_same):
    # Only Normalization holds values of the user's own.
    assert_same(keras.Sequential([keras.Input(shape), layer]), keep_weights=isinstance(layer, L.Normalization))


@pytest.mark.parametrize(("shape", "layer", "number"), MERGED.values(), ids=MERGED)
def test_merging_layer(shape, layer, number, assert_same):
    inputs = [keras.Input(shape) for _ in range(number)]
    graph = assert_same(keras.Model(inputs, layer(inputs)))
    assert list(graph.inputs) == [tensor._keras_history.operation.name for tensor in inputs]


@pytest.mark.parametrize(("shape", "layer"), REMOVED.values(), ids=REMOVED)
def test_removed_layer(shape, layer, assert_same):
    graph = assert_same(keras.Sequential([keras.Input(shape), layer, L.Flatten(name="flatten")]))
    assert [node.op.kind for node in graph.nodes] == ["Input", "Reshape"]
    assert graph.attributes["removed"] == layer.name


def test_every_layer_of_the_tables_is_tested():
    cases = [layer for _, layer in (*CASES.values(), *REMOVED.values())] + [layer for _, layer, _ in MERGED.values()]
    own = {"QuantizedReLU"}  # tested in tests/unit/training
    assert {type(layer).__name__ for layer in cases} | own == {*LAYERS, *REMOVED_LAYERS}


def test_batch_norm_is_computed_in_double_precision(rng):
    from snntoolbox.frontends.keras import KerasFrontend

    layer = L.BatchNormalization(epsilon=1e-7)
    model = keras.Sequential([keras.Input((3,)), layer])
    layer.set_weights([np.array(v, np.float32) for v in ([1, 2, 3], [4, 5, 6], [1e4, 0, -1e4], [1e-6, 1, 1e6])])
    op = KerasFrontend().parse(model)[layer.name].op
    scale = np.array([1.0, 2, 3]) / np.sqrt(np.array([1e-6, 1, 1e6], np.float32).astype(np.float64) + 1e-7)
    np.testing.assert_array_equal(op.scale, scale.astype(np.float32))
    np.testing.assert_array_equal(
        op.shift, (np.array([4.0, 5, 6]) - np.array([1e4, 0, -1e4]) * scale).astype(np.float32)
    )


def test_adapted_normalization_is_taken_with_its_statistics(rng, assert_same):
    layer = L.Normalization()
    model = keras.Sequential([keras.Input((3,)), layer])
    layer.adapt(rng.normal(2, 3, size=(50, 3)))
    assert_same(model, keep_weights=True)
