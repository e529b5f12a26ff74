"""Train a small convolutional autoencoder on the digits of scikit-learn, and save what the conversion needs.

A network without classes: its output is an image, and what counts is how close that is to the input. The 1797 images of
8x8 pixels come with scikit-learn, so nothing is downloaded. Some seconds on two cores. Then:

    snntoolbox -t examples/autoencoder/config.ini

Writes to the folder of this file (or ``--output``): ``model.keras``, ``x_test.npz`` and ``y_test.npz`` (300 held-out
images, which are what the network should answer, too) and ``x_norm.npz`` (300 training images for normalisation).
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

NUM_TEST = 300


def build() -> keras.Model:
    """Return the network: 64 pixels become a code of 32 rates, and 64 pixels again."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="encode1"),
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="code"),
            layers.Conv2DTranspose(16, 3, strides=2, padding="same", name="decode1"),
            layers.LeakyReLU(0.1, name="leaky"),
            layers.UpSampling2D(name="larger"),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="decode2"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="image"),
        ]
    )


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    keras.utils.set_random_seed(0)
    images = (load_digits().images[..., np.newaxis] / 16).astype(np.float32)
    images = images[np.random.default_rng(0).permutation(len(images))]
    test, train = images[:NUM_TEST], images[NUM_TEST:]
    model = build()
    model.compile(keras.optimizers.Adam(5e-3), "mse")
    model.fit(train, train, epochs=options.epochs, batch_size=64, verbose=0)
    error = model.evaluate(test, test, verbose=0)
    print(f"mean squared error on {NUM_TEST} held-out images: {error:.4f} (variance of the pixels: {test.var():.4f})")

    np.savez_compressed(options.output / "x_test.npz", test)
    np.savez_compressed(options.output / "y_test.npz", test)
    np.savez_compressed(options.output / "x_norm.npz", train[:300])
    model.save(options.output / "model.keras")  # last: its presence says that all is there
    print(f"saved model.keras and the data to {options.output}")


if __name__ == "__main__":
    main()
