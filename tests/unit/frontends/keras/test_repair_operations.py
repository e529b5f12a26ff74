"""Operations of TensorFlow between the layers of a Keras 2 model are layers in Keras 3."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from keras import layers as L

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.frontends.keras.repair_operations import repaired_operation
from snntoolbox.ir.evaluate import evaluate

X, Y = ["x", 0, 0], ["y", 1, 0]


def operation(function, node):
    """A layer as Keras 2 wrote it."""
    config = {"name": "op", "trainable": True, "dtype": "float32", "function": function}
    return {"class_name": "TFOpLambda", "config": config, "name": "op", "inbound_nodes": [node]}


@pytest.mark.parametrize(
    ("function", "node", "kind", "settings", "tensors"),
    [
        ("math.add", [*X, {"y": 2.0, "name": None}], "Rescaling", {"scale": 1.0, "offset": 2.0}, [X]),
        ("__operators__.add", [*X, {"y": Y}], "Add", {}, [X, Y]),
        ("math.subtract", [*X, {"y": [1.0, 2.0]}], "Rescaling", {"scale": 1.0, "offset": [-1.0, -2.0]}, [X]),
        ("math.subtract", ["_CONSTANT_VALUE", -1, 3.0, {"y": X}], "Rescaling", {"scale": -1.0, "offset": 3.0}, [X]),
        ("__operators__.sub", [*X, {"y": Y}], "Subtract", {}, [X, Y]),
        ("math.multiply", ["_CONSTANT_VALUE", -1, 3.0, {"y": X}], "Rescaling", {"scale": 3.0, "offset": 0.0}, [X]),
        ("math.multiply", [*X, {"y": Y}], "Multiply", {}, [X, Y]),
        ("math.truediv", [*X, {"y": 4}], "Rescaling", {"scale": 0.25, "offset": 0.0}, [X]),
        ("nn.relu", [*X, {"name": None}], "ReLU", {}, [X]),
        ("nn.relu6", [*X, {}], "ReLU", {"max_value": 6.0}, [X]),
        ("nn.leaky_relu", [*X, {"alpha": 0.1}], "LeakyReLU", {"negative_slope": 0.1}, [X]),
        ("nn.softmax", [*X, {"axis": None}], "Softmax", {"axis": -1}, [X]),
        ("nn.silu", [*X, {}], "Activation", {"activation": "silu"}, [X]),
        ("math.reduce_mean", [*X, {"axis": [2, 1]}], "GlobalAveragePooling2D", {"keepdims": False}, [X]),
        ("concat", [[*X, {"axis": 3}], [*Y, {"axis": 3}]], "Concatenate", {"axis": 3}, [X, Y]),
    ],
)
def test_operation(function, node, kind, settings, tensors):
    layer = repaired_operation(operation(function, node))
    assert (layer["class_name"], layer["config"]) == (kind, {"name": "op", **settings})
    assert layer["inbound_nodes"] == [[[*tensor, {}] for tensor in tensors]]


@pytest.mark.parametrize(
    ("function", "node"),
    [
        ("image.resize", [*X, {"size": [2, 2]}]),
        ("math.reduce_mean", [*X, {"axis": [3]}]),
        ("math.add", [*X, {"y": "text"}]),
        ("math.truediv", [*X, {"y": Y}]),
        ("math.truediv", ["_CONSTANT_VALUE", -1, 1.0, {"y": X}]),
    ],
)
def test_other_operations_stay_what_they_are(function, node):
    layer = operation(function, node)
    assert repaired_operation(layer) == layer


@pytest.fixture
def model(randomise):
    inputs = keras.Input((4, 4, 2), name="x")
    x = L.Rescaling(1 / 127.5, name="divided")(inputs)
    x = L.ReLU(name="relu")(L.Conv2D(2, 3, padding="same", name="conv")(x))
    x = L.Add(name="sum")([x, inputs])
    return randomise(keras.Model(inputs, L.Dense(3, name="classes")(L.Flatten(name="flatten")(x)), name="net"))


def written_by_keras_2(model, folder, function="math.truediv"):
    """Save a model whose arithmetic stands between layers."""
    architecture = json.loads(model.to_json())
    for layer in architecture["config"]["layers"]:
        arguments = [node["args"] for node in layer["inbound_nodes"]]
        if layer["name"] == "divided":
            layer |= operation(function, [*X, {"y": 127.5, "name": None}])
        elif layer["name"] == "sum":
            layer |= operation("__operators__.add", ["relu", 0, 0, {"y": X, "name": None}])
        elif arguments:
            layer["inbound_nodes"] = [[[*arguments[0][0]["config"]["keras_history"], {}]]]
    for layer, name in zip(architecture["config"]["layers"], [layer.name for layer in model.layers], strict=True):
        layer["name"] = layer["config"]["name"] = name
    (folder / "net.json").write_text(json.dumps(architecture))
    model.save_weights(folder / "net.weights.h5")
    return folder / "net.json"


def test_a_model_with_arithmetic_between_its_layers(model, rng, tmp_path):
    graph = KerasFrontend().parse(written_by_keras_2(model, tmp_path))
    assert [node.op.kind for node in graph.nodes] == ["Input", "Affine", "Conv", "Relu", "Add", "Reshape", "Dense"]
    x = rng.uniform(0, 255, (3, 4, 4, 2)).astype(np.float32)
    np.testing.assert_allclose(evaluate(graph, x), np.asarray(model(x)), rtol=1e-4, atol=1e-4)


def test_an_operation_that_cannot_be_loaded_is_refused(model, tmp_path):
    path = written_by_keras_2(model, tmp_path, "image.resize")
    with pytest.raises(UnsupportedError, match="This operation of TensorFlow between layers cannot be loaded"):
        KerasFrontend().parse(path)
