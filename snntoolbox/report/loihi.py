"""Pictures of a network on Loihi: what the cores hold, who talks to whom, where energy and time go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from snntoolbox.backends.loihi.emulator import Activity
from snntoolbox.backends.loihi.energy import EnergyReport
from snntoolbox.backends.loihi.mesh import CORES_PER_TILE, MESH, tile_positions
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.usage import limit_vector
from snntoolbox.report.style import CATEGORIES, SNN, new_figure

__all__ = ["draw_chip", "draw_costs", "draw_error_against_product", "draw_traffic", "draw_usage", "usage_table"]

Array = NDArray[Any]
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
    figure = new_figure(7.0, 3.2)
    axes = figure.subplots()
    table = np.stack(list(layout.core_usage().values()))
    share = 100 * table / np.maximum(limit_vector(table, layout.limits), 1)
    for (column, label), color in zip(_SHOWN.items(), CATEGORIES, strict=False):
        axes.plot(np.sort(share[:, column])[::-1], label=label, color=color)
    axes.set(xlabel="cores, fullest first", ylabel="used / %", title="Resources of the cores", ylim=(0, 102))
    axes.legend(fontsize="small")
    return figure


def draw_chip(layout: Layout) -> Figure:
    """Draw the chips with their tiles and cores; a core has the color of its layers."""
    chips, per_chip = layout.num_chips, layout.limits.cores_per_chip
    figure = new_figure(1.0 + 4.5 * min(chips, 4), 3.0)
    axes = figure.subplots()
    axes.set_xlim(-0.2, chips * MESH[0] + 0.2)
    axes.set_ylim(-0.2, MESH[1] + 0.2)
    axes.set_aspect("equal")
    axes.set_axis_off()
    for x in range(chips * MESH[0]):
        for y in range(MESH[1]):
            axes.add_patch(Rectangle((x + 0.05, y + 0.05), 0.9, 0.9, fill=False, edgecolor="#bbbbbb", linewidth=0.6))
    owners: dict[int, list[int]] = {}
    for number, cores in enumerate(layout.core.values()):
        for core in cores:
            owners.setdefault(int(core), []).append(number)
    for core, layers in owners.items():
        x, y = tile_positions(np.array([core]), per_chip)[0]
        corner = core % per_chip % CORES_PER_TILE
        left, bottom = x + 0.1 + 0.41 * (corner % 2), y + 0.1 + 0.41 * (corner // 2)
        for part, layer in enumerate(sorted(set(layers))):
            width = 0.38 / len(set(layers))
            color = CATEGORIES[layer % len(CATEGORIES)]
            axes.add_patch(Rectangle((left + part * width, bottom), width, 0.38, color=color, linewidth=0))
    shown = list(layout.core)
    handles = [Rectangle((0, 0), 1, 1, color=CATEGORIES[i % len(CATEGORIES)]) for i in range(len(shown))]
    axes.legend(handles, shown, fontsize="x-small", ncols=6, loc="upper center", bbox_to_anchor=(0.5, 0.0))
    axes.set_title(f"{layout.num_cores} cores on {chips} chip{'s' if chips > 1 else ''}")
    return figure


def draw_traffic(activity: Activity, samples: int) -> Figure:
    """Draw the messages from core to core, a sample and step."""
    figure = new_figure(4.6, 4.0)
    axes = figure.subplots()
    mean = activity.traffic / max(samples * activity.steps, 1)
    image = axes.imshow(np.log10(np.maximum(mean, 1e-3)), cmap="viridis")
    axes.grid(visible=False)
    axes.set(xlabel="to core", ylabel="from core", title="Messages a step, log10")
    figure.colorbar(image, ax=axes)
    return figure


def draw_costs(reports: Sequence[EnergyReport]) -> Figure:
    """Draw where energy and time of a sample go, a bar for each profile."""
    figure = new_figure(7.6, 1.6 + 0.5 * len(reports))
    energy, time = figure.subplots(1, 2, sharey=True)
    names = [report.profile for report in reports]
    parts = {
        energy: ("synapse_uj", "update_uj", "spike_uj", "hop_uj", "static_uj"),
        time: ("compute_ms", "communication_ms", "barrier_ms", "overhead_ms"),
    }
    for axes, kinds in parts.items():
        left = np.zeros(len(reports))
        for kind, color in zip(kinds, CATEGORIES, strict=False):
            values = np.array([getattr(report, kind) for report in reports])
            axes.barh(names, values, left=left, color=color, label=kind.rpartition("_")[0])
            left += values
        axes.legend(fontsize="x-small")
    energy.set(xlabel="energy of a sample / µJ", title="Energy")
    time.set(xlabel="time of a sample / ms", title="Time")
    return figure


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
