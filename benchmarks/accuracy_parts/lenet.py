"""LeNet-5 with max-pooling on MNIST: no loss at few steps. Uses examples/lenet5, and its data (``--mnist``)."""

import importlib.util
from pathlib import Path

import numpy as np
from accuracy_setup import BATCH, NUM_NORM, show

import snntoolbox
from snntoolbox.calibration.refine import Refinement

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "lenet5"
STEPS = (1, 2, 3, 4, 6, 8, 16, 32)
TECHNIQUES = {
    "percentile, from 0": {"initial_potential": 0.0},
    "percentile (default)": {},
    "percentile, channels": {"channel_wise": True},
    "percentile, channels, signed": {"channel_wise": True, "neuron_model": "signed"},
    "mmse for T = 4, channels": {"method": "mmse", "channel_wise": True, "num_steps": 4},
    "mmse for T = 8, channels": {"method": "mmse", "channel_wise": True, "num_steps": 8},
    **{
        f"mmse for T = {steps}, channels, weights": {
            "method": "mmse",
            "channel_wise": True,
            "num_steps": steps,
            "refinement": Refinement(weight=True, num_samples=256),
        }
        for steps in (4, 8)
    },
}


def run(setup):
    """Measure and print."""
    (x_train, _), (x, y) = _data().load(setup.mnist)
    count = 200 if setup.quick else len(x)
    steps = [step for step in STEPS if step <= (4 if setup.quick else 32)]
    x, y = x[:count], y[:count]
    chosen = np.random.default_rng(0).choice(len(x_train), NUM_NORM, replace=False)
    graph = snntoolbox.parse(EXAMPLE / "lenet5.keras")
    ann = float((snntoolbox.evaluate(graph, x).argmax(-1) == y).mean())
    found = {}
    for name, options in setup.chosen(TECHNIQUES).items():
        spiking = snntoolbox.convert(graph, x_train[chosen], **options)
        blocks = [
            snntoolbox.simulate(spiking, x[i : i + 1000], num_steps=max(steps), batch_size=BATCH).output_over_time
            for i in range(0, count, 1000)
        ]
        decided = np.concatenate(blocks, axis=1).argmax(-1)
        found[name] = {step: float((decided[step - 1] == y).mean()) for step in steps}
    rows = [[name, *(f"{100 * value:.2f}" for value in row.values())] for name, row in found.items()]
    title = f"LeNet-5 on {count} MNIST images, ANN {100 * ann:.2f} %: accuracy in %"
    show(title, ["technique", *(f"T={step}" for step in steps)], rows)
    return {"ann": ann, "accuracy": found}


def _data():
    """Return the module that reads the images; the other example has one of the same name."""
    spec = importlib.util.spec_from_file_location("lenet5_data", EXAMPLE / "data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
