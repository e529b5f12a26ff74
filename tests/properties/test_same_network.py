"""A network of random structure, built once in Keras and once in ONNX, is one network to both frontends."""

from __future__ import annotations

import keras
import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from keras import layers as L

from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.ir import ops
from snntoolbox.ir.evaluate import max_relative_deviation
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.random_graphs import random_graph, random_samples
from tests.properties.test_onnx import Writer


def keras_model(graph):
    """The graph as a functional model; padding that no layer of Keras has is a layer of its own."""
    tensors = {name: keras.Input(graph.shapes[name], name=name) for name in graph.inputs}
    for node in graph.nodes:
        if not isinstance(node.op, ops.Input):
            tensors[node.name] = _call(node.op, [tensors[name] for name in node.inputs], graph.shapes[node.name])
    return keras.Model([tensors[name] for name in graph.inputs], [tensors[name] for name in graph.outputs])


def _call(op, inputs, shape):
    x = inputs[0]
    match op:
        case ops.Conv():
            x = _padded(x, op.padding)
            if op.groups > 1:
                depthwise = np.moveaxis(op.kernel, -1, -2)  # one kernel for each channel
                return _weighted(L.DepthwiseConv2D(op.kernel.shape[:2], use_bias=op.bias is not None), x, depthwise, op)
            layer = L.Conv2D(shape[-1], op.kernel.shape[:2], op.strides, use_bias=op.bias is not None)
            return _weighted(layer, x, op.kernel, op)
        case ops.ConvTranspose():
            layer = L.Conv2DTranspose(shape[-1], op.kernel.shape[:2], op.strides, use_bias=op.bias is not None)
            x = _weighted(layer, x, np.swapaxes(op.kernel, -1, -2), op)
            return L.Cropping2D(op.padding)(x) if np.any(op.padding) else x
        case ops.Dense():
            return _weighted(L.Dense(shape[-1], use_bias=op.bias is not None), x, op.weight, op)
        case ops.Affine():
            layer = L.BatchNormalization(epsilon=1e-3)
            y, size = layer(x), shape[-1]
            scale, shift = (np.broadcast_to(v, (size,)) for v in (op.scale, 0.0 if op.shift is None else op.shift))
            layer.set_weights([scale, shift, np.zeros(size), np.full(size, 1 - 1e-3)])
            return y
        case ops.Relu():
            return L.ReLU(op.max_value, op.negative_slope)(x)
        case ops.MaxPool():
            return L.MaxPooling2D(op.pool, op.strides)(x)
        case ops.AveragePool():
            return L.AveragePooling2D(op.pool, op.strides)(_padded(x, op.padding))
        case ops.Reshape():
            return L.Reshape(op.shape)(x)
        case ops.Permute():
            return L.Permute([axis + 1 for axis in op.perm])(x)
        case ops.Pad():
            return _padded(x, op.padding[:-1])
        case ops.Slice():
            return x[(slice(None), *map(slice, op.start, op.stop, op.step))]
        case ops.Upsample():
            return L.UpSampling2D(op.factors)(x)
        case ops.Concat():
            return L.Concatenate(axis=-1)(inputs)
        case ops.Add():
            return L.Add()(inputs)
        case ops.Softmax():
            return L.Softmax()(x)
    return L.Activation(op.function)(x)


def _padded(x, padding):
    return L.ZeroPadding2D(padding)(x) if np.any(padding) else x


def _weighted(layer, x, kernel, op):
    y = layer(x)
    layer.set_weights([kernel] if op.bias is None else [kernel, op.bias])
    return y


def _has_keras(op):
    """Whether Keras has such a padding: none of the kind that pooling leaves out."""
    if isinstance(op, ops.AveragePool):
        return op.count_padding or not np.any(op.padding)
    return not isinstance(op, ops.MaxPool) or not np.any(op.padding)


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_keras_and_onnx_give_the_same_network(seed):
    graph = random_graph(seed, leaky=True, dtype=np.float32)
    assume(all(_has_keras(node.op) for node in graph.nodes))
    samples = random_samples(graph, seed)
    expected = node_values(graph, samples)
    wanted = [expected[name] for name in graph.outputs]
    sources = [
        (KerasFrontend(), keras_model(graph)),
        (OnnxFrontend(input_layout="channels_first"), Writer(graph).model()),
    ]
    for frontend, source in sources:
        again = frontend.parse(source)
        received = node_values(again, samples)
        assert max_relative_deviation(wanted, [received[name] for name in again.outputs]) <= 1e-5
        assert max_relative_deviation(wanted, frontend.reference_outputs(source, samples)) <= 1e-5
