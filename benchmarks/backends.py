"""One converted network on every backend; the connection builder; Brian2's batches; NIR and another tool.

    python benchmarks/backends.py                     everything; half an hour on two cores, training included
    python benchmarks/backends.py --quick             few images and steps
    python benchmarks/backends.py --only parity       parts whose name begins with this; may be given several times
    python benchmarks/backends.py --json FILE         the numbers, for docs/results.md
    python benchmarks/backends.py --only nir --tools PYTHON
                                                      also loads the NIR files in snnTorch, SpikingJelly and Norse, with
                                                      an interpreter that has them (see peers/nir_tools.py)

Parts:
  parity NAME     LeNet-5 with average pooling and biases, and a residual network, trained here on MNIST: spike counts
                  of each layer against the reference's, accuracy and time of a sample and step, on every backend.
  connections     the synapses of random layers against the evaluation of the ops: largest difference.
  build NAME      10,000 neurons and 1,000,000 synapses: seconds until the first step is simulated.
  batch NAME      Brian2: 20 samples as one network against 20 runs of one sample.
  nir             the networks of `parity`, written as NIR and read back: equal spikes; then other tools.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

import snntoolbox
from snntoolbox.api import load_backend
from snntoolbox.backends.connections import connect, constant_current
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Record
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent
from snntoolbox.frontends.nir import NirFrontend, export_nir
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.testing.parity import compare_backends

HERE = Path(__file__).parent
BACKENDS = ("tensorflow", "brian2", "nest", "pynn_brian2")
POPULATIONS = ("brian2", "nest")
console = Console()


def mnist() -> Any:
    """Return (x, y) for training and for testing, from the MNIST example."""
    spec = importlib.util.spec_from_file_location("train", HERE.parent / "examples" / "mnist" / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load()


def lenet() -> Any:
    """Return LeNet-5: convolution, average pooling, twice; three dense layers; biases everywhere."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(6, 5, activation="relu", name="conv1"),
            layers.AveragePooling2D(2, name="pool1"),
            layers.Conv2D(16, 5, activation="relu", name="conv2"),
            layers.AveragePooling2D(2, name="pool2"),
            layers.Flatten(name="flatten"),
            layers.Dense(120, activation="relu", name="dense1"),
            layers.Dense(84, activation="relu", name="dense2"),
            layers.Dense(10, activation="softmax", name="dense3"),
        ],
        name="lenet",
    )


