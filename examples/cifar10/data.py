"""CIFAR-10 for the example: 45,000 images to train on, 5,000 held out; float32 in [0, 1], channels last.

The file (``--data``) is a ``.npz`` with ``x`` (n, 32, 32, 3) uint8 and ``y``; or, to save space, with ``jpeg`` (all
images as JPEG files, one after the other), ``offset`` (n + 1 positions) and ``y``. Without a file, Keras downloads the
training set.

    python data.py --data cifar10.npz

writes the samples of ``config.ini``: 1000 held-out images with labels, and 1000 training images to normalise with.
"""

import argparse
import io
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

NUM_HELD_OUT = 5000
NUM_SAMPLES = 1000


def load(path: Path | None = None):
    """Return ((x, y), (x, y)): images (n, 32, 32, 3) and integer labels (n,), to train on and held out."""
    if path is None:
        import keras

        (x, y), _ = keras.datasets.cifar10.load_data()
    else:
        with np.load(path) as file:
            x, y = (file["x"] if "x" in file else _decode(file["jpeg"], file["offset"])), file["y"]
    x, y = x.astype(np.float32) / np.float32(255), y.reshape(-1).astype(np.int64)
    return (x[:-NUM_HELD_OUT], y[:-NUM_HELD_OUT]), (x[-NUM_HELD_OUT:], y[-NUM_HELD_OUT:])


def _decode(jpeg, offset):
    files = (jpeg[a:b].tobytes() for a, b in pairwise(offset))
    return np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])


def main():
    """Write x_norm.npz, x_test.npz and y_test.npz beside this file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="file of images; downloaded otherwise")
    (x_norm, _), (x_test, y_test) = load(parser.parse_args().data)
    for name, values in (("x_norm", x_norm), ("x_test", x_test), ("y_test", y_test)):
        np.savez_compressed(Path(__file__).parent / f"{name}.npz", values[:NUM_SAMPLES])


if __name__ == "__main__":
    main()
