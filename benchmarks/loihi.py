"""What the Loihi backend does, in numbers.

    python benchmarks/loihi.py --data FOLDER [--only golden nmnist exact mnist search traffic cifar] [--quick]
        [--json FILE]

FOLDER holds `mnist_train_60k.npz` and `cifar10_train_50k_jpeg.npz` for `exact`, `mnist`, `traffic` and `cifar`; the
other parts need no data. The networks are in `loihi_networks/` (train_loihi_networks.py made them; it held out the
samples used here). nengo-loihi's vectors are in `tests/golden/`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from snntoolbox.api import convert, evaluate, simulate
from snntoolbox.backends.loihi.backend import LoihiBackend, LoihiSimulation
from snntoolbox.backends.loihi.compartments import Compartments
from snntoolbox.backends.loihi.compiler import layer_stages, network_of
from snntoolbox.backends.loihi.direct import simulate_directly
from snntoolbox.backends.loihi.dynamic_range import mean_rates
from snntoolbox.backends.loihi.network import Network, Population, Projection
from snntoolbox.backends.loihi.partition.options import CostWeights, SearchOptions
from snntoolbox.backends.loihi.partition.search import partition
from snntoolbox.backends.loihi.placement import place, route_length
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.backends.record import Probes
from snntoolbox.codes import ConstantCurrent
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.io import load_graph

HERE = Path(__file__).parent
NUM_STEPS = 100
THESIS = {"error_percent": 0.79, "time_ms": 6.65, "energy_mj": 12.06, "cores": 14}
"""Rueckauer 2020, table 3.4, of a network whose layers are not published: for orientation."""


def load_script(path: Path) -> Any:
    """Import a file that is no module of the package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def progress(name: str, number: int, count: int) -> None:
    """Draw a bar over the layers."""
    bar = "#" * number + "." * (count - number)
    sys.stderr.write(f"\r  [{bar}] {name:<24.24}" + ("\n" if number == count else ""))
    sys.stderr.flush()


def golden(options: argparse.Namespace) -> dict[str, Any]:
    """Compare with nengo-loihi's emulator."""
    del options
    test = load_script(HERE.parent / "tests" / "golden" / "test_nengo_loihi.py")
    with np.load(HERE.parent / "tests" / "golden" / "nengo_loihi.npz") as file:
        vectors = dict(file)
    mismatches = values = spikes = 0
    for run in range(test.RUNS):
        expected = np.unpackbits(vectors[f"s_{run}"], axis=1).astype(bool)
        for t, (u, v, s, _) in enumerate(test.simulate(vectors, run)):
            same_u = test.zlib.crc32(u.astype("<i4").tobytes()) == vectors[f"u_crc_{run}"][t]
            same_v = test.zlib.crc32(v.astype("<i4").tobytes()) == vectors[f"v_crc_{run}"][t]
            mismatches += int(np.sum(s != expected[t])) + (not same_u) + (not same_v)
            values, spikes = values + 3 * len(s), spikes + int(s.sum())
    return {"compared_values": values, "spikes": spikes, "mismatches": mismatches}


def random_dense(sizes: tuple[int, ...], encoding: str = "auto") -> Network:
    """Return a network of dense layers with random weights of 8 bits, none of them zero."""
    rng = np.random.default_rng(0)
    layers = [Population(f"layer{i}", (n,), Compartments.uniform(n)) for i, n in enumerate(sizes)]
    projections = []
    for i, shape in enumerate(pairwise(sizes)):
        values = (rng.integers(1, 256, shape) * rng.choice([-1, 1], shape)).astype(np.int16)
        weights = sparse.csr_array(values)
        projections.append(Projection(f"layer{i}", f"layer{i + 1}", weights, encoding=encoding))
    return Network(tuple(layers), tuple(projections))


def nmnist(options: argparse.Namespace) -> dict[str, Any]:
    """Cut the network of N-MNIST, 2312-512-10."""
    del options
    results = {}
    for name, encoding, search in (
        ("greedy M=1, sparse", "sparse", SearchOptions("greedy", 1)),
        ("ours, sparse, one layer a core", "sparse", SearchOptions(pack=False)),
        ("ours, sparse", "sparse", SearchOptions()),
        ("ours, encoding chosen", "auto", SearchOptions()),
    ):
        started = time.perf_counter()
        layout = partition(random_dense((2312, 512, 10), encoding), search)
        blocks = [tiling.num_cores for tiling in layout.tilings.values()]
        seconds = time.perf_counter() - started
        results[name] = {"blocks": blocks, "cores": layout.num_cores, "seconds": round(seconds, 2)}
    return results


