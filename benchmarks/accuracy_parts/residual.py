"""Residual networks: normalisation of shortcuts, compensation, and the growth of the propagation error."""

import json
from dataclasses import asdict

import numpy as np
from accuracy_setup import BATCH, show

import snntoolbox
from snntoolbox.analysis.propagation import PropagationCounter
from snntoolbox.calibration.refine import CALIBRATION, Refinement, Verdict
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion

NUM_STEPS = 64
CALIBRATED_FOR, NUM_SAMPLES = 32, 32
FROM_0 = {"initial_potential": 0.0}
VARIANTS = {
    "default": ({}, {}),
    "shortcuts not normalised": ({}, {"normalize_shortcuts": False}),
    "from 0": (FROM_0, {}),
    "from 0, a factor a layer": (FROM_0, {"refinement": Refinement("layer", num_samples=NUM_SAMPLES)}),
    "from 0, one factor": (FROM_0, {"refinement": Refinement("global", num_samples=NUM_SAMPLES)}),
}
"""Variant -> options of the code and of the conversion. Potentials that start at half the threshold leave little to
compensate, so the start at 0, which is that of the papers, is measured, too."""


def run(setup):
    """Measure and print."""
    found = {}
    num_steps = min(NUM_STEPS, max(setup.steps))
    steps = [step for step in setup.steps if step <= num_steps]
    for network in setup.networks:
        shortcuts = any(node.op.kind == "Add" for node in network.graph.nodes)
        variants = {
            name: options for name, options in setup.chosen(VARIANTS).items() if shortcuts or "shortcuts" not in name
        }
        results = {}
        for name, options in variants.items():
            results[name] = measure(setup, network, num_steps, *options)
            shown = ", ".join(f"T={step}: {100 * share:.1f} %" for step, share in results[name]["accuracy"].items())
            print(f"{network.name}, {name}: {shown}; {numbers(results[name]['propagation'])}", flush=True)
        rows = [[name, *(f"{100 * one['accuracy'][step]:.1f}" for step in steps)] for name, one in results.items()]
        title = f"{network.name}, {len(setup.x)} images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        show(title, ["variant", *(f"T={step}" for step in steps)], rows)
        columns = ["variant", "mean |Ē|", "p", "q", "adjusted R²", "largest: p", "q", "adjusted R²"]
        rows = [[name, *numbers(one["propagation"])] for name, one in results.items()]
        show(f"{network.name}: propagation error after {num_steps} steps", columns, rows)
        found[network.name] = {"ann": network.accuracy, "variants": results}
    return found


def measure(setup, network, num_steps, of_code, of_conversion):
    """Return accuracy after some steps, what calibration said, and the propagation error, of a converted network."""
    code = RateCode(**of_code)
    conversion = Conversion(num_steps=min(CALIBRATED_FOR, num_steps), **of_conversion)
    converted = conversion.run(network.graph, setup.x_norm[:256], code)
    spiking, counter = converted.spiking, PropagationCounter(converted.spiking)
    record = snntoolbox.simulate(spiking, setup.x, backend="tensorflow", num_steps=num_steps, batch_size=BATCH)
    layers = [name for name in spiking.neurons if spiking[name].op.model.spiking]
    activations = snntoolbox.evaluate(converted.normalized, setup.x, nodes=layers)
    counter.add(record, activations, {spiking.inputs[0]: code.encode(setup.x)})
    decided = record.output_over_time.argmax(-1)
    steps = [step for step in setup.steps if step <= num_steps]
    said = json.loads(spiking.attributes.get(CALIBRATION, "[]"))
    for one in said:
        print(f"{network.name}: {Verdict(**one)}", flush=True)
    return {
        "accuracy": {step: float((decided[step - 1] == setup.y).mean()) for step in steps},
        "agreement": {step: float((decided[step - 1] == network.classes).mean()) for step in steps},
        "calibration": said,
        "propagation": plain(counter.result()),
    }


def numbers(error):
    """Return mean error and fits as text."""
    fits = [error["growth"], error["growth_of_largest"]]
    return [f"{error['mean']:.4f}", *(f"{fit[k]:.3g}" for fit in fits for k in ("p", "q", "adjusted_r_squared"))]


def plain(found):
    """Return an error as it goes to a file."""
    return {
        "mean": found.mean,
        "growth": asdict(found.growth),
        "growth_of_largest": asdict(found.growth_of_largest),
        "layers": [
            {k: float(np.round(v, 6)) for k, v in vars(layer).items() if k != "per_neuron"}
            for layer in found.layers.values()
        ],
    }
