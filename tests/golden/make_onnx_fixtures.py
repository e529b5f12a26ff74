"""Make the model files beside this script, with the libraries that users make theirs with.

Tests read the files, so they need none of these libraries. Run it again only to add a network::

    python tests/golden/make_onnx_fixtures.py torch    # with torch and onnxscript: torch/<network>_<exporter>.onnx
    python tests/golden/make_onnx_fixtures.py keras    # with keras and tf2onnx: keras/<network>.keras and .onnx
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

FOLDER = Path(__file__).parent


def torch_networks():
    """Return for each name a module with random weights and the shape of its input."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        """Two convolutions and a shortcut; one rectifier used twice."""

        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(4)
            self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(self.conv2(self.relu(self.bn1(self.conv1(x)))) + x)

    class Residual(nn.Module):
        """Blocks in a container, global pooling."""

        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), nn.ReLU())
            self.layer1 = nn.Sequential(Block(), Block())
            self.pool = nn.AdaptiveAvgPool2d(1)
            self.fc = nn.Linear(4, 5)

        def forward(self, x):
            return self.fc(torch.flatten(self.pool(self.layer1(self.stem(x))), 1))

    class FunctionalRelu(nn.Module):
        """Rectifiers, pooling and flattening that are no modules."""

        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 3, 3)
            self.conv2 = nn.Conv2d(3, 4, 3)
            self.fc1 = nn.Linear(4 * 2 * 3, 6)
            self.fc2 = nn.Linear(6, 3)

        def forward(self, x):
            x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
            x = torch.relu(self.conv2(x)).view(x.shape[0], -1)
            return functional.log_softmax(self.fc2(functional.relu6(self.fc1(x))), dim=1)

    class AsymmetricPadding(nn.Module):
        """Padding that only the functional interface has."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 3, 3, stride=2)

        def forward(self, x):
            return functional.avg_pool2d(self.conv(functional.pad(x, (1, 0, 2, 1))), 3, 2, 1, ceil_mode=True)

    class Shared(nn.Module):
        """One layer used twice, two inputs into one output."""

        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 6)
            self.out = nn.Linear(12, 2)

        def forward(self, x):
            first = torch.relu(self.fc(x))
            return self.out(torch.cat([first, torch.relu(self.fc(first)) * 0.5 - 1], 1))

    class Autoencoder(nn.Module):
        """Down to a code and up again."""

        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Conv2d(1, 3, 3, 2, 1), nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(48, 4))
            self.widen = nn.Sequential(nn.Linear(4, 48), nn.PReLU(48))
            self.decoder = nn.Sequential(
                nn.Unflatten(1, (3, 4, 4)), nn.Upsample(scale_factor=2), nn.ConvTranspose2d(3, 1, 3, 1, 1), nn.Sigmoid()
            )

        def forward(self, x):
            return self.decoder(self.widen(self.encoder(x)))

    class Grouped(nn.Module):
        """Channels of groups mixed by reshaping."""

        def __init__(self):
            super().__init__()
            self.depthwise = nn.Conv2d(4, 4, 3, groups=4)
            self.relu = nn.ReLU6()
            self.pointwise = nn.Conv2d(4, 6, 1, groups=2)

        def forward(self, x):
            x = self.relu(self.depthwise(x))
            x = x.view(-1, 2, 2, 4, 4).transpose(1, 2).reshape(-1, 4, 4, 4)
            return self.pointwise(x).mean((2, 3))

    return {
        "asymmetric_padding": (AsymmetricPadding(), (2, 8, 7)),
        "autoencoder": (Autoencoder(), (1, 8, 8)),
        "conv1d": (
            nn.Sequential(
                nn.Conv1d(2, 4, 3, padding=2, dilation=2), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(20, 3)
            ),
            (2, 10),
        ),
        "flatten": (
            nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.BatchNorm1d(60), nn.ReLU(), nn.Linear(60, 4)),
            (2, 6, 7),
        ),
        "functional_relu": (FunctionalRelu(), (1, 10, 12)),
        "grouped": (Grouped(), (4, 6, 6)),
        "linear_bn": (
            nn.Sequential(nn.Linear(7, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 3)),
            (7,),
        ),
        "max_pool_ceil": (
            nn.Sequential(nn.Conv2d(1, 2, 2), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.ReLU()),
            (1, 9, 8),
        ),
        "residual": (Residual(), (3, 9, 10)),
        "shared": (Shared(), (6,)),
    }