def held_out(name: str, options: argparse.Namespace, count: int) -> tuple[Any, Any, Any, Graph]:
    """Return test images and labels, training images for normalisation, and the network."""
    train = load_script(HERE / "train_loihi_networks.py")
    x, y = (train.load_mnist if name == "mnist" else train.load_cifar)(options.data)
    test = slice(len(x) - train.HELD_OUT, len(x) - train.HELD_OUT + count)
    return x[test], y[test], x[:500], load_graph(HERE / "loihi_networks" / f"loihi_{name}.h5")


def error(outputs: Any, labels: Any) -> float:
    """Return the classification error in percent."""
    return round(100 * float(np.mean(outputs.argmax(axis=-1) != labels)), 3)


def first_output(found: Any) -> Any:
    """Return the only output of `evaluate`."""
    return next(iter(found.values())) if isinstance(found, dict) else found


def run_chip(simulation: LoihiSimulation, x: Any, y: Any, batch: int) -> dict[str, Any]:
    """Run samples; return the error over time, and energy and time of a sample in each profile."""
    wrong, wrapped, started = np.zeros(NUM_STEPS), 0, time.perf_counter()
    for first in range(0, len(x), batch):
        simulation.reset()
        record = simulation.run(ConstantCurrent(x[first : first + batch]), NUM_STEPS, Probes())
        wrong += (record.output_over_time.argmax(axis=-1) != y[first : first + batch]).sum(axis=1)
        wrapped += int(simulation.activity.wrapped.sum())
    seconds = time.perf_counter() - started
    details = simulation.details()
    costs = {name: report.as_dict() for name, report in details.energy.items()}
    error_over_time = {t: round(100 * float(wrong[t - 1]) / len(x), 2) for t in (10, 20, 30, 50, 70, 100)}
    products = {
        name: {t: float(f"{points[t - 1].prod() * 1e-3:.3g}") for t in error_over_time}
        for name, points in details.curves.items()
    }
    return {
        "error_percent": round(100 * float(wrong[-1]) / len(x), 3),
        "error_over_time": error_over_time,
        "energy_delay_product_over_time": products,
        "seconds_per_sample": round(seconds / len(x), 4),
        "overflows": wrapped,
        "costs": {
            name: {key: value if isinstance(value, str) else round(value, 4) for key, value in cost.items()}
            for name, cost in costs.items()
        },
    }


def on_chip(name: str, options: argparse.Namespace, count: int, batch: int, settings: LoihiSettings) -> dict[str, Any]:
    """Compile and run a network of images: errors at each stage, cores, energy in each profile."""
    x, y, x_norm, graph = held_out(name, options, count)
    spiking = convert(graph, x_norm)
    result: dict[str, Any] = {"samples": count, "parameters": graph.num_parameters()}
    result["ann_error_percent"] = error(first_output(evaluate(graph, x)), y)
    float_record = simulate(spiking, x, backend=options.float_backend, num_steps=NUM_STEPS, batch_size=50)
    result["float_snn_error_percent"] = error(float_record.output, y)
    samples = {spiking.inputs[0]: x_norm[:200]}
    for stage, layers in layer_stages(spiking, settings, samples).items():
        outputs = mean_rates(layers, {spiking.inputs[0]: x})[layers[-1].name]
        result[f"rates, {stage}: error_percent"] = error(outputs, y)
    backend = LoihiBackend(settings)
    backend.prepare(samples, progress)
    started = time.process_time()
    simulation = backend.compile(spiking, batch_size=batch)
    layout = simulation.compiled.layout
    result["compile_cpu_seconds"] = round(time.process_time() - started, 1)
    result["neurons"] = layout.network.num_neurons
    result["connections"] = layout.network.num_synapses
    result |= describe(layout)
    say(json.dumps(result))
    return result | run_chip(simulation, x, y, batch)


def describe(layout: Any) -> dict[str, Any]:
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


def mnist(options: argparse.Namespace) -> dict[str, Any]:
    """The CNN for MNIST, with and without sharing."""
    result = on_chip("mnist", options, 200 if options.quick else 2000, 100, LoihiSettings())
    result["thesis"] = THESIS
    *_, x_norm, graph = held_out("mnist", options, 1)
    spiking = convert(graph, x_norm)
    for mode in ("hard", "soft"):
        network = network_of(spiking, LoihiSettings(reset_mode=mode)).network
        for name, share in (("shared", True), ("not shared", False)):
            search = SearchOptions("greedy", 1, share_synapses=share, share_axons=share)
            layout = partition(network, search)
            words = sum(int(usage[3]) for usage in layout.core_usage().values())
            axons = sum(int(usage[1]) for usage in layout.core_usage().values())
            result[f"{mode} reset, {name}"] = {"cores": layout.num_cores, "words": words, "input_axons": axons}
    return result


