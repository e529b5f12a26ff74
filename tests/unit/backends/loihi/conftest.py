"""Random networks in integers, and small chips to put them on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from snntoolbox.backends.loihi.compartments import FIRE, READOUT, Compartments
from snntoolbox.backends.loihi.network import Network, Population, Projection

THRESHOLDS = (64, 200, 254, 1020)


def population(rng, name, shape, kind="neurons", *, soft=True, depth=0):
    size, threshold = int(np.prod(shape)), int(rng.choice(THRESHOLDS))
    registers = Compartments.uniform(
        size,
        threshold=threshold - 1,
        start=depth,
        threshold_op=READOUT if kind == "readout" else FIRE,
        bias_mantissa=0 if kind == "input" else rng.integers(-30, 60, size),
        bias_exponent=6,
        decay_v=0 if kind != "neurons" else int(rng.choice([0, 100])),
        refractory=0 if soft or kind != "neurons" else int(rng.integers(0, 4)),
        initial_voltage=(threshold // 2) << 6,
    )
    feedback = np.full(size, threshold, np.int32) if soft and kind != "readout" else None
    return Population(name, shape, registers, kind, feedback, depth=depth)


def convolution(rng, shape, channels, density=0.8):
    """Weights of a 3 x 3 convolution with padding, so that lists recur."""
    height, width, incoming = shape
    kernel = rng.integers(-120, 121, (3, 3, incoming, channels)) * (rng.random((3, 3, incoming, channels)) < density)
    dense = np.zeros((height, width, incoming, height, width, channels), np.int16)
    for y in range(height):
        for x in range(width):
            for a in range(3):
                for b in range(3):
                    if 0 <= y + a - 1 < height and 0 <= x + b - 1 < width:
                        dense[y + a - 1, x + b - 1, :, y, x, :] = kernel[a, b]
    return sparse.csr_array(dense.reshape(height * width * incoming, -1))


def dense(rng, incoming, outgoing, density=0.5):
    values = rng.integers(-120, 121, (incoming, outgoing)) * (rng.random((incoming, outgoing)) < density)
    return sparse.csr_array(values.astype(np.int16))


def make_network(seed, *, soft=True, encoding="auto", mixed=False):
    """Two convolutions with a shortcut around the second, and a readout."""
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(4, 7, 2))
    channels = [int(n) for n in rng.integers(1, 5, 4)]
    shapes = [(height, width, c) for c in channels]
    layers = [
        population(rng, "input", shapes[0], "input", soft=soft),
        population(rng, "first", shapes[1], soft=soft, depth=1),
        population(rng, "second", shapes[2], soft=soft, depth=2),
        population(rng, "third", shapes[3], soft=soft, depth=3),
        population(rng, "output", (5,), "readout", soft=soft, depth=4),
    ]
    options = {"encoding": encoding, "mixed": mixed}

    def even(weights):
        weights.data = weights.data // 2 * 2 if mixed else weights.data
        weights.eliminate_zeros()
        return weights

    projections = (
        Projection("input", "first", even(convolution(rng, shapes[0], channels[1])), **options),
        Projection("first", "second", even(convolution(rng, shapes[1], channels[2])), **options),
        Projection("second", "third", even(convolution(rng, shapes[2], channels[3])), **options),
        Projection("first", "third", even(convolution(rng, shapes[1], channels[3])), delay=1, **options),
        Projection("third", "output", even(dense(rng, layers[3].size, 5)), **options),
    )
    return Network(tuple(layers), projections)


@pytest.fixture
def network():
    return make_network


@pytest.fixture
def input_bias():
    def make(network, batch=3, seed=0):
        first = network.populations[0]
        values = np.random.default_rng(seed).integers(0, first.registers.threshold[0] + 2, (batch, first.size))
        return lambda step: {first.name: (values << 6).astype(np.int32)}

    return make
