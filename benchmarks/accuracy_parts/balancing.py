"""Threshold balancing, baseline and scaled, against percentiles.

Source: Datta et al. 2021, section III and figure 9: thresholds are the largest input under Poisson spikes, times 1 or
0.2 to 0.4; weights stay as they are.
"""

from dataclasses import asdict

from accuracy_setup import show

from snntoolbox.calibration import Balancing

STEPS = (100, 200)
FACTORS = (1.0, 0.4, 0.3, 0.2)


def run(setup):
    """Measure and print."""
    found = {}
    steps = [step for step in STEPS if step <= max(setup.steps)] or [max(setup.steps)]
    for network in setup.networks:
        variants = {"percentile 99.9": {}, "percentile 99.9, channels": {"channel_wise": True}}
        for factor in FACTORS:
            balancing = Balancing(steps=min(100, max(steps)), factor=factor)
            variants[f"balanced, k = {factor:g}"] = {"method": "threshold_balancing", "balancing": balancing}
        curves = {
            name: setup.curve(network, max(steps), also=steps, **options)
            for name, options in setup.chosen(variants).items()
        }
        rows = [
            [name, *(f"{100 * curve.accuracy[step]:.1f}" for step in steps), f"{curve.spikes:,.0f}"]
            for name, curve in curves.items()
        ]
        title = f"{network.name}, {len(setup.x)} images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        show(title, ["thresholds", *(f"T={step}" for step in steps), "spikes"], rows)
        found[network.name] = {"ann": network.accuracy, "curves": {n: asdict(c) for n, c in curves.items()}}
    return found
