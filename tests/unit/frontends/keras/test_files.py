"""Model files: every format reads back as the same graph, and files that cannot be read say why."""

from __future__ import annotations

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers as L

from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.ir import save_graph


@pytest.fixture
def model(randomise):
    x = inputs = keras.Input((8, 8, 2), name="image")
    x = L.Rescaling(1 / 255, offset=-0.5, name="rescale")(x)
    x = L.DepthwiseConv2D(3, activation="relu", name="depthwise")(x)
    x = L.SeparableConv2D(4, 3, padding="same", name="separable")(x)
    x = L.BatchNormalization(name="bn")(x)
    x = L.LeakyReLU(negative_slope=0.2, name="leaky")(x)
    x = L.SpatialDropout2D(0.1, name="drop")(x)
    x = L.Conv2DTranspose(2, 2, strides=2, name="transposed")(x)
    x = L.Flatten(name="flatten")(x)
    head = keras.Sequential([keras.Input((288,)), L.Dense(3, activation="softmax", name="fc")], name="head")
    return randomise(keras.Model(inputs, head(x), name="net"))


@pytest.fixture
def graph(model):
    return KerasFrontend().parse(model)


def save_parts(model, folder):
    """Write architecture and weights to two files."""
    (folder / "net.json").write_text(model.to_json())
    model.save_weights(folder / "net.weights.h5")


def histories(arguments):
    """Yield (layer, node, tensor) of each tensor among the arguments of a call, as Keras 3 wrote them."""
    if isinstance(arguments, list):
        for argument in arguments:
            yield from histories(argument)
    else:
        yield arguments["config"]["keras_history"]


def to_keras_2(architecture, *, with_modules):
    """Rewrite an architecture of Keras 3 as Keras 2 wrote it."""
    if isinstance(architecture, list):
        return [to_keras_2(item, with_modules=with_modules) for item in architecture]
    if not isinstance(architecture, dict):
        return architecture
    old = {key: to_keras_2(value, with_modules=with_modules) for key, value in architecture.items()}
    if "inbound_nodes" in old:
        old["inbound_nodes"] = [[[*tensor, {}] for tensor in histories(node["args"])] for node in old["inbound_nodes"]]
    if "class_name" not in old or not isinstance(old.get("config"), dict):
        return old
    config = old["config"]
    if not with_modules or old["class_name"] in ("Functional", "Sequential"):
        for key in ("module", "registered_name", "build_config"):
            old.pop(key, None)
    if old["class_name"].startswith("__"):
        return old
    config.pop("dtype", None)
    if "Conv" in old["class_name"]:
        config["groups"] = 1
    if old["class_name"].startswith("Separable"):
        config.update(kernel_initializer=None, kernel_regularizer=None, kernel_constraint=None)
    if old["class_name"] == "BatchNormalization":
        config["axis"] = [3]
        for key in ("renorm", "renorm_clipping", "renorm_momentum", "synchronized"):
            config.pop(key, None)
    if old["class_name"] == "LeakyReLU":
        config["alpha"] = config.pop("negative_slope")
    if old["class_name"].startswith("SpatialDropout"):
        config.update(trainable=True, noise_shape=None)
    if old["class_name"] == "InputLayer":
        config["batch_input_shape"] = config.pop("batch_shape")
    if old["class_name"] == "Sequential":
        config.pop("build_input_shape", None)
    return old


def keras_2_hdf5(model, path, **options):
    """Save a model as Keras 2 did."""
    model.save(path)
    with h5py.File(path, "r+") as file:
        architecture = to_keras_2(json.loads(file.attrs["model_config"]), **options)
        file.attrs["model_config"] = json.dumps(architecture)
        file.attrs["keras_version"] = "2.4.0"
    return architecture


@pytest.mark.parametrize("name", ["net.keras", "net.h5", "net.hdf5"])
def test_whole_model(name, model, graph, tmp_path):
    model.save(tmp_path / name)
    assert KerasFrontend().parse(tmp_path / name).equals(graph)


def test_path_as_text(model, graph, tmp_path):
    model.save(tmp_path / "net.keras")
    assert KerasFrontend().parse(str(tmp_path / "net.keras")).equals(graph)


def loss_of_the_user(y, prediction):
    return y - prediction


