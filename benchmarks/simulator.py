"""How fast is the simulator, over the ANN's own forward pass, and over other conversion toolboxes?

    python benchmarks/simulator.py                  three minutes on two cores
    python benchmarks/simulator.py --quick          under one minute: fewer repeats, batches of 1 and 100 only
    python benchmarks/simulator.py --json FILE      the numbers as well
    python benchmarks/simulator.py --original-python PYTHON --spikingjelly-python PYTHON
                                                    the peers too, each in its environment (benchmarks/peers/README.md)

The network is a LeNet with random weights, normalised on random drawings: 28x28x1, conv16-5x5, avgpool2, conv32-5x5,
avgpool2, dense128, dense10. It runs 50 steps. The time of the simulator is that of `Simulation.run` of a batch,
spike counts of all layers and the output of every step included; that of the ANN is as many calls of the Keras model as
there are steps, with the same batch, compiled by `tf.function` with or without XLA, whichever is faster. Both are timed
in turns, so that what else the machine does falls on both; the ratio is the median of the ratios of the turns. Memory
is the largest of a fresh process.

The exit status is 1 if a ratio is above its limit.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from rich.console import Console
from rich.table import Table

NUM_STEPS = 50
LONG = 1000
LIMITS = {100: 0.9, 1: 0.5}
"""Batch size -> largest allowed ratio of the time of a step to that of the ANN's forward pass."""
MEMORY_LIMIT = 1.1
BATCHES = (100, 32, 10, 1)
PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Timing:
    """Microseconds of one step (or forward pass) of one sample."""

    median: float
    best: float

    @classmethod
    def of(cls, seconds: list[float], batch: int) -> Timing:
        scale = 1e6 / (batch * NUM_STEPS)
        return cls(statistics.median(seconds) * scale, min(seconds) * scale)


def drawings(count: int, seed: int) -> np.ndarray:
    """Return images of a few random strokes, (count, 28, 28, 1), float32 in [0, 1]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:28, 0:28]
    images = np.zeros((count, 28, 28), np.float32)
    for _ in range(3):
        a, b = rng.uniform(4, 24, (2, 2, count, 1, 1))
        for share in np.linspace(0, 1, 12):
            cy, cx = a * (1 - share) + b * share
            images = np.maximum(images, np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 2.5))
    return images[..., None].astype(np.float32)


def lenet() -> Any:
    """Return the ANN with random weights."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    he = {"kernel_initializer": "he_normal", "activation": "relu"}
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(16, 5, **he),
            layers.AveragePooling2D(2),
            layers.Conv2D(32, 5, **he),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(128, **he),
            layers.Dense(10),
        ]
    )


def spiking(model: Any) -> Any:
    """Return the converted network."""
    import snntoolbox

    return snntoolbox.convert(snntoolbox.parse(model), drawings(500, seed=1))


