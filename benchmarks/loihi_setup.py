"""Networks, images and measurements that the parts of ``benchmarks/loihi.py`` share."""

import importlib.util
import json
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import sparse

from snntoolbox.api import convert, evaluate, simulate
from snntoolbox.backends.loihi.backend import LoihiBackend
from snntoolbox.backends.loihi.compartments import Compartments
from snntoolbox.backends.loihi.compiler import layer_stages
from snntoolbox.backends.loihi.dynamic_range import mean_rates
from snntoolbox.backends.loihi.network import Network, Population, Projection
from snntoolbox.backends.record import Probes
from snntoolbox.codes import ConstantCurrent
from snntoolbox.ir.io import load_graph

HERE = Path(__file__).parent
NUM_STEPS = 100
TIMES = (10, 20, 30, 50, 70, 100)


class Setup:
    """What a part works with: the options of the command line.

    Attributes:
        quick: Whether few samples and networks are enough.
    """

    def __init__(self, options):
        self._data, self._samples, self.quick = options.data, options.samples, options.quick
        self.float_backend = options.float_backend

    def images(self, name, count):
        """Return ``count`` held-out images and their labels, and 500 training images for normalisation."""
        if self._data is None:
            sys.exit(f"{name}: needs --data, the folder with the images")
        train = load_script(HERE / "train_loihi_networks.py")
        x, y = (train.load_mnist if name == "mnist" else train.load_cifar)(self._data)
        test = slice(len(x) - train.HELD_OUT, len(x) - train.HELD_OUT + count)
        return x[test], y[test], x[:500]

    def count(self, usual, quick):
        """Return how many images to test."""
        return self._samples or (quick if self.quick else usual)

    def converted(self, name):
        """Return a trained network of images, converted, and its training images."""
        _, _, x_norm = self.images(name, 1)
        return convert(trained(name), x_norm), x_norm


def trained(name):
    """Return a trained network: ``mnist`` or ``cifar``."""
    return load_graph(HERE / "loihi_networks" / f"loihi_{name}.h5")


def load_script(path):
    """Import a file that is no module of the package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def say(name, found):
    """Print what a part found."""
    print(f"{name}: {json.dumps(found, indent=2)}", flush=True)


def progress(name, number, count):
    """Draw a bar over the layers."""
    bar = "#" * number + "." * (count - number)
    sys.stderr.write(f"\r  [{bar}] {name:<24.24}" + ("\n" if number == count else ""))
    sys.stderr.flush()


def random_dense(sizes, encoding="auto"):
    """Return a network of dense layers with random weights of 8 bits, none of them zero."""
    rng = np.random.default_rng(0)
    layers = [Population(f"layer{i}", (n,), Compartments.uniform(n)) for i, n in enumerate(sizes)]
    projections = []
    for i, shape in enumerate(pairwise(sizes)):
        values = (rng.integers(1, 256, shape) * rng.choice([-1, 1], shape)).astype(np.int16)
        weights = sparse.csr_array(values)
        projections.append(Projection(f"layer{i}", f"layer{i + 1}", weights, encoding=encoding))
    return Network(tuple(layers), tuple(projections))


def describe(layout):
    """Return the size of a layout; messages are those of a step in which every neuron fires."""
    usage = np.stack(list(layout.core_usage().values()))
    messages = layout.traffic()
    chip = np.arange(len(messages)) // layout.limits.cores_per_chip
    return {
        "cores": layout.num_cores,
        "chips": layout.num_chips,
        "blocks": {name: tiling.num_cores for name, tiling in layout.tilings.items()},
        "cost": round(layout.cost, 2),
        "input_axons": int(usage[:, 1].sum()),
        "output_axons": int(usage[:, 2].sum()),
        "words": int(usage[:, 3].sum()),
        "core_to_core_messages": int(messages.sum() - np.trace(messages)),
        "off_chip_messages": int(messages[chip[:, None] != chip].sum()),
        "mean_compartment_use": round(float(usage[:, 0].mean() / layout.limits.compartments), 3),
        "mean_memory_use": round(float(usage[:, 3].mean() / layout.limits.synapse_words), 3),
    }


def on_chip(setup, name, count, batch, settings):
    """Compile and run a network of images: errors at each stage, cores, energy in each profile."""
    x, y, x_norm = setup.images(name, count)
    graph = trained(name)
    spiking = convert(graph, x_norm)
    result = {"samples": count, "parameters": graph.num_parameters()}
    result["ann_error_percent"] = error(_first(evaluate(graph, x)), y)
    float_record = simulate(spiking, x, backend=setup.float_backend, num_steps=NUM_STEPS, batch_size=50)
    result["float_snn_error_percent"] = error(float_record.output, y)
    samples = {spiking.inputs[0]: x_norm[:200]}
    for stage, layers in layer_stages(spiking, settings, samples).items():
        parts = [mean_rates(layers, {spiking.inputs[0]: x[i : i + 100]})[layers[-1].name] for i in range(0, count, 100)]
        result[f"rates, {stage}: error_percent"] = error(np.concatenate(parts), y)
    backend = LoihiBackend(settings)
    backend.prepare(samples, progress)
    started = time.process_time()
    simulation = backend.compile(spiking, batch_size=batch)
    layout = simulation.compiled.layout
    result["compile_cpu_seconds"] = round(time.process_time() - started, 1)
    result["neurons"] = layout.network.num_neurons
    result["connections"] = layout.network.num_synapses
    result |= describe(layout)
    chip = _run_chip(simulation, x, y, batch)
    decided = {"chip": chip.pop("decided"), "float": float_record.output.argmax(axis=-1)}
    result["chip and float SNN decide alike, percent"] = round(
        100 * float(np.mean(decided["chip"] == decided["float"])), 2
    )
    result["wrong on the chip alone, and in the float SNN alone"] = [
        int(np.sum((decided[a] != y) & (decided[b] == y))) for a, b in (("chip", "float"), ("float", "chip"))
    ]
    return result | chip


def _first(found):
    return next(iter(found.values())) if isinstance(found, dict) else found


def error(outputs, labels):
    """Return the classification error in percent."""
    return round(100 * float(np.mean(outputs.argmax(axis=-1) != labels)), 3)


def _run_chip(simulation, x, y, batch):
    """Run samples; return the error over time, and energy and time of a sample in each profile."""
    outputs, wrapped, started = [], 0, time.process_time()
    for first in range(0, len(x), batch):
        simulation.reset()
        record = simulation.run(ConstantCurrent(x[first : first + batch]), NUM_STEPS, Probes())
        outputs.append(record.output_over_time.argmax(axis=-1))
        wrapped += int(simulation.activity.wrapped.sum())
    seconds = time.process_time() - started
    decided, details = np.concatenate(outputs, axis=1), simulation.details()
    costs = {name: report.as_dict() for name, report in details.energy.items()}
    over_time = {t: round(100 * float(np.mean(decided[t - 1] != y)), 2) for t in TIMES}
    return {
        "decided": decided[-1],
        "error_percent": over_time[NUM_STEPS],
        "error_over_time": over_time,
        "energy_delay_product_over_time": {
            name: {t: float(f"{points[t - 1].prod() * 1e-3:.3g}") for t in TIMES}
            for name, points in details.curves.items()
        },
        "emulation_cpu_seconds_per_sample": round(seconds / len(x), 4),
        "overflows": wrapped,
        "costs": {
            name: {key: value if isinstance(value, str) else round(value, 4) for key, value in cost.items()}
            for name, cost in costs.items()
        },
    }
