"""Five networks cut into cores: the thesis's greedy search with M = 1 and M = 10, and ours."""

import time

import numpy as np
from loihi_setup import describe, progress, random_dense, say, trained

from snntoolbox.api import convert
from snntoolbox.backends.loihi.compiler import network_of
from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.search import partition
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.ir import Graph, Node, ops

SEARCHES = {
    "greedy M=1": SearchOptions("greedy", 1),
    "greedy M=10": SearchOptions("greedy", 10),
    "ours": SearchOptions(),
}


def run(setup):
    """Cut and print."""
    found = {}
    for name, network in _networks(quick=setup.quick):
        for label, search in SEARCHES.items():
            started = time.process_time()
            layout = partition(network, search, progress)
            size = describe(layout)
            size.pop("blocks")
            found[f"{name}: {label}"] = {**size, "cpu_seconds": round(time.process_time() - started, 1)}
            say(f"{name}: {label}", found[f"{name}: {label}"])
    return found


def _networks(*, quick):
    """Yield names and networks in integers; only the small ones if ``quick``."""
    yield "mlp 784-800-800-10", random_dense((784, 800, 800, 10))
    yield "cnn mnist", _integers(trained("mnist"))
    if not quick:
        yield "nmnist 2312-512-10", random_dense((2312, 512, 10))
        yield "lenet, random weights", _integers(_lenet())
        yield "cnn cifar", _integers(trained("cifar"))


def _integers(graph):
    return network_of(convert(graph), LoihiSettings()).network


def _lenet():
    """Return LeNet for 28 x 28 images with random weights."""
    rng = np.random.default_rng(0)

    def weights(*shape):
        return rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))

    nodes = [
        Node("input", ops.Input((28, 28, 1))),
        Node("conv1", ops.Conv(weights(5, 5, 1, 16)), ("input",)),
        Node("relu1", ops.Relu(), ("conv1",)),
        Node("pool1", ops.AveragePool((2, 2)), ("relu1",)),
        Node("conv2", ops.Conv(weights(5, 5, 16, 32)), ("pool1",)),
        Node("relu2", ops.Relu(), ("conv2",)),
        Node("pool2", ops.AveragePool((2, 2)), ("relu2",)),
        Node("flat", ops.Reshape((512,)), ("pool2",)),
        Node("dense1", ops.Dense(weights(512, 128)), ("flat",)),
        Node("relu3", ops.Relu(), ("dense1",)),
        Node("dense2", ops.Dense(weights(128, 10)), ("relu3",)),
    ]
    return Graph(tuple(nodes), ("dense2",))
