"""Train LeNet-5 and a dense network on MNIST and save them as ``lenet5.keras`` and ``dense.keras``.

    python train.py lenet5 --data mnist_train_60k.npz

Without ``--data``, Keras downloads the images. The last 5000 of the 60 000 training images are held out. An epoch of
LeNet-5 takes 20 seconds on one core.
"""

import argparse
import io
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
from data import load
from keras import layers

BATCH = 64


def lenet5() -> keras.Model:
    """Return three convolutions, two max-poolings and two dense layers: 1.2 million connections."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 5, activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(32, 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Conv2D(64, 3, activation="relu", name="conv3"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.25, name="dropout1"),
            layers.Dense(128, activation="relu", name="dense1"),
            layers.Dropout(0.25, name="dropout2"),
            layers.Dense(10, activation="softmax", name="dense2"),
        ],
        name="lenet5",
    )


def dense() -> keras.Model:
    """Return the network 784-600-10."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Flatten(name="flatten"),
            layers.Dense(600, activation="relu", name="dense1"),
            layers.Dropout(0.5, name="dropout1"),
            layers.Dense(10, activation="softmax", name="dense2"),
        ],
        name="dense",
    )


def shifted(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the images, each shifted by up to two pixels in both directions."""
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)))
    first = rng.integers(0, 5, (len(x), 2))
    rows, columns = (first[:, axis, None] + np.arange(28) for axis in (0, 1))
    return padded[np.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]]


def train(model: keras.Model, train_set, held_out, epochs: int) -> None:
    """Train with a falling rate, on images that are shifted anew in every epoch."""
    (x, y), rng = train_set, np.random.default_rng(1)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, epochs * -(-len(x) // BATCH))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch in range(1, epochs + 1):
        history = model.fit(shifted(x, rng), y, batch_size=BATCH, verbose=0).history
        accuracy = model.evaluate(*held_out, batch_size=500, verbose=0, return_dict=True)["accuracy"]
        print(f"epoch {epoch:2d}/{epochs}: loss {history['loss'][0]:.4f}, held out {accuracy:.4f}", flush=True)


def compress(path: Path) -> None:
    """Round the weights of a saved model to 8 significant bits and compress the file, to less than half its size."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}

    def rounded(_: str, item) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype == np.float32:
            bits = (item[...].view(np.uint32) + np.uint32(0x8000)) & np.uint32(0xFFFF0000)
            item[...] = bits.view(np.float32)

    weights = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        file.visititems(rounded)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**parts, "model.weights.h5": weights.getvalue()}.items():
            archive.writestr(name, content)


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", choices=("lenet5", "dense"))
    parser.add_argument("--data", type=Path, help="npz file with x and y; downloaded if not given")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    train_set, held_out = load(options.data)
    model = {"lenet5": lenet5, "dense": dense}[options.network]()
    train(model, train_set, held_out, options.epochs)
    model.compile()  # without the optimizer's state, the file is a third as large
    path = options.output / f"{options.network}.keras"
    model.save(path)
    if options.network == "dense":
        compress(path)


if __name__ == "__main__":
    main()
