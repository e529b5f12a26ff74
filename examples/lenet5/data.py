"""MNIST as the networks of this example see it: 55 000 images to train on, 5000 held out."""

from pathlib import Path

import numpy as np

HELD_OUT = 5000


def load(path: Path | None):
    """Return (x, y) for training and (x, y) held out: images (n, 28, 28, 1) in [0, 1], integer labels.

    Args:
        path: File with the 60 000 training images ``x`` and their labels ``y``; None to have Keras download them.
    """
    if path is None:
        import keras

        (x, y), _ = keras.datasets.mnist.load_data()
    else:
        with np.load(path) as file:
            x, y = file["x"], file["y"]
    x, y = x[..., None].astype(np.float32) / 255, y.astype(np.int64)
    return (x[:-HELD_OUT], y[:-HELD_OUT]), (x[-HELD_OUT:], y[-HELD_OUT:])
