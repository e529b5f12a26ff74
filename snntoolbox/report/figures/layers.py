"""Layer by layer: rates against activations, histograms, spike counts, normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from snntoolbox.analysis.correlation import Comparison
from snntoolbox.analysis.streaming import Histogram
from snntoolbox.report.material import LayerScale, Material
from snntoolbox.report.style import ACTIVATION, SNN, new_figure
from snntoolbox.report.wording import short_number

__all__ = [
    "MAX_PANELS",
    "draw_correlation",
    "draw_histograms",
    "draw_normalization",
    "draw_spike_counts",
    "grid",
    "grid_shape",
    "spread",
]

Array = NDArray[Any]

MAX_PANELS = 12
"""Deeper networks show this many of their layers in small multiples, evenly spread, the first and last included."""


def spread(names: Sequence[str], count: int = MAX_PANELS) -> list[str]:
    """Return at most ``count`` names, evenly spread over all, the first and last included."""
    if len(names) <= count:
        return list(names)
    return [names[i] for i in np.linspace(0, len(names) - 1, count).round().astype(int)]


def grid_shape(count: int, most: int) -> tuple[int, int]:
    """Return rows and columns for ``count`` panels, at most ``most`` columns, with few places left over."""
    rows = math.ceil(count / most)
    return rows, math.ceil(count / rows)


def grid(container: Figure | SubFigure, count: int, shape: tuple[int, int], **options: Any) -> list[Axes]:
    """Return ``count`` panels in rows and columns; places left over stay empty."""
    panels = container.subplots(*shape, squeeze=False, **options).ravel()
    for axes in panels:
        axes.tick_params(labelsize="small")
    for axes in panels[count:]:
        axes.set_visible(False)
    for axes in panels[max(0, count - shape[1]) : count]:  # the lowest visible one of each column
        axes.tick_params(labelbottom=True)
    return list(panels[:count])


def _bar_height(count: int) -> float:
    """Height in inches of a figure with one bar a layer."""
    return 1.3 + min(0.3 * max(count, 2), 12)


def _label_bars(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels, fontsize="small" if len(labels) <= 40 else 4)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def draw_spike_counts(material: Material) -> Figure | None:
    """Spikes for one sample, and mean rate of a neuron, in each layer."""
    layers = {name: layer.spikes for name, layer in material.results.layers.items() if layer.spikes is not None}
    if not layers:
        return None
    figure = new_figure(9.6, _bar_height(len(layers)))
    counts, rates = figure.subplots(1, 2, sharey=True)
    labels = [material.label(name) for name in layers]
    statistics = [spikes for spikes in layers.values() if spikes is not None]
    _draw_bars(counts, [one.spikes_per_sample for one in statistics], short_number)
    _draw_bars(rates, [one.mean_rate for one in statistics], lambda value: f"{value:.3g}")
    _label_bars(counts, labels)
    rates.tick_params(axis="y", length=0)
    counts.set_xlabel("Spikes for one sample")
    counts.xaxis.set_major_formatter(EngFormatter(sep=""))
    rates.set_xlabel("Mean rate (spikes per neuron and step)")
    return figure


def _draw_bars(axes: Axes, values: Sequence[float], text: Any) -> None:
    bars = axes.barh(range(len(values)), values, color=SNN, height=0.65)
    if len(values) <= 40:
        axes.bar_label(bars, [text(value) for value in values], padding=3, fontsize="small", color="#444444")
    axes.set_xlim(0, 1.18 * max(*values, 0.0) or 1.0)
    axes.grid(visible=False, axis="y")


def draw_correlation(material: Material) -> Figure | None:
    """Rates against activations of each layer, and how well they agree."""
    layers = _compared(material)
    if not layers:
        return None
    shown = spread(list(layers))
    shape = grid_shape(len(shown), 3 if len(shown) <= 6 else 4)
    figure = new_figure(10.5, max(2.4 * shape[0], _bar_height(len(layers))))
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=(1, 2.4))[0]
    _draw_agreement(left.add_subplot(), {material.label(name): layer for name, layer in layers.items()})
    panels = grid(right, len(shown), shape)
    for axes, name in zip(panels, shown, strict=True):
        _draw_points(axes, layers[name])
        axes.set_title(material.label(name), fontsize="small")
    right.supxlabel("Normalised activation", fontsize="medium")
    right.supylabel("Rate", fontsize="medium")
    return figure


def _compared(material: Material) -> dict[str, Comparison]:
    layers = material.results.layers.items()
    return {name: layer.comparison for name, layer in layers if layer.comparison is not None}


def _draw_agreement(axes: Axes, layers: dict[str, Comparison]) -> None:
    places = range(len(layers))
    pearson = [np.nan if one.correlation is None else one.correlation for one in layers.values()]
    r_squared = [np.nan if one.r_squared is None else one.r_squared for one in layers.values()]
    axes.barh(places, np.nan_to_num(pearson), color=SNN, height=0.65, label="Pearson correlation")
    inside = np.clip(r_squared, 0, 1)  # NaN stays NaN and is not drawn
    axes.plot(inside, places, linestyle="none", marker="D", markersize=5, color=ACTIVATION, label="R²", clip_on=False)
    axes.set_xlim(min(0.0, *np.nan_to_num(pearson)), 1.0)
    _label_bars(axes, list(layers))
    axes.set_xlabel("Agreement of rates and activations")
    axes.legend(reverse=True, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small", columnspacing=1)


def _draw_points(axes: Axes, layer: Comparison) -> None:
    x, y = layer.points
    end = 1.05 * max(1.0, float(np.quantile(np.concatenate([x, y]), 0.999)) if x.size else 1.0)
    axes.plot([0, end], [0, end], color="#999999", linewidth=0.9)
    alpha = float(np.clip(200 / max(x.size, 1), 0.15, 0.8))
    axes.plot(x, y, ".", color=SNN, markersize=3, alpha=alpha, markeredgewidth=0, rasterized=True)
    axes.set_xlim(min(0.0, float(x.min(initial=0.0))) - 0.02 * end, end)
    axes.set_ylim(-0.02 * end, end)
    axes.set_aspect("equal", adjustable="box")


def draw_histograms(material: Material) -> Figure | None:
    """Distribution of activations and rates in each layer."""
    layers = _compared(material)
    if not layers:
        return None
    shown = spread(list(layers))
    rows, columns = grid_shape(len(shown), 4)
    figure = new_figure(max(2.5 * columns, 6.4), 0.6 + 2.2 * rows)
    panels = grid(figure, len(shown), (rows, columns), sharex=True)
    for axes, name in zip(panels, shown, strict=True):
        _draw_histogram(axes, layers[name].activations, ACTIVATION, "activations")
        _draw_histogram(axes, layers[name].rates, SNN, "rates")
        axes.set_yscale("log")
        axes.set_title(material.label(name), fontsize="small")
    _explain(figure, panels[0])
    figure.supxlabel("Normalised activation, rate", fontsize="medium")
    figure.supylabel("Share of all values in a bin", fontsize="medium")
    return figure


def _explain(figure: Figure, axes: Axes) -> None:
    """Put one legend for all panels above them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=len(labels), fontsize="small", handlelength=1.2)