def make_torch():
    """Export every network with both exporters, and keep what PyTorch answers."""
    import torch

    torch.manual_seed(0)
    answers = {}
    for name, (module, shape) in torch_networks().items():
        for part in module.modules():
            if hasattr(part, "running_var"):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 1.5)
        module.eval()
        x = torch.randn(3, *shape)
        with torch.no_grad():
            answers[f"{name}_x"], answers[f"{name}_y"] = x.numpy(), module(x).numpy()
        batch = torch.export.Dim("batch")
        program = torch.onnx.export(module, (x,), dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
        save(program.model_proto, FOLDER / "torch" / f"{name}_dynamo.onnx")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "legacy.onnx")
            axes = {"input": {0: "batch"}}
            torch.onnx.export(module, (x,), path, dynamo=False, input_names=["input"], dynamic_axes=axes)
            save(onnx.load(path), FOLDER / "torch" / f"{name}_legacy.onnx")
    np.savez_compressed(FOLDER / "torch" / "outputs.npz", **answers)


def save(model, path):
    """Write a model without what the exporter says about the machine it ran on."""
    for node in model.graph.node:
        node.doc_string = ""
        kept = [entry for entry in node.metadata_props if entry.key == "pkg.torch.onnx.name_scopes"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer]:
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.save_model(model, path, save_as_external_data=False)


def keras_networks():
    """Return for each name a Keras model."""
    import keras
    from keras import layers

    def plain():
        return keras.Sequential(
            [
                keras.Input((12, 10, 2), name="image"),
                layers.Conv2D(4, 3, padding="same", strides=2, activation="relu", name="conv1"),
                layers.MaxPooling2D(2, padding="same", name="pool1"),
                layers.Conv2D(3, (2, 3), name="conv2"),
                layers.ReLU(6.0, name="relu2"),
                layers.Flatten(name="flatten"),
                layers.Dropout(0.5, name="dropout"),
                layers.Dense(7, activation="relu", name="fc1"),
                layers.Dense(3, activation="softmax", name="out"),
            ]
        )

    def branches():
        x = inputs = keras.Input((9, 9, 3), name="image")
        x = layers.Conv2D(4, 3, padding="same", name="conv")(x)
        x = layers.BatchNormalization(name="bn")(x)
        x = shortcut = layers.ReLU(name="relu")(x)
        x = layers.SeparableConv2D(4, 3, padding="same", activation="relu", name="separable")(x)
        x = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
        x = layers.Add(name="add")([x, shortcut])
        x = layers.LeakyReLU(negative_slope=0.2, name="leaky")(x)
        x = layers.ZeroPadding2D(((0, 1), (2, 0)), name="padding")(x)
        x = layers.Conv2D(4, 3, strides=2, name="strided")(x)
        left = layers.GlobalAveragePooling2D(name="average")(x)
        right = layers.GlobalMaxPooling2D(name="maximum")(x)
        x = layers.Concatenate(name="join")([left, right])
        return keras.Model(inputs, layers.Dense(2, name="out")(x))

    def sequence():
        return keras.Sequential(
            [
                keras.Input((16, 2), name="signal"),
                layers.Conv1D(4, 3, padding="causal", activation="relu", name="causal"),
                layers.MaxPooling1D(2, name="pool"),
                layers.Conv1D(4, 3, dilation_rate=2, name="dilated"),
                layers.PReLU(shared_axes=[1], name="prelu"),
                layers.Dense(3, activation="relu", name="each"),
                layers.UpSampling1D(2, name="up"),
                layers.AveragePooling1D(3, padding="same", name="average"),
                layers.Flatten(name="flatten"),
                layers.Dense(2, name="out"),
            ]
        )

    def decoder():
        return keras.Sequential(
            [
                keras.Input((6,), name="code"),
                layers.Dense(18, activation="relu", name="widen"),
                layers.Reshape((3, 3, 2), name="image"),
                layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu", name="transposed"),
                layers.UpSampling2D(2, name="up"),
                layers.Cropping2D(((1, 0), (2, 1)), name="crop"),
                layers.Conv2D(1, 3, activation="sigmoid", name="out"),
            ]
        )

    return {"branches": branches(), "decoder": decoder(), "plain": plain(), "sequence": sequence()}


def make_keras():
    """Save every network, and export it."""
    rng = np.random.default_rng(0)
    for name, model in keras_networks().items():
        for weight in model.weights:
            positive = "variance" in weight.path or "gamma" in weight.path
            weight.assign(rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(size=weight.shape) * 0.4)
        model(np.zeros((1, *model.input_shape[1:]), np.float32))
        model.save(FOLDER / "keras" / f"{name}.keras")
        model.export(FOLDER / "keras" / f"{name}.onnx", format="onnx", verbose=False)
        save(onnx.load(FOLDER / "keras" / f"{name}.onnx"), FOLDER / "keras" / f"{name}.onnx")


if __name__ == "__main__":
    {"torch": make_torch, "keras": make_keras}[sys.argv[1]]()