def test_compiled_model_is_loaded_without_its_loss(model, tmp_path):
    model.compile("adam", loss_of_the_user)
    model.save(tmp_path / "net.keras")
    assert not KerasFrontend().load(tmp_path / "net.keras").compiled


@pytest.mark.parametrize("entrance", ["net.json", "net.weights.h5"])
def test_architecture_and_weights(entrance, model, graph, tmp_path):
    save_parts(model, tmp_path)
    assert KerasFrontend().parse(tmp_path / entrance).equals(graph)


@pytest.mark.parametrize("with_modules", [False, True])
def test_hdf5_of_keras_2(with_modules, model, graph, tmp_path):
    architecture = keras_2_hdf5(model, tmp_path / "net.h5", with_modules=with_modules)
    depthwise = next(layer for layer in architecture["config"]["layers"] if layer["class_name"] == "DepthwiseConv2D")
    assert depthwise["config"]["groups"] == 1
    assert KerasFrontend().parse(tmp_path / "net.h5").equals(graph)


@pytest.mark.parametrize("entrance", ["net.json", "net.h5"])
def test_architecture_and_weights_of_keras_2(entrance, model, graph, tmp_path):
    architecture = keras_2_hdf5(model, tmp_path / "whole.h5", with_modules=True)
    (tmp_path / "net.json").write_text(json.dumps(architecture | {"keras_version": "2.15.0"}))
    with h5py.File(tmp_path / "whole.h5") as whole, h5py.File(tmp_path / "net.h5", "w") as weights:
        for key, value in whole["model_weights"].attrs.items():
            weights.attrs[key] = value
        for layer in whole["model_weights"]:
            whole.copy(f"model_weights/{layer}", weights)
    assert KerasFrontend().parse(tmp_path / entrance).equals(graph)


def test_archive_of_keras_2(model, graph, tmp_path):
    model.compile("adam", "mse")
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "net.keras", "w") as old:
        architecture = to_keras_2(json.loads(new.read("config.json")), with_modules=True)
        architecture |= {"module": "keras.src.engine.functional", "registered_name": "Functional"}
        old.writestr("config.json", json.dumps(architecture))
        for name in ("metadata.json", "model.weights.h5"):
            old.writestr(name, new.read(name))
    assert KerasFrontend().parse(tmp_path / "net.keras").equals(graph)


def test_sequential_model_of_early_keras_2(randomise, tmp_path):
    layers = [L.Conv1D(4, 3, activation="relu", name="conv"), L.Flatten(name="flatten"), L.Dense(2, name="fc")]
    model = randomise(keras.Sequential([keras.Input((6, 2), name="conv_input"), *layers], name="sequential"))
    model.save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        _, *bare = to_keras_2(json.loads(file.attrs["model_config"]), with_modules=False)["config"]["layers"]
        bare[0]["config"]["batch_input_shape"] = [None, 6, 2]
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": bare})
    assert KerasFrontend().parse(tmp_path / "net.h5").equals(KerasFrontend().parse(model))


def test_limited_relu_of_the_original_toolbox(randomise, tmp_path):
    model = randomise(keras.Sequential([keras.Input((4,)), L.Dense(3, name="fc", activation=L.ReLU(max_value=2.0))]))
    model.save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        architecture = json.loads(file.attrs["model_config"])
        settings = {"max_value": 2.0, "negative_slope": 0.0, "threshold": 0.0}
        activation = {"class_name": "LimitedReLU", "config": {"name": "limited", "dtype": "float32", **settings}}
        architecture["config"]["layers"][1]["config"]["activation"] = activation
        file.attrs["model_config"] = json.dumps(architecture)
    assert KerasFrontend().parse(tmp_path / "net.h5").equals(KerasFrontend().parse(model))


def test_custom_objects(tmp_path):
    class Mine(L.Layer):
        def call(self, x):
            return x

    model = keras.Sequential([keras.Input((4,)), Mine(name="mine")])
    model.save(tmp_path / "net.keras")
    with pytest.raises(UnsupportedError, match=r"Could not locate class 'Mine'(.|\n)*custom_objects={'Name': Name}"):
        KerasFrontend().load(tmp_path / "net.keras")
    loaded = KerasFrontend(custom_objects={"Mine": Mine}).load(tmp_path / "net.keras")
    np.testing.assert_array_equal(loaded(np.ones((1, 4))), np.ones((1, 4)))


