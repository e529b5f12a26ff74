"""CIFAR-10 for the example: 45,000 images to train on, 5,000 held out.

Without a file, Keras downloads the training set. With one (``--data``), it is a ``.npz`` with ``x`` (n, 32, 32, 3)
uint8 and ``y``; or, to save space, with ``jpeg`` (all files one after the other), ``offset`` (n + 1 positions) and
``y``.
"""

import io
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
from PIL import Image

NUM_HELD_OUT = 5000
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


def load(path: Path | None = None):
    """Return ((x, y), (x, y)), to train on and held out: float32 images, standardised by channel; integer labels."""
    if path is None:
        (x, y), _ = keras.datasets.cifar10.load_data()
    else:
        file = np.load(path)
        x, y = (file["x"] if "x" in file else _decode(file["jpeg"], file["offset"])), file["y"]
    x = ((x / np.float32(255) - np.float32(MEAN)) / np.float32(STD)).astype(np.float32)
    y = y.reshape(-1).astype(np.int64)
    return (x[:-NUM_HELD_OUT], y[:-NUM_HELD_OUT]), (x[-NUM_HELD_OUT:], y[-NUM_HELD_OUT:])


def _decode(jpeg, offset):
    files = (jpeg[a:b].tobytes() for a, b in pairwise(offset))
    return np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])
