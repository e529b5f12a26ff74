"""Pictures of a network on Loihi: what the cores hold, who talks to whom, where energy and time go."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm, to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from snntoolbox.backends.loihi.emulator import Activity
from snntoolbox.backends.loihi.energy import EnergyReport
from snntoolbox.backends.loihi.mesh import CORES_PER_TILE, MESH, tile_positions
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.usage import limit_vector
from snntoolbox.report.style import CATEGORIES, SNN, new_figure
from snntoolbox.report.wording import short_number

__all__ = [
    "draw_chip",
    "draw_costs",
    "draw_error_against_product",
    "draw_traffic",
    "draw_usage",
    "layer_colors",
    "usage_table",
]

Array = NDArray[Any]
_CHIPS_A_ROW, _NUMBERED = 4, 3
_LEGEND_COLUMNS = {False: 4, True: 7}
_SHOWN = {0: "compartments", 1: "input axons", 2: "output axons", 3: "synaptic memory"}


def usage_table(layout: Layout) -> list[dict[str, float | int | str]]:
    """Return one row a layer: cores, and the share of each resource that its fullest core uses, in percent."""
    rows: list[dict[str, float | int | str]] = []
    for name, tiling in layout.tilings.items():
        usage = layout.usage(name)
        share = 100 * (usage / np.maximum(limit_vector(usage, layout.limits), 1)).max(axis=0)
        row: dict[str, float | int | str] = {"layer": name, "cores": tiling.num_cores}
        rows.append(row | {label: round(float(share[column]), 1) for column, label in _SHOWN.items()})
    return rows


def draw_usage(layout: Layout) -> Figure:
    """Draw the share of each resource that each core uses, in percent."""
    figure = new_figure(7.4, 3.2)
    axes = figure.subplots()
    table = np.stack(list(layout.core_usage().values()))
    share = 100 * table / np.maximum(limit_vector(table, layout.limits), 1)
    cores = np.arange(1, len(share) + 1)
    for (column, label), color in zip(_SHOWN.items(), CATEGORIES, strict=False):
        axes.plot(cores, np.sort(share[:, column])[::-1], label=label, color=color, drawstyle="steps-mid")
    axes.set(xlabel="cores, fullest first", ylabel="used / %", title="Resources of the cores", ylim=(0, 104))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def draw_chip(layout: Layout) -> Figure:
    """Draw the chips with their tiles and cores; a core has the colors of its layers, and their numbers."""
    chips, per_chip = layout.num_chips, layout.limits.cores_per_chip
    columns, rows = min(chips, _CHIPS_A_ROW), -(-chips // _CHIPS_A_ROW)
    colors = layer_colors(len(layout.core))
    legend_rows = -(-len(colors) // _LEGEND_COLUMNS[columns > 1])
    figure = new_figure(max(5.6, 4.6 * columns), (2.7 if chips > 1 else 3.0) * rows + 0.3 + 0.2 * legend_rows)
    axes = figure.subplots()
    width, height = MESH[0] + 1, MESH[1] + 1
    axes.set_xlim(-0.1, columns * width - 0.9)
    axes.set_ylim(-0.1 - (rows - 1) * height, MESH[1] + (0.8 if chips > 1 else 0.1))
    axes.set_aspect("equal")
    axes.set_axis_off()
    for chip in range(chips):
        left, bottom = chip % columns * width, -(chip // columns) * height
        for x, y in itertools.product(range(MESH[0]), range(MESH[1])):
            tile = Rectangle((left + x + 0.04, bottom + y + 0.04), 0.92, 0.92, edgecolor="#bbbbbb", linewidth=0.6)
            tile.set_facecolor("none")
            axes.add_patch(tile)
        if chips > 1:
            axes.text(left + 0.04, bottom + MESH[1] + 0.15, f"chip {chip + 1}", fontsize="small", color="#444444")
    for core, layers in _layers_on(layout).items():
        chip = core // per_chip
        x, y = tile_positions(np.array([core % per_chip]), per_chip)[0]
        corner = core % per_chip % CORES_PER_TILE
        left = chip % columns * width + x + 0.08 + 0.43 * (corner % 2)
        bottom = -(chip // columns) * height + y + 0.08 + 0.43 * (corner // 2)
        for part, layer in enumerate(layers):
            share = 0.41 / len(layers)
            axes.add_patch(Rectangle((left + part * share, bottom), share, 0.41, color=colors[layer], linewidth=0))
            if len(layers) <= _NUMBERED:
                size = 5.5 if len(layers) == 1 else 4.0
                axes.text(left + (part + 0.5) * share, bottom + 0.2, str(layer + 1), fontsize=size, ha="center",
                          va="center", color=_ink(colors[layer]))  # fmt: skip
    handles = [Rectangle((0, 0), 1, 1, color=color) for color in colors]
    names = [f"{number} {name}" for number, name in enumerate(layout.core, start=1)]
    axes.legend(handles, names, fontsize="x-small", ncols=_LEGEND_COLUMNS[columns > 1], loc="upper center",
                bbox_to_anchor=(0.5, 0.0), handlelength=1.2)  # fmt: skip
    axes.set_title(f"{layout.num_cores} cores on {chips} chip{'s' if chips > 1 else ''}")
    return figure


def layer_colors(count: int) -> list[Any]:
    """Return a color for each layer: distinct ones for a few, a scale from the first layer to the last for more."""
    if count <= len(CATEGORIES):
        return list(CATEGORIES[:count])
    return [to_hex(color) for color in colormaps["turbo"](np.linspace(0.05, 0.95, count))]


def _ink(color: str) -> str:
    """Return white or black, whichever can be read on a color."""
    red, green, blue = to_rgb(color)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else "black"


def _layers_on(layout: Layout) -> dict[int, list[int]]:
    """Return core -> numbers of the layers on it."""
    owners: dict[int, set[int]] = {}
    for number, cores in enumerate(layout.core.values()):
        for core in cores:
            owners.setdefault(int(core), set()).add(number)
    return {core: sorted(layers) for core, layers in owners.items()}


def draw_traffic(activity: Activity, samples: int, cores: Array | None = None, cores_per_chip: int = 0) -> Figure:
    """Draw the messages from core to core, a sample and step.

    Args:
        activity: What the chip did.
        samples: Number of samples.
        cores: Number of each core over all chips.
        cores_per_chip: Cores of a chip; where both are given, lines are drawn where a chip ends.
    """
    figure = new_figure(5.0, 4.0)
    axes = figure.subplots()
    mean = activity.traffic / max(samples * activity.steps, 1)
    norm = LogNorm(*_decades(mean[mean > 0]))
    image = axes.imshow(np.where(mean > 0, mean, np.nan), cmap="viridis_r", norm=norm)
    if cores is not None and cores_per_chip:
        for border in np.flatnonzero(np.diff(cores // cores_per_chip)) + 0.5:
            axes.axhline(border, color="#D55E00", linewidth=0.8)
            axes.axvline(border, color="#D55E00", linewidth=0.8)
    axes.grid(visible=False)
    axes.set(xlabel="to core", ylabel="from core", title="Messages from core to core")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    figure.colorbar(image, ax=axes, label="messages a step")
    return figure


def _decades(values: Array) -> tuple[float, float]:
    """Return the limits of a logarithmic scale: at most four decades, and never nothing."""
    highest = float(values.max(initial=1e-3))
    return min(max(float(values.min(initial=highest)), highest * 1e-4), highest / 10), highest


def draw_costs(reports: Sequence[EnergyReport]) -> Figure:
    """Draw what energy and time of a sample consist of, a bar of 100 % for each profile with its total."""
    figure = new_figure(8.2, 1.7 + 0.45 * len(reports))
    energy, time = figure.subplots(1, 2, sharey=True)
    names = [report.profile for report in reports]
    parts = {
        energy: ("synapse_uj", "update_uj", "spike_uj", "hop_uj", "static_uj"),
        time: ("compute_ms", "communication_ms", "barrier_ms", "overhead_ms"),
    }
    totals = {
        energy: [_energy(report.energy_uj) for report in reports],
        time: [f"{short_number(report.time_ms)} ms" for report in reports],
    }
    for axes, kinds in parts.items():
        table = np.array([[getattr(report, kind) for kind in kinds] for report in reports])
        table = 100 * table / np.maximum(table.sum(axis=1, keepdims=True), 1e-12)
        left = np.zeros(len(reports))
        for column, (kind, color) in enumerate(zip(kinds, CATEGORIES, strict=False)):
            axes.barh(names, table[:, column], left=left, color=color, label=kind.rpartition("_")[0])
            left += table[:, column]
        for row, total in enumerate(totals[axes]):
            axes.text(102, row, total, va="center", fontsize="small")
        axes.set_xlim(0, 130)
        axes.set_xticks(range(0, 101, 25))
        axes.grid(visible=False, axis="y")
        axes.legend(fontsize="x-small", ncols=5, loc="upper center", bbox_to_anchor=(0.45, -0.32), handlelength=1.0,
                    columnspacing=1.0)  # fmt: skip
    energy.set(xlabel="share of a sample's energy / %", title="Energy")
    time.set(xlabel="share of a sample's time / %", title="Time")
    return figure


def _energy(value_uj: float) -> str:
    return f"{short_number(value_uj)} µJ" if value_uj < 1000 else f"{short_number(value_uj / 1000)} mJ"


def draw_error_against_product(
    curves: Mapping[str, tuple[Array, Array]], label: str = "Classification error (%)"
) -> Figure:
    """Draw the error against the energy-delay product (Rueckauer 2020, figure 3.10).

    Args:
        curves: Profile -> products in µJs and errors, one for each number of steps.
        label: Of the axis of errors.
    """
    figure = new_figure(5.2, 3.4)
    axes = figure.subplots()
    for (profile, (product, error)), color in zip(curves.items(), (SNN, *CATEGORIES[1:]), strict=False):
        axes.semilogx(product, error, marker=".", label=profile, color=color)
    axes.set(xlabel="energy-delay product / µJs", ylabel=label, title="Error against energy-delay product")
    axes.legend(fontsize="small")
    return figure
