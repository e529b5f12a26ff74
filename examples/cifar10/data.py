"""CIFAR-10 for the example: 45,000 images to train on, 5,000 held out; float32 in [0, 1], channels last.

The file (``--data``) is a ``.npz`` with ``x`` (n, 32, 32, 3) uint8 and ``y``; or, to save space, with ``jpeg`` (all
images as JPEG files, one after the other), ``offset`` (n + 1 positions) and ``y``. Without a file, Keras downloads the
training set.
"""

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

NUM_HELD_OUT = 5000


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
