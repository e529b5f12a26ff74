"""LeNet-5 with one spike a neuron, on MNIST: error, operations, spikes and latency, beside the rate code."""

import time

import numpy as np

import snntoolbox
from snntoolbox.analysis.operation_counter import OperationCounter
from snntoolbox.api import encode
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.backends.tensorflow import TensorFlowBackend, TensorFlowSettings

BATCH = 100
HIGH, MAXIMUM = {"percentile": 99.99}, {"method": "maximum"}
LOW = {"percentile": 95.0, "time_resolution": 2.0}
LENET5 = {
    "rate, 16 steps": ("rate", {}, 16),
    "ttfs": ("ttfs", HIGH, 60),
    "ttfs, percentile 95": ("ttfs", LOW, 40),
    "ttfs, percentile 95, latest spike 4": ("ttfs", {**LOW, "latest_spike": 4.0}, 40),
    "ttfs_dyn_thresh, percentile 95": ("ttfs_dyn_thresh", LOW, 40),
    "ttfs_dyn_thresh, percentile 95, input as currents": ("ttfs_dyn_thresh", {**LOW, "spiking_input": False}, 40),
    "ttfs_exact, windows of 16": ("ttfs_exact", {**MAXIMUM, "window": 16}, None),
}

QUICK = ("ttfs, percentile 95", "ttfs_exact, windows of 16")


def run(setup):
    """Measure every setting, and compare some with the reference's spikes."""
    settings = {name: LENET5[name] for name in QUICK} if setup.quick else LENET5
    found = {"LeNet-5": measure_all(setup, "LeNet-5", setup.lenet5, settings)}
    for code in ("ttfs",) if setup.quick else ("ttfs", "ttfs_dyn_thresh", "ttfs_exact"):
        different, total = differences(setup.lenet5, code, 3)
        found[f"differences {code}"] = [different, total]
        setup.console.print(f"{code} in float64: {different} of {total} spike counts are not the reference's")
    return found


def measure_all(setup, title, task, settings):
    """Convert a network with each setting, measure it, print a table and return what was found."""
    measured = {}
    for name, (code, options, steps) in settings.items():
        graph = snntoolbox.convert(task.graph, task.x_norm, spike_code=code, **options)
        measured[name] = measure(task, graph, steps or int(graph.attributes["num_steps"]))
        print(title, name, {k: v for k, v in measured[name].items() if k != "errors"}, flush=True)
    show(setup, title, measured)
    return measured


def measure(task, graph, steps):
    """Return error, operations, spikes and latency of a sample."""
    start, counter = time.perf_counter(), OperationCounter(graph, task.graph)
    x, y = task.x, task.y
    wrong, decisions, spikes, entering = np.zeros(steps), [], 0, 0
    with TensorFlowBackend().compile(graph, batch_size=BATCH) as simulation:
        for first in range(0, len(x), BATCH):
            ids = np.arange(first, min(first + BATCH, len(x)))
            stimuli = encode(graph, x[ids], ids)
            simulation.reset()
            record = simulation.run(stimuli, steps, counter.probes(BATCH, steps))
            counter.add(record, stimuli)
            wrong += (record.output_over_time.argmax(-1) != y[ids]).sum(axis=1)
            decisions.append(record.decisions)
            spikes += sum(int(counts.sum()) for counts in record.spike_counts.values())
            entering += sum(int(record.spike_counts.get(f"{name}_spikes", np.zeros(1)).sum()) for name in graph.inputs)
    known, counts = np.concatenate(decisions), counter.result()
    latency = np.where(known > 0, known, steps) if len(known) else np.full(len(x), steps)
    return {
        "images": len(x),
        "ann_error": task.ann_error,
        "error": float(wrong[-1] / len(x)),
        "errors": (wrong / len(x)).tolist(),
        "operations": counts.snn_total,
        "ann_operations": counts.ann,
        "kinds": dict(counts.snn_counts),
        "upper_bound": counts.upper_bound,
        "spikes": spikes / len(x),
        "input_spikes": entering / len(x),
        "latency": float(latency.mean()),
        "latest": int(latency.max()),
        "seconds": time.perf_counter() - start,
    }


def show(setup, title, measured):
    """Print a table."""
    rows = []
    for name, one in measured.items():
        updates = one["kinds"].get("threshold_update", 0)
        rows.append(
            (
                name,
                f"{100 * one['error']:.2f}",
                f"{one['operations']:,.0f}" + (" at most" if one["upper_bound"] else ""),
                f"1 / {one['ann_operations'] / one['operations']:.1f}",
                f"{updates:,.0f}" if updates else "",
                f"{one['spikes']:,.0f}" + (f" ({one['input_spikes']:,.0f})" if one["input_spikes"] else ""),
                f"{one['latency']:.1f} ({one['latest']})",
                f"{one['seconds']:.0f}",
            )
        )
    first = next(iter(measured.values()))
    heading = f"{title}: ANN error {100 * first['ann_error']:.2f} % of {first['images']} images, "
    columns = (
        "Code",
        "Error %",
        "Operations",
        "of ANN's",
        "Threshold updates",
        "Spikes (input)",
        "Steps (latest)",
        "s",
    )
    setup.table(heading + f"{first['ann_operations']:,} operations", columns, rows)


def differences(task, code, samples):
    """Return how many spike counts of TensorFlow in float64 differ from the reference's, and of how many."""
    options = MAXIMUM if code == "ttfs_exact" else HIGH
    graph = snntoolbox.convert(task.graph, task.x_norm, spike_code=code, **options)
    steps, stimuli, counts = int(graph.attributes.get("num_steps", 60)), encode(graph, task.x[:samples]), []
    for backend in (ReferenceBackend(), TensorFlowBackend(TensorFlowSettings(precision="float64"))):
        with backend.compile(graph, batch_size=samples) as simulation:
            counts.append(simulation.run(stimuli, steps).spike_counts)
    different = sum(int((values != counts[1][name]).sum()) for name, values in counts[0].items())
    return different, sum(values.size for values in counts[0].values())
