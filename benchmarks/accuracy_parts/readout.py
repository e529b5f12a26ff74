"""Delayed read-out against the number of steps, and early exit: steps and operations saved, and accuracy lost."""

import numpy as np
from accuracy_setup import BATCH, show

import snntoolbox
from snntoolbox.analysis.operations import operation_weights
from snntoolbox.backends import Probes
from snntoolbox.backends.readout import EarlyExit, first_read_step, since
from snntoolbox.calibration.readout_start import READOUT_START
from snntoolbox.calibration.refine import Refinement

NUM_STEPS = 64
STARTS = (4, 8, 16)
CONFIDENCES = (0.6, 0.8, 0.9, 0.95, 0.99)
PATIENCE = 2


def run(setup):
    """Measure and print."""
    found = {}
    num_steps = min(NUM_STEPS, max(setup.steps))
    for network in setup.networks:
        spiking = snntoolbox.convert(
            network.graph, setup.x_norm[:256], channel_wise=True, refinement=Refinement(readout_start="auto")
        )
        automatic = int(spiking.attributes[READOUT_START])
        spiking = spiking.with_attributes(**{READOUT_START: "0"})
        probes = Probes(totals=operation_weights(spiking))
        record = snntoolbox.simulate(
            spiking, setup.x, backend="tensorflow", num_steps=num_steps, batch_size=BATCH, probes=probes
        )
        delayed = delays(setup, spiking, record, automatic)
        exits = {
            f"{confidence}, {name}": early(setup, spiking, record, start, confidence)
            for name, start in (("from the start", 0), (f"after step {automatic}", automatic))
            for confidence in CONFIDENCES
        }
        steps = [step for step in setup.steps if step <= num_steps]
        title = f"{network.name}, {len(setup.x)} images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        rows = [[name, *(f"{100 * values[step - 1]:.1f}" for step in steps)] for name, values in delayed.items()]
        show(title, ["read-out", *(f"T={step}" for step in steps)], rows)
        columns = [
            "confidence, read-out",
            "decided early",
            "mean step",
            "operations",
            "accuracy",
            "accuracy at the end",
        ]
        show(
            f"{network.name}: early exit within {num_steps} steps",
            columns,
            [texts(name, e) for name, e in exits.items()],
        )
        found[network.name] = {
            "ann": network.accuracy,
            "automatic_start": automatic,
            "accuracy": {name: values.tolist() for name, values in delayed.items()},
            "early_exit": exits,
        }
    return found


def delays(setup, spiking, record, automatic):
    """Return read-out -> accuracy if the run ended after each step."""
    num_steps = record.num_steps
    steps = np.arange(1, num_steps + 1).reshape(-1, 1, 1)
    gathered = record.output_over_time * steps
    found = {}
    for start in (0, *STARTS, automatic):
        graph = spiking.with_attributes(**{READOUT_START: str(start)})
        scores = [(since(gathered[:t], first_read_step(graph, t)) / steps[:t])[-1] for t in range(1, num_steps + 1)]
        name = "from the start" if start == 0 else f"after step {start}"
        found[f"{name} (automatic)" if start == automatic and start not in STARTS else name] = np.mean(
            np.argmax(scores, axis=-1) == setup.y, axis=1
        )
    return found


def early(setup, spiking, record, start, confidence):
    """Return what early exit saves and costs, with a delayed read-out."""
    num_steps = record.num_steps
    steps = np.arange(1, num_steps + 1).reshape(-1, 1, 1)
    start = min(start, num_steps - 1)
    outputs = since(record.output_over_time * steps, start) / steps
    operations = np.cumsum(sum(np.asarray(total, np.float64) for total in record.totals.values()), axis=0)
    decided = EarlyExit(confidence, PATIENCE).steps(spiking, outputs, start)
    chosen, everyone = np.where(decided > 0, decided, num_steps), np.arange(len(setup.y))
    return {
        "decided": float((decided > 0).mean()),
        "mean_steps": float(chosen.mean()),
        "operations": float(operations[chosen - 1, everyone].mean() / operations[-1].mean()),
        "accuracy": float((outputs[chosen - 1, everyone].argmax(-1) == setup.y).mean()),
        "accuracy_at_end": float((outputs[-1].argmax(-1) == setup.y).mean()),
    }


def texts(name, exits):
    """Return a row of the table of early exit."""
    shares = [f"{100 * exits[key]:.1f} %" for key in ("operations", "accuracy", "accuracy_at_end")]
    return [name, f"{100 * exits['decided']:.1f} %", f"{exits['mean_steps']:.1f}", *shares]