def residual() -> Any:
    """Return a network with an identity shortcut and one with a strided projection."""
    from keras import Input, Model, layers

    def conv(x: Any, filters: int, name: str, strides: int = 1, size: int = 3) -> Any:
        return layers.Conv2D(filters, size, strides, padding="same", name=name)(x)

    x = inputs = Input((28, 28, 1))
    x = layers.ReLU(name="relu0")(conv(x, 8, "conv0", 2))
    y = layers.ReLU(name="relu1")(conv(x, 8, "conv1"))
    x = layers.ReLU(name="relu2")(layers.Add(name="add1")([conv(y, 8, "conv2"), x]))
    y = layers.ReLU(name="relu3")(conv(x, 16, "conv3", 2))
    x = layers.ReLU(name="relu4")(layers.Add(name="add2")([conv(y, 16, "conv4"), conv(x, 16, "shortcut", 2, 1)]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return Model(inputs, layers.Dense(10, activation="softmax", name="dense")(x), name="residual")


NETWORKS = {"lenet": lenet, "residual": residual}


def trained(name: str, quick: bool, **conversion: Any) -> tuple[Graph, Any, Any]:
    """Return a converted network, test images and labels. The model is trained once and kept for the next time."""
    import keras

    (x_train, y_train), (x_test, y_test) = mnist()
    path = Path(tempfile.gettempdir()) / f"snntoolbox-benchmark-{name}.keras"
    if path.is_file():
        model = keras.models.load_model(path)
    else:
        keras.utils.set_random_seed(0)
        model = (NETWORKS | {"dense": dense})[name]()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x_train, y_train, batch_size=64, epochs=8 if name == "lenet" else 15, verbose=0)
        model.save(path)
    count = 10 if quick else 100
    graph = snntoolbox.convert(snntoolbox.parse(model), x_train[:500], **conversion)
    return graph, x_test[:count], y_test[:count]


def parity(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Compare all backends on a network."""
    graph, x, y = trained(name, options.quick)
    steps = 20 if options.quick else 50
    console.print(f"\n[bold]{name}[/]: {len(x)} images, {steps} steps")
    result = compare_backends(
        graph, x, BACKENDS, num_steps=steps, labels=y, on_start=lambda backend: console.print(f"  {backend} ...")
    )
    for titles, *rows in (result.table(), result.layer_table()):
        table = Table(*titles)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    return result.to_dict() | {"passed": result.passed}


def random_layer(rng: np.random.Generator) -> tuple[Any, tuple[int, ...]]:
    """Return a random linear op and a shape of its input."""
    shape = (*(int(n) for n in rng.integers(7, 13, 2)), 4)
    pairs = [tuple(int(n) for n in rng.integers(0, 3, 2)) for _ in range(2)]
    window, strides, dilation = (tuple(int(n) for n in rng.integers(1, high, 2)) for high in (5, 4, 3))
    groups, kind = int(rng.choice([1, 2, 4])), int(rng.integers(4))
    if kind == 0:
        pool = (2, 3)
        return ops.AveragePool(pool, strides, ((0, 1), (1, 0)), count_padding=bool(rng.integers(2))), shape
    if kind == 1:
        kernel = rng.normal(size=(*window, 4, 8 // groups))
        return ops.ConvTranspose(kernel, rng.normal(size=8), strides, (), dilation, groups=groups), shape
    if kind == 2:
        return ops.Dense(rng.normal(size=(4, 6)), rng.normal(size=6)), shape
    window = tuple(min(w, 3) for w in window)
    kernel = rng.normal(size=(*window, 4 // groups, 8))
    return ops.Conv(kernel, rng.normal(size=8), strides, tuple(pairs), dilation, groups), shape


def connections(options: argparse.Namespace) -> dict[str, Any]:
    """Compare synapses with the evaluation of ops, on random layers."""
    rng, worst = np.random.default_rng(0), 0.0
    count = 50 if options.quick else 500
    for _ in range(count):
        op, shape = random_layer(rng)
        nodes = (
            Node("input", ops.Input(shape)),
            Node("op", op, ("input",)),
            Node("out", ops.Spiking(Accumulator()), ("op",)),
        )
        graph = Graph(nodes, ("out",))
        x = rng.normal(size=(1, *shape))
        (synapses,) = connect(graph, "out")
        total = constant_current(graph, "out").ravel()
        total = total + np.bincount(synapses.post, synapses.weight * x.ravel()[synapses.pre], len(total))
        worst = max(worst, float(np.abs(total - apply_op(op, x).ravel()).max()))
    console.print(f"\n[bold]connections[/]: {count} random layers, largest difference {worst:.1e}")
    return {"layers": count, "largest_difference": worst}


def big_network() -> Graph:
    """Return 5,000 + 5,000 neurons with 200 synapses onto each of the second layer: one million."""
    rng = np.random.default_rng(0)
    weight = np.zeros((5000, 5000), np.float32)
    for target in range(5000):
        weight[rng.choice(5000, 200, replace=False), target] = rng.normal(size=200) / 10
    nodes = (
        Node("input", ops.Input((5000,))),
        Node("first", ops.Spiking(IntegrateAndFire()), ("input",)),
        Node("dense", ops.Dense(weight), ("first",)),
        Node("second", ops.Spiking(IntegrateAndFire()), ("dense",)),
    )
    return Graph(nodes, ("second",), {"spike_code": "rate"})


def build(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Build a network of a million synapses."""
    del options
    graph = big_network()
    x = np.random.default_rng(1).random((1, 5000))
    backend = load_backend(name)
    start = time.perf_counter()
    with backend.compile(graph, batch_size=1) as simulation:
        simulation.run(ConstantCurrent(x), 1)
        ready = time.perf_counter() - start
        simulation.run(ConstantCurrent(x), 100)
        run = time.perf_counter() - start - ready
    console.print(f"\n[bold]build {name}[/]: 1,000,000 synapses in {ready:.1f} s; 100 steps in {run:.1f} s")
    return {"build_seconds": ready, "run_seconds": run}


def dense() -> Any:
    """Return a network of dense layers."""
    from keras import Input, Sequential, layers

    hidden = [layers.Dense(units, activation="relu") for units in (128, 64)]
    return Sequential([Input((28, 28, 1)), layers.Flatten(), *hidden, layers.Dense(10)], name="dense")


def batch(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Compare 20 samples as one network with 20 runs of one sample, and with one network that is kept for all 20.

    Best of three each.
    """
    graph, x, _ = trained(name, False)
    steps, x = 20 if options.quick else 50, x[:20]

    def run(samples: Any, size: int) -> Any:
        return snntoolbox.simulate(graph, samples, backend="brian2", num_steps=steps, batch_size=size)

    run(x[:1], 1)  # Imports Brian2.
    ways = {
        "20 runs of one sample": lambda: Record.concatenate([run(x[i : i + 1], 1) for i in range(20)]),
        "one network, sample after sample": lambda: run(x, 1),
        "20 samples at once": lambda: run(x, 20),
    }
    seconds, counts = dict.fromkeys(ways, np.inf), {}
    for _ in range(1 if options.quick else 3):  # In turns, since the machine may do other things meanwhile.
        for way, work in ways.items():
            start = time.perf_counter()
            counts[way] = work().spike_counts
            seconds[way] = min(seconds[way], time.perf_counter() - start)
    first, *_, last = ways
    same = all(np.array_equal(counts[first][layer], counts[last][layer]) for layer in counts[last])
    ratio = seconds[first] / seconds[last]
    console.print(f"\n[bold]batch {name}[/]: " + ", ".join(f"{way} {value:.1f} s" for way, value in seconds.items()))
    console.print(f"  at once {ratio:.1f} times faster than single runs; equal spikes: {same}")
    return {"seconds": seconds, "ratio": ratio, "equal": same}


def nir(options: argparse.Namespace) -> dict[str, Any]:
    """Write networks as NIR, read them back, and load them in other tools.

    Other tools start all potentials at 0, so the networks for them are converted that way.
    """
    results: dict[str, Any] = {}
    steps = 20 if options.quick else 50
    with tempfile.TemporaryDirectory() as folder:
        for name in NETWORKS:
            results[name] = _round_trip(Path(folder) / f"{name}.nir", *trained(name, options.quick)[:2], steps)
            if options.tools:
                graph, x, y = trained(name, options.quick, initial_potential=0.0)
                export_nir(graph, Path(folder) / f"{name}.nir", integrators=False)
                outputs = snntoolbox.simulate(graph, x, backend="reference", num_steps=steps).output
                np.savez(Path(folder) / f"{name}.npz", x=np.moveaxis(x, -1, 1), y=y, outputs=outputs, steps=steps)
        if options.tools:
            command = [options.tools, str(HERE / "peers" / "nir_tools.py"), folder, *NETWORKS]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            results["tools"] = json.loads(answer.stdout.splitlines()[-1])
            for line in results["tools"]:
                console.print(f"  {line['network']}, {line['tool']}: {line['result']}", markup=False)
    return results


def _round_trip(path: Path, graph: Graph, x: Any, steps: int) -> dict[str, Any]:
    """Return how many spike counts differ between a network and its copy from a file."""
    export_nir(graph, path)
    stimulus, records = ConstantCurrent(x.astype(np.float64)), []
    for one in (graph, NirFrontend().parse(path)):
        with ReferenceBackend().compile(one, batch_size=len(x)) as simulation:
            records.append(simulation.run(stimulus, steps))
    counts, copy = (record.spike_counts for record in records)
    different = sum(int((counts[layer] != copy[layer]).sum()) for layer in counts)
    spikes = sum(int(values.sum()) for values in counts.values())
    console.print(f"\n[bold]nir[/] {path.stem}: read back, {different} counts differ; {spikes} spikes")
    return {"different": different, "spikes": spikes}


PARTS = {
    **{f"parity {name}": partial(parity, name) for name in NETWORKS},
    "connections": connections,
    **{f"build {name}": partial(build, name) for name in POPULATIONS},
    **{f"batch {name}": partial(batch, name) for name in ("dense", "residual")},
    "nir": nir,
}


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--tools")
    options = parser.parse_args()
    chosen = [name for name in PARTS if not options.only or any(name.startswith(part) for part in options.only)]
    results = {}
    for name in chosen:
        results[name] = PARTS[name](options)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
