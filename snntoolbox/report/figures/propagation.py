"""Propagation error over depth, and when samples are decided."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from snntoolbox.analysis.propagation import GrowthFit, LayerError, Propagation
from snntoolbox.report.material import Material
from snntoolbox.report.style import ACTIVATION, ANN, PARSED, SNN, new_figure, write_legend

__all__ = ["draw_exits", "draw_propagation"]


def draw_propagation(material: Material) -> Figure | None:
    """Mean error of each layer with its parts, and error of the neuron with the highest rate, with their fits."""
    found = material.results.propagation
    if found is None or len(found.layers) < 2:
        return None
    figure = new_figure(9.6, 4.2)
    left, right = figure.subplots(1, 2)
    _draw_means(left, found)
    _draw_largest(right, found)
    return figure


def _sorted(found: Propagation) -> list[LayerError]:
    return sorted(found.layers.values(), key=lambda layer: layer.depth)


def _draw_means(axes: Axes, found: Propagation) -> None:
    layers = _sorted(found)
    depths = [layer.depth for layer in layers]
    axes.plot(depths, [one.inherited for one in layers], color=PARSED, linestyle=":", marker=".", label="inherited")
    axes.plot(depths, [one.own for one in layers], color=ACTIVATION, linestyle="--", marker=".", label="own")
    axes.plot(depths, [one.abs_error for one in layers], color=SNN, marker="o", markersize=5, label="together")
    _draw_fit(axes, depths, found.growth)
    axes.set_ylabel("Mean |activation - rate|")
    _finish(axes)


def _draw_largest(axes: Axes, found: Propagation) -> None:
    layers = _sorted(found)
    depths = [layer.depth for layer in layers]
    low, high = np.transpose([np.quantile(one.per_neuron, (0.05, 0.95)) for one in layers])
    axes.fill_between(depths, low, high, color=SNN, alpha=0.15, linewidth=0, label="9 of 10 neurons")
    label = "neuron with the highest rate"
    axes.plot(depths, [one.largest for one in layers], color=SNN, marker="o", markersize=5, label=label)
    _draw_fit(axes, depths, found.growth_of_largest)
    axes.axhline(0, color="#666666", linewidth=0.8)
    axes.set_ylabel("Activation - rate")
    _finish(axes)


def _draw_fit(axes: Axes, depths: list[int], fit: GrowthFit | None) -> None:
    if fit is not None and fit.adjusted_r_squared > 0:  # below, the mean says more than the curve
        x = np.linspace(min(depths), max(depths), 100)
        label = f"{fit.p:.3g} · {fit.q:.3f}$^l$, adjusted R² {fit.adjusted_r_squared:.2f}"
        axes.plot(x, fit.p * fit.q**x, color=ANN, linewidth=1.4, label=label)


def _finish(axes: Axes) -> None:
    axes.set_xlabel("Depth l (layers of neurons)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    write_legend(axes, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)


def draw_exits(material: Material) -> Figure | None:
    """Share of samples decided up to each step."""
    results = material.results
    if results.exits is None:
        return None
    exits = results.exits
    figure = new_figure()
    axes = figure.add_subplot()
    time = results.dt_ms * np.arange(len(exits.decided_over_time) + 1)
    axes.step(time, [0, *(100 * exits.decided_over_time)], where="post", color=SNN, label="decided")
    axes.axvline(results.dt_ms * exits.mean_steps, color=PARSED, linestyle=":", label="mean step of the decision")
    axes.set_xlabel("Simulated time (ms)")
    axes.set_ylabel("Samples (%)")
    axes.set_xlim(0, time[-1])
    axes.set_ylim(0, 101)
    write_legend(axes, loc="lower right")
    return figure