def cifar(options: argparse.Namespace) -> dict[str, Any]:
    """A MobileNet on the CIFAR-10 JPEGs."""
    return on_chip("cifar", options, 50 if options.quick else 100, 25, LoihiSettings())


def traffic(options: argparse.Namespace) -> dict[str, Any]:
    """What it brings to count the messages that samples cause, beside cores, memory and axons."""
    *_, x_norm, graph = held_out("mnist", options, 1)
    spiking = convert(graph, x_norm)
    found = network_of(spiking, LoihiSettings(), {spiking.inputs[0]: x_norm[:200]})
    results = {}
    for weight in (0.0, 1.0, 10.0, 100.0):
        options_of_search = SearchOptions(weights=CostWeights(traffic=weight), rates=found.rates)
        layout = partition(found.network, options_of_search)
        placed = place(layout, found.rates)
        messages = placed.traffic(found.rates)
        results[f"traffic_weight {weight:g}"] = {
            "cores": placed.num_cores,
            "messages_a_step": round(float(messages.sum() - np.trace(messages)), 2),
            "hops_a_step": round(route_length(messages, placed.limits.cores_per_chip), 2),
            "hops_a_step_without_placement": round(
                route_length(layout.traffic(found.rates), layout.limits.cores_per_chip), 2
            ),
        }
    return results


def search(options: argparse.Namespace) -> dict[str, Any]:
    """Greedy with M = 1 and 10, and ours, on five networks."""
    networks = {
        "nmnist 2312-512-10": random_dense((2312, 512, 10)),
        "mlp 784-800-800-10": random_dense((784, 800, 800, 10)),
    }
    networks["lenet, random weights"] = network_of(convert(lenet()), LoihiSettings()).network
    for name in ("mnist", "cifar"):
        graph = load_graph(HERE / "loihi_networks" / f"loihi_{name}.h5")
        if not (options.quick and name == "cifar"):
            networks[f"cnn {name}"] = network_of(convert(graph), LoihiSettings()).network
    results: dict[str, Any] = {}
    for name, network in networks.items():
        for label, how in (
            ("greedy M=1", SearchOptions("greedy", 1)),
            ("greedy M=10", SearchOptions("greedy", 10)),
            ("ours", SearchOptions()),
        ):
            started = time.process_time()
            layout = partition(network, how, progress)
            found = describe(layout)
            found.pop("blocks")
            results[f"{name}: {label}"] = {**found, "cpu_seconds": round(time.process_time() - started, 1)}
            say(f"  {name}: {label}: {results[f'{name}: {label}']}")
    return results


def lenet() -> Graph:
    """Return LeNet for 28 x 28 images with random weights."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> Any:
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


def exact(options: argparse.Namespace) -> dict[str, Any]:
    """Compare the mapped emulation with the unmapped integers, spike for spike."""
    x, _, x_norm, graph = held_out("mnist", options, 4)
    spiking = convert(graph, x_norm)
    simulation = LoihiBackend(LoihiSettings(), {spiking.inputs[0]: x_norm[:200]}).compile(spiking, batch_size=len(x))
    record = simulation.run(ConstantCurrent(x), NUM_STEPS, Probes(spikes=spiking.neurons))
    charge = (np.rint(x.reshape(len(x), -1) * 255).astype(np.int32)) << 6
    trains, _ = simulate_directly(simulation.compiled.network, lambda step: {spiking.inputs[0]: charge}, NUM_STEPS)
    pairs = [(trains[n].reshape(record.spike_trains[n].shape), record.spike_trains[n]) for n in spiking.neurons]
    return {
        "spikes": int(sum(a.sum(dtype=np.int64) for a, _ in pairs)),
        "mismatches": int(sum(np.sum(a != b) for a, b in pairs)),
    }


PARTS = {
    "golden": golden,
    "nmnist": nmnist,
    "exact": exact,
    "mnist": mnist,
    "search": search,
    "traffic": traffic,
    "cifar": cifar,
}

NEED_DATA = {"exact", "mnist", "traffic", "cifar"}


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the images")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--quick", action="store_true", help="fewer samples")
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    parser.add_argument("--float-backend", default="tensorflow", help="backend of the float spiking network")
    options = parser.parse_args()
    if options.data is None and set(options.only) & NEED_DATA:
        parser.error(f"{', '.join(sorted(NEED_DATA))} need --data")
    results = {}
    for name in options.only:
        results[name] = PARTS[name](options)
        say(f"{name}: {json.dumps(results[name], indent=2)}")
        if options.json is not None:  # after each part, so that none is lost
            options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
