"""Draw accuracy against the number of steps, as ``accuracy.py --json FILE`` measured it.

python benchmarks/plot_accuracy.py FILE docs/images/accuracy_steps.png
"""

import argparse
import json
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

LINES = {
    "percentile, from 0": ("#8C564B", "percentile, start at 0"),
    "percentile, channels": ("#56B4E9", "percentile by channel, start at half"),
    "percentile, channels, late read-out": ("#0072B2", "... read from the first spikes on"),
    "percentile, channels, clamped for half a step a layer, late read-out": ("#000000", "... read late, layers wait"),
    "mmse, potential, late read-out": ("#009E73", "mmse by channel, potentials calibrated, read late"),
    "percentile, channels, signed": ("#E69F00", "signed spikes"),
    "mmse, channels, burst": ("#CC79A7", "bursts"),
    "graded, 8 powers, maximum": ("#D55E00", "graded, 8 powers of two"),
}
"""Row of the tables -> color and label."""


def main():
    """Draw one panel for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measured", type=Path)
    parser.add_argument("image", type=Path)
    options = parser.parse_args()
    measured = json.loads(options.measured.read_text())
    networks = sorted(measured["thresholds"], key=lambda name: (not name.startswith("resnet"), name))
    figure = Figure((4.6 * len(networks), 4.6), layout="constrained")
    panels = figure.subplots(1, len(networks), squeeze=False, sharey=True)[0]
    for axes, name in zip(panels, networks, strict=True):
        draw(
            axes,
            name,
            [part[name] for part in (measured["thresholds"], measured.get("calibration", {})) if name in part],
        )
    panels[0].set_ylabel("Right (%)")
    handles = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False, fontsize="small"
    )
    figure.savefig(options.image, dpi=90)


def draw(axes, name, found):
    """Draw the curves of a network."""
    curves = {row: curve for one in found for row, curve in one["curves"].items()}
    for row, (color, label) in LINES.items():
        if row in curves:
            accuracy = {int(step): 100 * value for step, value in curves[row]["accuracy"].items()}
            steps = sorted(accuracy)
            axes.plot(steps, [accuracy[step] for step in steps], "o-", color=color, markersize=3, label=label)
    axes.axhline(100 * found[0]["ann"], color="#999999", linestyle="--", linewidth=1, label="ANN")
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(name, loc="left")
    axes.set_xlabel("Time steps")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
