"""Scales and neurons: accuracy against the number of steps, for each technique alone and for some together."""

from dataclasses import asdict

from accuracy_setup import joined, percents, show

from snntoolbox.calibration.refine import Refinement

CHANNELS = {"channel_wise": True}
LATE = Refinement(readout_start="auto")
SIGNED = {**CHANNELS, "neuron_model": "signed"}
POWERS = {**CHANNELS, "neuron_model": "graded"}
UNIFORM = {**CHANNELS, "neuron_model": "graded", "levels": 15, "level_spacing": "uniform"}

TECHNIQUES = {
    "maximum, from 0": {"method": "maximum", "initial_potential": 0.0},
    "percentile, from 0": {"initial_potential": 0.0},
    "percentile": {},
    "robust": {"method": "robust"},
    "percentile, channels": CHANNELS,
    "percentile, channels, late read-out": {**CHANNELS, "refinement": LATE},
    "percentile, channels, clamped for 1 step a layer": {**CHANNELS, "clamp_delay": 1.0},
    "percentile, channels, clamped for half a step a layer, late read-out": {
        **CHANNELS,
        "clamp_delay": 0.5,
        "refinement": LATE,
    },
    "percentile, channels, biases relaxed for 1 step a layer": {**CHANNELS, "relaxation_steps": 1.0},
    "local balancing, channels": {**CHANNELS, "method": "local_balancing"},
    "percentile, channels, signed": SIGNED,
    "local balancing, channels, signed": {**SIGNED, "method": "local_balancing"},
}
"""Scales that do not depend on the number of steps: one run gives the accuracy at every step."""

FOR_STEPS = {
    "mmse, channels": {**CHANNELS, "method": "mmse"},
    "mmse, channels, signed": {**SIGNED, "method": "mmse"},
    "mmse, channels, burst": {**CHANNELS, "method": "mmse", "neuron_model": "burst", "threshold": 0.5},
}
"""Scales for a given number of steps: one run each."""

GRADED = {
    "graded, 8 powers, maximum": {**POWERS, "method": "maximum"},
    "graded, 15 multiples, maximum": {**UNIFORM, "method": "maximum"},
    "graded, 8 powers, 99.99 %": {**POWERS, "percentile": 99.99},
    "graded, 15 multiples, 99.99 %": {**UNIFORM, "percentile": 99.99},
}
"""Neurons whose spikes carry a size: 16 steps."""


def run(setup):
    """Measure and print."""
    found = {}
    steps = [step for step in (4, 8, 16, 32, 64) if step in setup.steps]
    for network in setup.networks:
        curves = {}
        for name, options in setup.chosen(TECHNIQUES | FOR_STEPS | GRADED).items():
            if name in TECHNIQUES or name in GRADED:
                curves[name] = setup.curve(network, 16 if name in GRADED else None, **options)
            else:
                curves[name] = joined([setup.curve(network, step, **options) for step in steps])
            shown = ", ".join(
                f"T={step}: {text}"
                for step, text in zip(setup.steps, percents(curves[name], setup.steps), strict=True)
                if text
            )
            print(f"{network.name}, {name}: {shown}; {curves[name].seconds:.0f} s", flush=True)
        rows = [[name, *percents(curve, setup.steps), f"{curve.spikes:,.0f}"] for name, curve in curves.items()]
        title = f"{network.name}, {len(setup.x)} images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        show(title, ["technique", *(f"T={step}" for step in setup.steps), "events"], rows)
        found[network.name] = {"ann": network.accuracy, "curves": {n: asdict(c) for n, c in curves.items()}}
    return found
