"""Draw the growth of the propagation error that ``accuracy.py --part residual --json FILE`` measured.

python benchmarks/plot_propagation.py FILE docs/images/propagation_error.png
"""

import argparse
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLORS = {
    "default": "#0072B2",
    "from 0": "#D55E00",
    "from 0, a factor a layer": "#009E73",
    "from 0, one factor": "#CC79A7",
}


def main():
    """Draw one panel for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measured", type=Path)
    parser.add_argument("image", type=Path)
    options = parser.parse_args()
    networks = json.loads(options.measured.read_text())["residual"]
    figure = Figure((5 * len(networks), 3.6), layout="constrained")
    panels = figure.subplots(1, len(networks), squeeze=False)[0]
    for axes, (name, found) in zip(panels, networks.items(), strict=True):
        for variant, color in COLORS.items():
            if variant in found["variants"]:
                draw(axes, variant, found["variants"][variant]["propagation"], color)
        axes.set_title(name, loc="left")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("Depth l (layers of neurons)")
        axes.legend(fontsize="x-small", frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("Mean |activation - rate|")
    figure.savefig(options.image, dpi=90)


def draw(axes, variant, error, color):
    """Draw the errors of the layers, and their fit."""
    depths = [layer["depth"] for layer in error["layers"]]
    axes.plot(depths, [layer["abs_error"] for layer in error["layers"]], "o", color=color, markersize=4)
    fit, x = error["growth"], np.linspace(min(depths), max(depths), 50)
    label = f"{variant}: {fit['p']:.4f} · {fit['q']:.3f}$^l$, adjusted R² {fit['adjusted_r_squared']:.2f}"
    axes.plot(x, fit["p"] * fit["q"] ** x, color=color, linewidth=1.3, label=label)


if __name__ == "__main__":
    main()
