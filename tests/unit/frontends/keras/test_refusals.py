"""What cannot be taken is refused by name, all at once, with advice."""

from __future__ import annotations

import keras
import pytest
from keras import layers as L

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.frontends.keras.table import ADVICE

IMAGE, LINE = (6, 6, 4), (6, 4)


@keras.saving.register_keras_serializable()
class Dense(L.Dense):
    """A layer of the user's own, with a name that Keras has too."""


def refusal(model):
    with pytest.raises(UnsupportedError) as caught:
        KerasFrontend().parse(model)
    return caught.value


def test_all_layers_are_refused_at_once():
    x = inputs = keras.Input(IMAGE)
    x = L.LayerNormalization(name="norm")(x)
    x = L.Softmax(axis=1, name="odd")(x)
    x = L.Reshape((36, 4), name="fine")(x)
    x = L.LSTM(3, name="memory")(x)
    error = refusal(keras.Model(inputs, L.Dense(2, activation="mish", name="out")(x), name="net"))
    assert error.summary == "model 'net': 4 layers cannot be taken"
    assert [problem.where for problem in error.problems] == [
        "layer 'norm' (LayerNormalization)",
        "layer 'odd' (Softmax)",
        "layer 'memory' (LSTM)",
        "layer 'out' (Dense)",
    ]
    assert all(problem.hint for problem in error.problems)
    nodes = {node.name: node.op.kind for node in error.partial.nodes}
    assert nodes["norm"] == nodes["memory"] == "Input" and nodes["fine"] == "Reshape"
    assert error.partial.attributes["refused"].split("\n")[:3] == ["norm", "odd", "memory"]


def test_layers_behind_one_of_unknown_shape_are_refused_too():
    x = inputs = keras.Input((None, 3))
    x = L.LSTM(3, return_sequences=True, name="memory")(x)
    x = L.Dense(3, name="fine")(x)
    x = L.GRU(3, name="gate")(x)
    with pytest.raises(UnsupportedError) as caught:
        KerasFrontend(input_shape=(5, 3)).parse(keras.Model(inputs, x))
    assert [problem.where for problem in caught.value.problems] == ["layer 'memory' (LSTM)", "layer 'gate' (GRU)"]


CASES = {
    "recurrent": (LINE, L.GRU(3), "Recurrent layers cannot be converted"),
    "attention": (LINE, L.MultiHeadAttention(1, 2), "Attention multiplies activations"),
    "layer norm": (IMAGE, L.LayerNormalization(), "BatchNormalization becomes constants"),
    "group norm": (IMAGE, L.GroupNormalization(2), "BatchNormalization becomes constants"),
    "lambda": (IMAGE, L.Lambda(lambda x: x, output_shape=IMAGE), "Replace it by the layer or keras.ops function"),
    "time distributed": (LINE, L.TimeDistributed(L.Dense(2)), "Dense acts on the last axis by itself"),
    "resizing": (IMAGE, L.Resizing(3, 3), "Resize the samples beforehand"),
    "spectral norm": (IMAGE, L.SpectralNormalization(L.Conv2D(2, 1)), "Replace it, or cut the model before it"),
    "user's own": (IMAGE, Dense(3), "is not one of Keras's own layers. Build it from Keras's own"),
    "bilinear": (IMAGE, L.UpSampling2D(interpolation="bilinear"), "interpolates by 'bilinear'. Use interpolation="),
    "batch norm of another axis": (
        IMAGE,
        L.BatchNormalization(axis=1),
        "normalises axis 1 of an input of shape (batch, 6, 6, 4). Channels are the last axis",
    ),
    "channels first": (IMAGE, L.ZeroPadding2D(1, data_format="channels_first"), "has data_format='channels_first'"),
    "relu with threshold and slope": (
        IMAGE,
        L.ReLU(threshold=1.0, negative_slope=0.5),
        "has threshold = 1.0 and negative_slope = 0.5. Only a threshold >= 0 without a slope",
    ),
}


@pytest.mark.parametrize(("shape", "layer", "message"), CASES.values(), ids=CASES)
def test_refused_layer(shape, layer, message):
    inputs = keras.Input(shape)
    x = layer(inputs, inputs) if isinstance(layer, L.MultiHeadAttention) else layer(inputs)
    (problem,) = refusal(keras.Model(inputs, x)).problems
    assert problem.where == f"layer '{layer.name}' ({type(layer).__name__})"
    assert message in str(problem)


def test_refused_merging_layers():
    a, b = keras.Input((4, 4, 3)), keras.Input((1, 1, 3))
    error = refusal(keras.Model([a, b], [L.Add(name="add")([a, b]), L.Multiply(name="gate")([a, b])]))
    assert "combines inputs of different shapes [(4, 4, 3), (1, 1, 3)]" in str(error)
    assert "layer 'gate' (Multiply): cannot be converted. Only a product with a constant is linear" in str(error)


def test_batch_axis_of_concatenate_is_refused():
    a, b = keras.Input((3,)), keras.Input((3,))
    assert "joins along the batch" in str(refusal(keras.Model([a, b], L.Concatenate(axis=0)([a, b]))))


def test_quantised_layer_is_refused():
    model = keras.Sequential([keras.Input((4,)), L.Dense(3, name="fc")])
    model.layers[0].quantize("int8")
    assert "layer 'fc' (Dense): is quantised (int8)" in str(refusal(model))


def test_subclassed_model_is_refused():
    class Net(keras.Model):
        def call(self, x):
            return x

    assert "'net' (Net) has a call method of its own" in str(refusal(Net(name="net")))


def test_functional_model_with_a_call_of_its_own_is_refused():
    class Net(keras.Model):
        def call(self, x, **kwargs):
            return super().call(x, **kwargs) * 2

    inputs = keras.Input((3,))
    assert "has a call method of its own" in str(refusal(Net(inputs, L.Dense(2)(inputs))))


def test_nested_subclassed_model_is_refused():
    class Net(keras.Model):
        def call(self, x):
            return x

    model = keras.Sequential([keras.Input((3,)), Net(name="part")])
    assert "layer 'part' (Net): is not one of Keras's own layers" in str(refusal(model))


def test_model_without_weights_is_refused():
    assert "is not built, so it has no weights yet" in str(refusal(keras.Sequential([L.Dense(3)])))


def test_advice_is_about_layers_and_operations_of_keras():
    assert all(hasattr(L, name) or hasattr(keras.ops, name.lower()) for name in ADVICE)