def test_graph_file_is_no_model(graph, tmp_path):
    save_graph(graph, tmp_path / "graph.h5")
    with pytest.raises(DataError, match=r"is a graph saved by SNN Toolbox, not a model; read it with .*load_graph"):
        KerasFrontend().load(tmp_path / "graph.h5")


def write_operations_of_tensorflow(path):
    layer = {"class_name": "TFOpLambda", "config": {"name": "tf.math.multiply", "function": "math.multiply"}}
    config = {"name": "net", "layers": [layer | {"name": "tf.math.multiply", "inbound_nodes": []}]}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(
            {"class_name": "Functional", "config": config | {"input_layers": [], "output_layers": []}}
        )
        file.create_group("model_weights")


def write_truncated(path):
    model = keras.Sequential([keras.Input((40,)), L.Dense(300)])
    model.save(path)
    path.write_bytes(path.read_bytes()[:-20000])


def write_flipped_bit(path):
    keras.Sequential([keras.Input((40,)), L.Dense(300)]).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def write_lambda(path):
    keras.Sequential([keras.Input((4,)), L.Lambda(lambda x: x, output_shape=(4,))]).save(path)


BROKEN = {
    "missing": ("net.keras", None, DataError, "no model file at .*net.keras"),
    "other suffix": ("net.pt", b"", UnsupportedError, "expected a file ending in .keras, .h5, .hdf5 or .json"),
    "no archive": ("net.keras", b"no zip", DataError, "is not a .keras file, or is damaged: File is not a zip file"),
    "truncated archive": ("net.keras", write_truncated, DataError, "is not a .keras file, or is damaged"),
    "flipped bit": ("net.keras", write_flipped_bit, DataError, "model.weights.h5 in it does not match its checksum"),
    "no hdf5": ("net.h5", b"no hdf5", DataError, "is not an HDF5 file, or is damaged"),
    "truncated hdf5": ("net.h5", write_truncated, DataError, "is not an HDF5 file, or is damaged"),
    "no json": ("net.json", b"{", DataError, "the architecture in it is not JSON"),
    "other json": (
        "net.json",
        b"[1]",
        DataError,
        "is not the architecture of a Keras model; write one with model.to_json",
    ),
    "lambda": ("net.keras", write_lambda, UnsupportedError, "Replace Lambda layers by layers or keras.ops functions"),
    "operations": (
        "net.h5",
        write_operations_of_tensorflow,
        UnsupportedError,
        "TFOpLambda(.|\n)*build the model with layers",
    ),
}


@pytest.mark.parametrize(("name", "content", "error", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_file(name, content, error, message, tmp_path):
    path = tmp_path / name
    if callable(content):
        content(path)
    elif content is not None:
        path.write_bytes(content)
    with h5py.File(tmp_path / "net.weights.h5", "w"), pytest.raises(error, match=message):
        KerasFrontend().load(path)


def test_architecture_without_weights(model, tmp_path):
    (tmp_path / "net.json").write_text(model.to_json())
    with pytest.raises(DataError, match=r"expected one of net.weights.h5, net.h5, net.hdf5 next to it"):
        KerasFrontend().load(tmp_path / "net.json")


def test_weights_without_architecture(model, tmp_path):
    model.save_weights(tmp_path / "net.weights.h5")
    with pytest.raises(DataError, match=r"holds weights only. .*next to it as net.json"):
        KerasFrontend().load(tmp_path / "net.weights.h5")


def test_weights_of_another_model(model, tmp_path):
    save_parts(model, tmp_path)
    (tmp_path / "net.json").write_text(keras.Sequential([keras.Input((4,)), L.Dense(3)]).to_json())
    with pytest.raises(UnsupportedError, match=r"net.json: Keras .* cannot load it"):
        KerasFrontend().load(tmp_path / "net.json")


def test_saved_model_folder_says_what_to_do(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(UnsupportedError, match=r"is a SavedModel folder, .* model.save\('model.h5'\)"):
        KerasFrontend().load(tmp_path)


def test_other_folder(tmp_path):
    with pytest.raises(DataError, match="is a folder; expected a model file"):
        KerasFrontend().load(tmp_path)
