"""Corrections fitted layer by layer, on samples of which half are held out; delayed read-out."""

from dataclasses import asdict

from accuracy_setup import joined, percents, show

from snntoolbox.calibration.refine import Refinement

NUM_SAMPLES = 256
CHANNELS, MMSE = {"channel_wise": True}, {"channel_wise": True, "method": "mmse"}
LATE = {"readout_start": "auto"}
BIAS, POTENTIAL, WEIGHT = ({name: True, "num_samples": NUM_SAMPLES} for name in ("bias", "potential", "weight"))
LAYERS = {**POTENTIAL, "clamp": True, "threshold": True}
CALIBRATIONS = {
    "percentile": {**CHANNELS, "refinement": Refinement()},
    "percentile, bias": {**CHANNELS, "refinement": Refinement(**BIAS)},
    "percentile, potential": {**CHANNELS, "refinement": Refinement(**POTENTIAL)},
    "percentile, bias and potential": {**CHANNELS, "refinement": Refinement(**BIAS, potential=True)},
    "percentile, potential, late read-out": {**CHANNELS, "refinement": Refinement(**POTENTIAL, **LATE)},
    "percentile, weight, late read-out": {**CHANNELS, "refinement": Refinement(**WEIGHT, **LATE)},
    "percentile, weight and potential, late read-out": {
        **CHANNELS,
        "refinement": Refinement(**WEIGHT, potential=True, **LATE),
    },
    "percentile, clamp, threshold and potential, late read-out": {
        **CHANNELS,
        "refinement": Refinement(**LAYERS, **LATE),
    },
    "mmse, potential": {**MMSE, "refinement": Refinement(**POTENTIAL)},
    "mmse, potential, late read-out": {**MMSE, "refinement": Refinement(**POTENTIAL, **LATE)},
    "mmse, clamp, threshold and potential, late read-out": {**MMSE, "refinement": Refinement(**LAYERS, **LATE)},
    "mmse, weight and potential, late read-out": {**MMSE, "refinement": Refinement(**WEIGHT, potential=True, **LATE)},
    "mmse, weight, clamp, threshold and potential, late read-out": {
        **MMSE,
        "refinement": Refinement(**LAYERS, weight=True, **LATE),
    },
}


def run(setup):
    """Measure and print."""
    found = {}
    steps = [step for step in (4, 8, 16, 32) if step in setup.steps]
    for network in setup.networks:
        curves = {}
        for name, options in setup.chosen(CALIBRATIONS).items():
            if options["refinement"].calibrates or "method" in options:
                curves[name] = joined([setup.curve(network, step, norm=512, **options) for step in steps])
            else:
                curves[name] = setup.curve(network, steps[-1], norm=512, **options)
            print(f"{network.name}, {name}: {', '.join(percents(curves[name], steps))}", flush=True)
        rows = [[name, *percents(curve, steps)] for name, curve in curves.items()]
        title = f"{network.name}, {len(setup.x)} images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        show(title, ["channel-wise scales, calibration", *(f"T={step}" for step in steps)], rows)
        found[network.name] = {"ann": network.accuracy, "curves": {n: asdict(c) for n, c in curves.items()}}
    return found
