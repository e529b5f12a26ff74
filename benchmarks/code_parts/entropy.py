"""Entropy codes on activations of LeNet-5 and MobileNet: bits a value, divergence (Rueckauer 2020, fig. 2.15)."""

from pathlib import Path

import snntoolbox
from snntoolbox.analysis.activation_values import count_activations
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion

BITS = 8
IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"


def run(setup):
    """Compare codes for every network whose file is there."""
    codings = {}
    for name in ("lenet5", "mobilenet"):
        try:
            task = getattr(setup, name)
        except (OSError, snntoolbox.errors.DataError) as error:
            setup.console.print(f"{name}: {error}")
            continue
        codings["LeNet-5, MNIST" if name == "lenet5" else "MobileNet, CIFAR-10"] = coding_of(task, setup.quick)
    rows, first = [], next(iter(codings.values()))
    for code in sorted(first.codes, key=lambda code: first.codes[code].divergence):
        cells = [one.codes[code] for one in codings.values()]
        parameter = "" if cells[0].parameter is None else "best " + ", ".join(str(c.parameter) for c in cells)
        numbers = [f"{c.mean_length:.3f}" for c in cells] + [f"{c.divergence:.3f}" for c in cells]
        rows.append((code, parameter, *numbers))
    names = list(codings)
    setup.table(
        f"Activations of {BITS} bits: bits a value, and divergence",
        ("Code", "Parameter", *(f"bits, {n}" for n in names), *(f"divergence, {n}" for n in names)),
        rows,
    )
    for name, one in codings.items():
        setup.console.print(f"{name}: {100 * one.zeros:.1f} % zeros, entropy {one.entropy:.3f} bits")
    if not setup.quick:
        draw(codings)
    return {
        name: {
            "zeros": one.zeros,
            "entropy": one.entropy,
            "codes": {code: [fit.mean_length, fit.divergence, fit.parameter] for code, fit in one.codes.items()},
        }
        for name, one in codings.items()
    }


def coding_of(task, quick):
    """Return how codes fit the activations, normalised by their maxima, of the held-out images."""
    converted = Conversion(percentile=100.0).run(task.graph, task.x_norm, RateCode())
    normalized, spiking = converted.normalized, converted.spiking
    layers = [name for name in spiking.neurons if name in normalized and spiking[name].op.model.spiking]
    x = task.x[: 100 if quick else 2000]
    return count_activations((snntoolbox.evaluate(normalized, part, nodes=layers) for part in batches(x)), BITS)


def batches(x, size=100):
    """Return samples in parts."""
    return [x[first : first + size] for first in range(0, len(x), size)]


def draw(codings):
    """Write the bar chart."""
    from snntoolbox.report.figures.codes import draw_codings
    from snntoolbox.report.style import figure_style, save_figure

    with figure_style({"savefig.dpi": 110}):
        save_figure(draw_codings(codings), IMAGES / "entropy_codes")