def in_turns(runs: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each run of each function, called in turns after one call to warm up."""
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ann_runs(model: Any, x: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Return the ANN's forward pass as often as there are steps, in both of its compiled forms."""
    import tensorflow as tf

    batch = tf.constant(x)

    def repeat(function: Any) -> Callable[[], Any]:
        def run() -> Any:
            for _ in range(NUM_STEPS):
                y = function(batch)
            return y.numpy()

        return run

    plain = tf.function(lambda value: model(value, training=False))
    return {"ann": repeat(plain), "ann, XLA": repeat(tf.function(plain, jit_compile=True))}


def time_batch(model: Any, graph: Any, batch: int, rounds: int) -> dict[str, Any]:
    """Time both networks with one batch size."""
    from snntoolbox.backends.tensorflow import TensorFlowBackend
    from snntoolbox.codes import ConstantCurrent

    x = drawings(batch, seed=2)
    with TensorFlowBackend().compile(graph, batch_size=batch) as simulation:

        def run() -> Any:
            simulation.reset()
            return simulation.run(ConstantCurrent(x), NUM_STEPS)

        start = time.perf_counter()
        record = run()
        first = time.perf_counter() - start
        seconds = in_turns({"snn": run, **ann_runs(model, x)}, rounds)
    timings = {name: Timing.of(values, batch) for name, values in seconds.items()}
    form = min(("ann", "ann, XLA"), key=lambda name: timings[name].median)
    return {
        "batch_size": batch,
        "snn": asdict(timings["snn"]),
        "ann": {"form": form, **asdict(timings[form])},
        "ratio": statistics.median(a / b for a, b in zip(seconds["snn"], seconds[form], strict=True)),
        "ratio_of_best": timings["snn"].best / timings[form].best,
        "limit": LIMITS.get(batch),
        "first_run_seconds": first,
        "rates": {n: float(c.mean() / NUM_STEPS) for n, c in record.spike_counts.items() if c.any()},
    }


def peak_memory(num_steps: int, batch: int) -> float:
    """Return the largest memory in MB of a fresh process that simulates one batch."""
    command = [sys.executable, __file__, "--memory-of", str(num_steps), str(batch)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def print_own_memory(num_steps: int, batch: int) -> None:
    """Simulate one batch and print the largest memory of this process in MB."""
    from snntoolbox.backends.tensorflow import TensorFlowBackend
    from snntoolbox.codes import ConstantCurrent

    with TensorFlowBackend().compile(spiking(lenet()), batch_size=batch) as simulation:
        simulation.run(ConstantCurrent(drawings(batch, seed=2)), num_steps)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def time_peer(script: str, python: str, model: Any, batch: int) -> list[dict[str, Any]]:
    """Run a peer's script in its own environment, on the same weights and images."""
    with tempfile.TemporaryDirectory() as folder:
        weights = {f"w{i}": value for i, value in enumerate(model.get_weights())}
        np.savez(Path(folder, "network.npz"), **weights, x_norm=drawings(500, seed=1), x=drawings(100, seed=2))
        command = [python, str(PEERS / script), folder, str(NUM_STEPS), str(batch)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise SystemExit(f"{script} failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"peer"')]


def show(results: dict[str, Any]) -> None:
    """Print tables."""
    console = Console(width=110)
    table = Table("batch", "simulator, us", "best", "ANN, us", "best", "form", "ratio", "of best", "limit")
    table.title = f"One step of one sample, {NUM_STEPS} steps"
    for row in results["batches"]:
        numbers = (row["snn"]["median"], row["snn"]["best"], row["ann"]["median"], row["ann"]["best"])
        limit = "" if row["limit"] is None else f"{row['limit']:.1f}"
        cells = [f"{value:.1f}" for value in numbers]
        ratios = f"{row['ratio']:.2f}", f"{row['ratio_of_best']:.2f}"
        table.add_row(str(row["batch_size"]), *cells, row["ann"]["form"], *ratios, limit)
    console.print(table)
    rates = results["batches"][0]["rates"]
    console.print("mean rates:", ", ".join(f"{name} {rate:.1%}" for name, rate in rates.items()))
    memory = results["memory_mb"]
    console.print(
        f"peak memory: {memory['short']:.0f} MB for {NUM_STEPS} steps, {memory['long']:.0f} MB for {LONG} steps"
    )
    if results["peers"]:
        own = {row["batch_size"]: row["snn"] for row in results["batches"]}
        table = Table("peer", "batch", "us", "best", "times slower", "of best", title="Others, same weights and images")
        for row in results["peers"]:
            mine = own[row["batch_size"]]
            slower = f"{row['median'] / mine['median']:.1f}", f"{row['best'] / mine['best']:.1f}"
            table.add_row(row["peer"], str(row["batch_size"]), f"{row['median']:.1f}", f"{row['best']:.1f}", *slower)
        console.print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under one minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers to FILE")
    parser.add_argument("--rounds", type=int, help="repeats of each measurement")
    parser.add_argument("--original-python", metavar="PYTHON", help="interpreter that has SNN Toolbox 0.6")
    parser.add_argument("--spikingjelly-python", metavar="PYTHON", help="interpreter that has SpikingJelly")
    parser.add_argument("--memory-of", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        print_own_memory(*options.memory_of)
        return 0
    batches = (100, 1) if options.quick else BATCHES
    rounds = options.rounds or (5 if options.quick else 15)
    model = lenet()
    graph = spiking(model)
    results: dict[str, Any] = {"num_steps": NUM_STEPS, "batches": [], "peers": []}
    results["batches"] = [time_batch(model, graph, batch, rounds) for batch in batches]
    results["memory_mb"] = {"short": peak_memory(NUM_STEPS, 100), "long": peak_memory(LONG, 100)}
    for script, python in (
        ("original_toolbox.py", options.original_python),
        ("spikingjelly_ann2snn.py", options.spikingjelly_python),
    ):
        for batch in (100, 1) if python else ():
            results["peers"] += time_peer(script, python, model, batch)
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    missed = [row["batch_size"] for row in results["batches"] if row["limit"] and row["ratio"] > row["limit"]]
    grown = results["memory_mb"]["long"] > MEMORY_LIMIT * results["memory_mb"]["short"]
    return int(bool(missed) or grown)


if __name__ == "__main__":
    sys.exit(main())
