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
        exits = early(setup, spiking, record)
        steps = [step for step in setup.steps if step <= num_steps]
        title = f"{network.name}, {len(setup.x)} images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        rows = [[name, *(f"{100 * values[step - 1]:.1f}" for step in steps)] for name, values in delayed.items()]
        show(title, ["read-out", *(f"T={step}" for step in steps)], rows)
        columns = ["confidence", "decided early", "mean step", "operations", "accuracy", "accuracy at the end"]
        show(f"{network.name}: early exit within {num_steps} steps", columns, [texts(c, e) for c, e in exits.items()])
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


def early(setup, spiking, record):
    """Return confidence -> what early exit saves and costs."""
    outputs, num_steps = record.output_over_time, record.num_steps
    operations = np.cumsum(sum(np.asarray(total, np.float64) for total in record.totals.values()), axis=0)
    everyone, right_at_end = np.arange(len(setup.y)), (outputs[-1].argmax(-1) == setup.y).mean()
    found = {}
    for confidence in CONFIDENCES:
        decided = EarlyExit(confidence, PATIENCE).steps(spiking, outputs)
        steps = np.where(decided > 0, decided, num_steps)
        found[confidence] = {
            "decided": float((decided > 0).mean()),
            "mean_steps": float(steps.mean()),
            "operations": float(operations[steps - 1, everyone].mean() / operations[-1].mean()),
            "accuracy": float((outputs[steps - 1, everyone].argmax(-1) == setup.y).mean()),
            "accuracy_at_end": float(right_at_end),
        }
    return found


def texts(confidence, exits):
    """Return a row of the table of early exit."""
    shares = [f"{100 * exits[key]:.1f} %" for key in ("operations", "accuracy", "accuracy_at_end")]
    return [confidence, f"{100 * exits['decided']:.1f} %", f"{exits['mean_steps']:.1f}", *shares]
