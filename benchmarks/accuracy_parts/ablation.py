"""The thesis's figures 2.3 and 2.4 on the VGG: what each mechanism is worth, how soon each normalisation works.

Source: Rueckauer 2020, section 2.1.3.1. Figure 2.3 adds one mechanism after the other to the plain conversion, which
has no normalisation, Poisson input and reset to zero; figure 2.4 compares normalisations over time. Neurons start from
0 there; the last row adds what the toolbox does today.
"""

from dataclasses import asdict

from accuracy_setup import percents, show

PLAIN = {"reset": "zero", "initial_potential": 0.0}
ANALOG = {"reset": "subtract", "initial_potential": 0.0}
MECHANISMS = {
    "no normalisation, Poisson input, reset to zero": None,
    "+ maximum": {**PLAIN, "method": "maximum", "poisson_rate": 1.0},
    "+ reset by subtraction": {**ANALOG, "method": "maximum", "poisson_rate": 1.0},
    "+ analog input": {**ANALOG, "method": "maximum"},
    "+ percentile 99.9": ANALOG,
    "+ start at half the threshold": {},
}
"""None: without scales."""


def run(setup):
    """Measure and print."""
    found = {}
    networks = [network for network in setup.networks if network.name == "vgg"]
    for network in networks:
        curves = {}
        for name, options in setup.chosen(MECHANISMS).items():
            plain = {**PLAIN, "poisson_rate": 1.0, "x_norm": None} if options is None else options
            curves[name] = setup.curve(network, **plain)
        rows = [[name, *percents(curve, setup.steps), f"{curve.spikes:,.0f}"] for name, curve in curves.items()]
        title = f"{network.name}, {len(setup.x)} images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        show(title, ["mechanism", *(f"T={step}" for step in setup.steps), "spikes"], rows)
        found[network.name] = {"ann": network.accuracy, "curves": {n: asdict(c) for n, c in curves.items()}}
    return found
