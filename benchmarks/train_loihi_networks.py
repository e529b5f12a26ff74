"""Train the networks of benchmarks/loihi.py and save them as graphs (their weights are part of the repository).

    python benchmarks/train_loihi_networks.py mnist --data FOLDER
    python benchmarks/train_loihi_networks.py cifar --data FOLDER

FOLDER holds `mnist_train_60k.npz` (x, y) or `cifar10_train_50k_jpeg.npz` (jpeg, offset, y); the last 5000 samples are
held out for the benchmark.
"""

from __future__ import annotations

import argparse
import io
import sys
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
from keras import layers
from PIL import Image

from snntoolbox.api import parse
from snntoolbox.ir.io import save_graph
from snntoolbox.passes.fold_batch_norm import FoldBatchNorm

NETWORKS = Path(__file__).parent / "loihi_networks"
HELD_OUT = 5000


def load_mnist(folder: Path):
    """Return images (n, 28, 28, 1) in 0 to 1 and labels."""
    with np.load(folder / "mnist_train_60k.npz") as file:
        return (file["x"][..., None] / 255).astype(np.float32), file["y"].astype(int)


def load_cifar(folder: Path):
    """Return images (n, 32, 32, 3) in 0 to 1 and labels."""
    with np.load(folder / "cifar10_train_50k_jpeg.npz") as file:
        data, offset, y = file["jpeg"], file["offset"], file["y"].astype(int)
    images = [np.asarray(Image.open(io.BytesIO(data[a:b].tobytes()))) for a, b in pairwise(offset)]
    return (np.stack(images) / 255).astype(np.float32), y


def mnist_network():
    """4252 neurons with the input, 6958 parameters."""
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv1")(inputs)
    x = layers.Conv2D(10, 3, activation="relu", name="conv2")(x)
    x = layers.Conv2D(18, 3, strides=2, activation="relu", name="conv3")(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="dense")(x))


def _block(x, channels, stride, name):
    for kind, layer in (
        ("dw", layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=f"{name}_dw")),
        ("pw", layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_pw")),
    ):
        x = layers.BatchNormalization(name=f"{name}_{kind}_bn")(layer(x))
        x = layers.ReLU(name=f"{name}_{kind}_relu")(x)
    return x


def cifar_network():
    """A MobileNet of 12 layers with weights."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(32, 3, strides=2, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_bn")(x))
    for number, (channels, stride) in enumerate([(64, 1), (128, 2), (128, 1), (256, 2), (256, 1)], start=1):
        x = _block(x, channels, stride, f"block{number}")
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="dense")(x))


def flipped(x, y, rng):
    """Return the samples with half of the images mirrored and all shifted by up to 2 pixels."""
    x = np.where(rng.random((len(x), 1, 1, 1)) < 0.5, x[:, :, ::-1], x)
    dy, dx = rng.integers(-2, 3, 2)
    return np.roll(x, (dy, dx), (1, 2)), y


def train(name: str, folder: Path, epochs: int) -> None:
    """Train and save one network."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y = load_mnist(folder) if name == "mnist" else load_cifar(folder)
    held_x, held_y, x, y = x[-HELD_OUT:], y[-HELD_OUT:], x[:-HELD_OUT], y[:-HELD_OUT]
    model = mnist_network() if name == "mnist" else cifar_network()
    batch = 64 if name == "mnist" else 128
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(x) // batch)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch in range(epochs):
        data = (x, y) if name == "mnist" else flipped(x, y, rng)
        history = model.fit(*data, batch_size=batch, epochs=1, verbose=0)
        score = model.evaluate(held_x, held_y, batch_size=500, verbose=0)[1]
        sys.stdout.write(f"epoch {epoch + 1}: loss {history.history['loss'][0]:.4f}, held out {score:.4f}\n")
        sys.stdout.flush()
    NETWORKS.mkdir(exist_ok=True)
    graph = FoldBatchNorm()(parse(model))
    path = NETWORKS / f"loihi_{name}.h5"
    save_graph(graph, path)
    sys.stdout.write(f"{path.name}: {graph.num_parameters()} parameters, {path.stat().st_size} bytes\n")


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=("mnist", "cifar"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    train(options.network, options.data, options.epochs)


if __name__ == "__main__":
    main()
