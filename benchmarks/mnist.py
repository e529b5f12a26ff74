"""Accuracy of the MNIST example against time: max-pooling, start of the potential, reset, input, scales, calibration.

    python benchmarks/mnist.py [--json FILE] [--quick] [--backend NAME]

Needs the trained network of examples/mnist: ``scripts/demo`` or ``python examples/mnist/train.py`` makes it. Prints one
row for each variant of the conversion; the columns are accuracies after so many time steps. With 1000 images one
standard error is about 0.4 points. A second table has what ``[calibration]`` gives for a number of steps, on 256
samples: accuracy, and the squared error of the outputs on half of them, relative to their variance.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import snntoolbox
from snntoolbox.calibration.refine import CALIBRATION, Refinement

FOLDER = Path(__file__).parent.parent / "examples" / "mnist"
STEPS = (4, 8, 16, 32, 64, 100)
POOLS = ("cumulative", "fir_max", "exp_max", "avg_max")

VARIANTS: dict[str, dict[str, object]] = {
    "default": {},
    **{f"max-pooling {pool}, start at half": {"maxpool_type": pool} for pool in POOLS[1:]},
    **{f"max-pooling {pool}, start at 0": {"maxpool_type": pool, "initial_potential": 0.0} for pool in POOLS},
    "average pooling instead": {"max2avg_pool": True},
    "channel-wise": {"channel_wise": True},
    "maximum instead of percentile 99.9": {"method": "maximum"},
    "percentile 99": {"percentile": 99.0},
    "reset to zero": {"reset": "zero"},
    "Poisson input, 1000 Hz": {"poisson_rate": 1.0},
    "output: spike counts": {"output": "spikes"},
    "output: softmax, clocked": {"output": "softmax_clock"},
    "output: softmax, Poisson": {"output": "softmax_poisson"},
}

CALIBRATION_STEPS, NUM_SAMPLES = (4, 8, 16), 256
CALIBRATIONS: dict[str, dict[str, object]] = {
    "none": {},
    "bias": {"bias": True},
    "potential": {"potential": True},
    "bias and potential": {"bias": True, "potential": True},
    "weight": {"weight": True},
    "weight and potential": {"weight": True, "potential": True},
    "compensation = global": {"compensation": "global"},
    "compensation = layer": {"compensation": "layer"},
}


def calibrated(wanted, graph, data, backend):
    """Return, for each of CALIBRATION_STEPS: accuracy, error of the outputs before and after, whether it was kept."""
    found = {}
    for step in CALIBRATION_STEPS:
        options = {"num_steps": step, "refinement": Refinement(**wanted, num_samples=NUM_SAMPLES)}
        spiking = snntoolbox.convert(graph, data["x_norm"], **options)
        output = snntoolbox.simulate(spiking, data["x_test"], backend=backend, num_steps=step, batch_size=100).output
        (said,) = json.loads(spiking.attributes.get(CALIBRATION, "[{}]"))
        accuracy = float((output.argmax(-1) == data["y_test"]).mean())
        found[str(step)] = {
            "accuracy": accuracy,
            **{key: said.get(key) for key in ("error_before", "error_after", "kept")},
        }
    return found


def in_words(measured):
    """Return accuracy and error of a calibration as text."""
    if measured["kept"] is False:
        return "left out"
    error = "" if measured["error_after"] is None else f" ({measured['error_after']:.2g})"
    return f"{100 * measured['accuracy']:.1f}{error}"


def measure(options, graph, data, backend):
    """Return accuracy after each of STEPS, spikes per sample, and seconds, for one variant."""
    x, y = data["x_test"], data["y_test"]
    spiking = snntoolbox.convert(graph, data["x_norm"], **options)
    start = time.perf_counter()
    record = snntoolbox.simulate(spiking, x, backend=backend, num_steps=max(STEPS), batch_size=100)
    seconds = time.perf_counter() - start
    right = record.output_over_time.argmax(-1) == y
    spikes = sum(counts.sum() for counts in record.spike_counts.values()) / len(x)
    return {str(step): float(right[step - 1].mean()) for step in STEPS}, float(spikes), seconds


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="200 images and four variants")
    parser.add_argument("--backend", default="tensorflow")
    options = parser.parse_args()
    if not (FOLDER / "model.keras").is_file():
        sys.exit(f"no trained network in {FOLDER}; run: python {FOLDER / 'train.py'}")

    data = {name: np.load(FOLDER / f"{name}.npz")["arr_0"] for name in ("x_test", "y_test", "x_norm")}
    if options.quick:
        data |= {name: data[name][:200] for name in ("x_test", "y_test")}
    graph = snntoolbox.parse(FOLDER / "model.keras")
    ann = float(np.mean(snntoolbox.evaluate(graph, data["x_test"]).argmax(-1) == data["y_test"]))

    table = Table(title=f"MNIST example, {len(data['x_test'])} images, ANN {100 * ann:.1f} %: SNN accuracy in %")
    table.add_column("variant")
    for step in STEPS:
        table.add_column(f"T={step}", justify="right")
    table.add_column("spikes", justify="right")
    found = {"ann": ann, "num_samples": len(data["x_test"]), "variants": {}}
    for name, variant in list(VARIANTS.items())[: 4 if options.quick else None]:
        accuracy, spikes, seconds = measure(variant, graph, data, options.backend)
        found["variants"][name] = {"accuracy": accuracy, "spikes_per_sample": spikes, "seconds": seconds}
        table.add_row(name, *(f"{100 * value:.1f}" for value in accuracy.values()), f"{spikes:,.0f}")
    Console(width=120).print(table)

    table = Table(title="[calibration] for T steps: SNN accuracy in % (error of the outputs on held-out samples)")
    for title in ("calibration", *(f"T={step}" for step in CALIBRATION_STEPS)):
        table.add_column(title)
    found["calibration"] = {}
    for name, wanted in list(CALIBRATIONS.items())[: 2 if options.quick else None]:
        found["calibration"][name] = measured = calibrated(wanted, graph, data, options.backend)
        table.add_row(name, *map(in_words, measured.values()))
    Console(width=120).print(table)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