def _draw_histogram(axes: Axes, histogram: Histogram, color: str, label: str) -> None:
    if not histogram.total:
        return
    shares = histogram.counts / histogram.total
    axes.stairs(shares, histogram.edges, color=color, linewidth=1.4, label=label)


def draw_normalization(material: Material) -> Figure | None:
    """Activations of each layer before and after normalisation, with the scale that became 1."""
    layers = material.normalization
    if not layers:
        return None
    shown = spread(list(layers))
    rows, columns = grid_shape(len(shown), 4)
    figure = new_figure(max(2.5 * columns, 6.4), 0.6 + 2.2 * rows)
    panels = grid(figure, len(shown), (rows, columns))
    for axes, name in zip(panels, shown, strict=True):
        _draw_scale(axes, layers[name])
        axes.set_title(material.label(name), fontsize="small")
    _explain(figure, panels[0])
    figure.supxlabel("Activation", fontsize="medium")
    figure.supylabel("Share of positive values in a bin", fontsize="medium")
    return figure


def _draw_scale(axes: Axes, layer: LayerScale) -> None:
    values = [array[array > 0] for array in (layer.before, layer.after)]
    # On a logarithmic axis a common scale is a shift: the shape stays and the dashed line moves to 1.
    end = max((float(part.max()) for part in values if part.size), default=1.0)
    edges = np.geomspace(end / 1e4, end, 61)
    for part, color, label in zip(values, (ACTIVATION, SNN), ("before", "after"), strict=True):
        if part.size:
            shares = np.histogram(part, edges)[0] / part.size
            axes.stairs(shares, edges, color=color, linewidth=1.4, label=label)
    axes.axvline(float(np.mean(layer.scale)), color=ACTIVATION, linestyle="--", linewidth=1.1)
    axes.axvline(1.0, color=SNN, linestyle="--", linewidth=1.1)
    axes.set_xscale("log")
    axes.set_xlim(end / 1e4, end * 1.3)
