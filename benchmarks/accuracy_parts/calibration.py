"""Bias and initial potential calibrated layer by layer, on samples of which half are held out."""

from dataclasses import asdict

from accuracy_setup import joined, percents, show

from snntoolbox.calibration.refine import Refinement

NUM_SAMPLES = 64
CALIBRATIONS = {
    "none": Refinement(),
    "bias": Refinement(bias=True, num_samples=NUM_SAMPLES),
    "potential": Refinement(potential=True, num_samples=NUM_SAMPLES),
    "bias and potential": Refinement(bias=True, potential=True, num_samples=NUM_SAMPLES),
}


def run(setup):
    """Measure and print."""
    found = {}
    steps = [step for step in (4, 8, 16) if step in setup.steps]
    for network in setup.networks:
        curves = {}
        for name, wanted in CALIBRATIONS.items():
            options = {"channel_wise": True, "refinement": wanted}
            if wanted.calibrates:
                curves[name] = joined([setup.curve(network, step, norm=256, **options) for step in steps])
            else:
                curves[name] = setup.curve(network, steps[-1], norm=256, **options)
            print(f"{network.name}, {name}: {', '.join(percents(curves[name], steps))}", flush=True)
        rows = [[name, *percents(curve, steps)] for name, curve in curves.items()]
        title = f"{network.name}, {len(setup.x)} images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        show(title, ["calibration", *(f"T={step}" for step in steps)], rows)
        found[network.name] = {"ann": network.accuracy, "curves": {n: asdict(c) for n, c in curves.items()}}
    return found
