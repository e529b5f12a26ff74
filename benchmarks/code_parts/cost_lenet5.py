"""LeNet-5: operations by kind, memory traffic, and energy by every cost profile, for several spike codes."""

import numpy as np

import snntoolbox
from snntoolbox.analysis.cost_profiles import load_profiles
from snntoolbox.analysis.energy import energies
from snntoolbox.analysis.operation_counter import OperationCounter
from snntoolbox.analysis.operation_kinds import KINDS
from snntoolbox.api import encode, load_backend
from snntoolbox.registry import CODES

CODE_OPTIONS = {
    "rate": ({}, 40),
    "temporal_pattern": ({"num_bits": 8, "percentile": 100.0}, None),
    "ttfs": ({"percentile": 99.9}, 60),
    "ttfs_dyn_thresh": ({"percentile": 99.9}, 60),
}
BATCH = 100


def run(setup):
    """Count, and multiply with prices."""
    task, found = setup.lenet5, {}
    for code, (options, steps) in CODE_OPTIONS.items():
        if code in CODES.builtins:
            graph = snntoolbox.convert(task.graph, task.x_norm, spike_code=code, **options)
            found[code] = count(task, graph, steps or int(graph.attributes["num_steps"]), 100 if setup.quick else 500)
    show(setup, found, "LeNet-5")
    return found


def count(task, graph, steps, samples):
    """Return error, spikes, operations by kind and their course for some held-out images."""
    counter, right = OperationCounter(graph, task.graph), 0
    with load_backend("tensorflow").compile(graph, batch_size=BATCH) as simulation:
        for first in range(0, samples, BATCH):
            ids = np.arange(first, min(first + BATCH, len(task.x)))
            stimuli = encode(graph, task.x[ids], ids)
            simulation.reset()
            record = simulation.run(stimuli, steps, counter.probes(BATCH, steps))
            counter.add(record, stimuli)
            right += int((record.output.argmax(-1) == task.y[ids]).sum())
    result = counter.result()
    return {
        "error": 1 - right / samples,
        "steps": steps,
        "samples": samples,
        "upper_bound": result.upper_bound,
        "proportional": result.proportional,
        "operations_over_time": result.snn_over_time.tolist(),
        "operations": result.snn_total,
        "ann_counts": dict(result.ann_counts),
        "snn_counts": dict(result.snn_counts),
    }


def show(setup, found, title):
    """Print errors, operations by kind and energies, a column for each code; add the energies to what was found."""
    for code, one in found.items():
        exact = "at most" if one["upper_bound"] else "exactly"
        setup.console.print(
            f"{title}, {code}: error {100 * one['error']:.2f} % of {one['samples']}, {one['steps']} steps, {exact} "
            f"{one['operations']:,.0f} operations"
        )
    first = next(iter(found.values()))
    rows = [
        (kind, *(f"{one[kind]:,.0f}" if one.get(kind) else "" for one in columns(found)))
        for kind in KINDS
        if any(one.get(kind) for one in columns(found))
    ]
    setup.table(f"{title}: operations of a sample", ("Kind", "ANN", *found), rows)
    profiles = load_profiles(["all"])
    for one in found.values():
        priced = energies(first["ann_counts"], one["snn_counts"], profiles)
        one["energy"] = {name: [e.ann, e.snn, e.unit] for name, e in priced.items()}
    rows = []
    for profile in profiles:
        ann = first["energy"][profile.name][0]
        cells = [one["energy"][profile.name][1] for one in found.values()]
        texts = ["" if value is None else f"{value:.3g}" for value in (ann, *cells)]
        ratios = ["" if not ann or value is None else f" ({ann / value:.1f}x less)" for value in cells]
        rows.append((f"{profile.name} ({profile.unit})", texts[0], *map("".join, zip(texts[1:], ratios, strict=True))))
    setup.table(f"{title}: energy of a sample", ("Profile", "ANN", *found), rows)


def columns(found):
    """Return the counts of the ANN, then of each code."""
    return [next(iter(found.values()))["ann_counts"], *(one["snn_counts"] for one in found.values())]
