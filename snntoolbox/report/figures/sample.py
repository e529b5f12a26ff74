"""One sample in detail: input, spike trains, potentials, maps of activations and rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snntoolbox.report.figures.layers import grid, grid_shape, spread
from snntoolbox.report.material import Material, SampleView
from snntoolbox.report.style import CATEGORIES, SPIKE, new_figure

__all__ = ["draw_activations", "draw_input", "draw_potentials", "draw_raster", "draw_rates", "mosaic"]

Array = NDArray[Any]

_MAX_ROWS = 100  # neurons of a layer in a raster; more would not be told apart
_MAX_MAPS = 64  # channels of a layer in a mosaic
_MAX_TRACES = 5  # neurons of a layer whose potential is drawn


def draw_input(material: Material) -> Figure | None:
    """The sample as the network sees it."""
    sample = material.sample
    if sample is None:
        return None
    figure = new_figure(4.2, 3.6)
    figure.set_layout_engine("compressed")
    axes = figure.add_subplot()
    x = np.asarray(sample.x)
    if x.ndim == 1 or (x.ndim == 2 and min(x.shape) <= 8 < max(x.shape)):
        axes.plot(x, linewidth=1.2)
        axes.set_xlabel("Position")
        axes.set_ylabel("Input value")
    elif x.ndim == 3 and x.shape[-1] == 3:
        axes.imshow(_stretch(x))
        axes.set_axis_off()
    else:
        image = axes.imshow(mosaic(x), cmap="gray")
        axes.set_axis_off()
        figure.colorbar(image, ax=axes, shrink=0.8, label="Input value")
    name = f"Sample {sample.index}" + (f", class {sample.label}" if sample.label else "")
    axes.set_title(name)
    return figure


def _stretch(x: Array) -> Array:
    """Return a color image within 0 to 1; one that is not, because its mean was subtracted say, is stretched to fit."""
    low, high = float(x.min()), float(x.max())
    return x if low >= 0 and high <= 1 else (x - low) / ((high - low) or 1.0)


def mosaic(values: Array) -> Array:
    """Return an array of any layer as one image, its channels side by side with gaps (NaN) between them.

    Vectors become nearly square, (length, channels) stays as it is, and of many channels the first 64 are shown.
    """
    if values.ndim == 1:
        width = math.ceil(math.sqrt(values.size))
        padded = np.full(math.ceil(values.size / width) * width, np.nan)
        padded[: values.size] = values
        return padded.reshape(-1, width)
    if values.ndim == 2:
        return values.T.astype(np.float64)
    maps = np.moveaxis(values.reshape(-1, *values.shape[-2:]), -1, 0)[:_MAX_MAPS].astype(np.float64)
    columns = math.ceil(math.sqrt(len(maps)))
    rows, (height, width) = math.ceil(len(maps) / columns), maps.shape[1:]
    gap = 1 if len(maps) > 1 else 0
    image = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for number, one in enumerate(maps):
        top, left = (number // columns) * (height + gap), (number % columns) * (width + gap)
        image[top : top + height, left : left + width] = one
    return image


def draw_activations(material: Material) -> Figure | None:
    """Normalised activations of the sample in each layer: what the rates should be."""
    sample = material.sample
    return None if sample is None else _draw_maps(material, sample.activations, "Normalised activation", sample)


def draw_rates(material: Material) -> Figure | None:
    """Rates of the sample in each layer: what became of the activations."""
    sample = material.sample
    if sample is None:
        return None
    return _draw_maps(material, _rates(sample, material), "Rate", sample)


def _rates(sample: SampleView, material: Material) -> dict[str, Array]:
    fires = [name for name, layer in material.results.layers.items() if layer.spikes is not None]
    return {name: sample.rates[name] for name in fires if name in sample.rates}


def _draw_maps(material: Material, values: Mapping[str, Array], label: str, sample: SampleView) -> Figure | None:
    shown = spread(list(values))
    if not shown:
        return None
    # One scale for activations and rates, so that the two figures can be laid side by side.
    both = [*sample.activations.values(), *_rates(sample, material).values()]
    highest = max(float(np.quantile(one, 0.999)) for one in both)
    rows, columns = grid_shape(len(shown), 4)
    figure = new_figure(max(2.4 * columns, 6.4), 0.3 + 2.3 * rows)
    figure.set_layout_engine("compressed")
    panels = grid(figure, len(shown), (rows, columns))
    for axes, name in zip(panels, shown, strict=True):
        image = axes.imshow(mosaic(np.asarray(values[name])), cmap="viridis", vmin=0, vmax=highest or 1.0)
        axes.set_title(material.label(name), fontsize="small")
        axes.set_axis_off()
    figure.colorbar(image, ax=panels, shrink=0.8, label=label, extend="max")
    return figure


def draw_raster(material: Material) -> Figure | None:
    """Spikes of every layer over time, one row a neuron."""
    sample = material.sample
    trains = {} if sample is None else {n: t[:, 0] for n, t in sample.record.spike_trains.items() if t.size}
    if sample is None or not trains:
        return None
    shown = spread(list(trains))
    rows = [min(math.prod(trains[name].shape[1:]), _MAX_ROWS) for name in shown]
    heights = [0.35 + 1.65 * math.sqrt(count / _MAX_ROWS) for count in rows]
    figure = new_figure(8.0, 0.8 + sum(heights))
    panels = figure.subplots(len(shown), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, name in zip(panels, shown, strict=True):
        _draw_spikes(axes, trains[name].reshape(len(trains[name]), -1), sample.record.dt_ms)
        axes.set_ylabel(material.label(name), rotation=0, ha="right", va="center", fontsize="small")
    panels[-1].set_xlabel("Simulated time (ms)")
    return figure


def _draw_spikes(axes: Axes, trains: Array, dt_ms: float) -> None:
    """Draw trains (steps, neurons); of many neurons an even choice."""
    steps, neurons = trains.shape
    chosen = np.linspace(0, neurons - 1, min(neurons, _MAX_ROWS)).round().astype(int)
    step, row = np.nonzero(trains[:, chosen])
    marks = axes.vlines((step + 1) * dt_ms, row - 0.45, row + 0.45, color=SPIKE, linewidth=1.2)
    marks.set_snap(False)  # pixel by pixel, marks of one length would be drawn in several
    marks.set_rasterized(step.size > 2000)
    axes.set_xlim(0, steps * dt_ms * 1.005)
    axes.set_ylim(len(chosen) - 0.5, -0.5)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_color("#cccccc")


def draw_potentials(material: Material) -> Figure | None:
    """Membrane potential of a few neurons of each layer over time, with their threshold."""
    sample = material.sample
    potentials = {} if sample is None else {n: v[:, 0] for n, v in sample.record.potentials.items() if v.size}
    if sample is None or not potentials:
        return None
    shown = spread(list(potentials))
    rows, columns = grid_shape(len(shown), 3)
    figure = new_figure(max(3.2 * columns, 6.4), 0.6 + 2.1 * rows)
    panels = grid(figure, len(shown), (rows, columns), sharex=True)
    for axes, name in zip(panels, shown, strict=True):
        counts = sample.record.spike_counts[name].reshape(-1)
        _draw_traces(axes, potentials[name].reshape(len(potentials[name]), -1), counts, sample.record.dt_ms)
        threshold = sample.thresholds.get(name)
        if threshold is not None:
            axes.axhline(threshold, color="#666666", linestyle="--", linewidth=1)
            axes.set_ylim(max(axes.get_ylim()[0], -1.5 * threshold), 1.25 * threshold)
        axes.set_title(material.label(name), fontsize="small")
    figure.supxlabel("Simulated time (ms)", fontsize="medium")
    figure.supylabel("Membrane potential", fontsize="medium")
    return figure


def _draw_traces(axes: Axes, potentials: Array, counts: Array, dt_ms: float) -> None:
    """Draw potentials (steps, neurons) of neurons that fired, from the most to the least active.

    If none did, as in an output layer that accumulates, from the highest potential to the lowest.
    """
    order = np.lexsort((-potentials[-1], -counts))
    firing = order[: int((counts > 0).sum()) or len(order)]
    chosen = firing[np.linspace(0, len(firing) - 1, min(len(firing), _MAX_TRACES)).round().astype(int)]
    time = dt_ms * np.arange(1, len(potentials) + 1)
    for color, neuron in zip(CATEGORIES, chosen, strict=False):
        axes.plot(time, potentials[:, neuron], color=color, linewidth=1, alpha=0.9)
    axes.set_xlim(0, time[-1])
