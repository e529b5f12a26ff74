"""Spike codes against each other (Rueckauer 2020, figures 2.9 and 2.11-2.14), and entropy codes (figure 2.15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from snntoolbox.analysis.activation_values import ActivationCoding
from snntoolbox.analysis.results import Results
from snntoolbox.report.material import Material, Sweep
from snntoolbox.report.quality import ErrorCurve, error_curve
from snntoolbox.report.style import CATEGORIES, new_figure, write_legend

__all__ = ["CODE_NAMES", "draw_code_sweep", "draw_codings", "draw_entropy_codes"]

FloatArray = NDArray[np.float64]
CODE_NAMES = {
    "unary": "Unary",
    "binary": "Binary",
    "ternary": "Ternary",
    "fibonacci": "Fibonacci",
    "elias_gamma": "Elias γ",
    "elias_delta": "Elias δ",
    "elias_omega": "Elias ω",
    "golomb_3": "Golomb, m = 3",
    "golomb": "Golomb, best m",
    "rice_2": "Rice, r = 2",
    "rice": "Rice, best r",
    "huffman": "Huffman",
}
"""Name of an entropy code -> what figures call it."""


@dataclass(frozen=True, eq=False)
class _Line:
    """What one code shows: a curve over time for one run, or the ends of several runs.

    Attributes:
        cost, error: Of each point.
        labels: Text beside the points; empty for a curve.
    """

    code: str
    cost: FloatArray
    error: FloatArray
    labels: tuple[str, ...] = ()


def draw_code_sweep(material: Material) -> Figure | None:
    """Error against operations, and against energy, of several spike codes, with the ANN as a point."""
    sweep = material.sweep
    if sweep is None or not sweep.codes:
        return None
    curves = [error_curve(results) for results in sweep.results]
    known = [curve for curve in curves if curve is not None]
    if len(known) < len(curves):
        return None
    profile = _shared_profile(sweep.results)
    figure = new_figure(10.4 if profile else 6.4, 4.2)
    panels = figure.subplots(1, 2 if profile else 1, squeeze=False)[0]
    first = sweep.results[0]
    _draw_lines(panels[0], _operation_lines(sweep, known), known[0], first.operations.ann)
    panels[0].set_xlabel("Operations for one sample")
    if profile:
        energy = first.energy[profile]
        _draw_lines(panels[1], _energy_lines(sweep, known, profile), known[0], energy.ann)
        panels[1].set_xlabel(f"Energy for one sample ({energy.unit}; {profile})")
    write_legend(panels[0], fontsize="small")
    return figure


def _operation_lines(sweep: Sweep, curves: Sequence[ErrorCurve]) -> list[_Line]:
    """Return a line for each code: over time if it ran once, over the ends of its runs if it ran for several values."""
    lines = []
    for code, places in _by_code(sweep).items():
        results = [sweep.results[place] for place in places]
        over_time = results[0].operations.snn_over_time
        if len(places) == 1 and over_time is not None:
            spent = over_time + _once(results[0])
            lines.append(_Line(code, spent[spent > 0], curves[places[0]].values[spent > 0]))
        else:
            cost = np.array([one.operations.snn_total or np.nan for one in results], np.float64)
            lines.append(_ends(sweep, code, places, cost, curves))
    return lines


def _energy_lines(sweep: Sweep, curves: Sequence[ErrorCurve], profile: str) -> list[_Line]:
    lines = []
    for code, places in _by_code(sweep).items():
        cost = np.array([sweep.results[place].energy[profile].snn for place in places], np.float64)
        lines.append(_ends(sweep, code, places, cost, curves))
    return lines


def _once(results: Results) -> float:
    """Return the operations that are spent before the first spike."""
    total, spikes = results.operations.snn_total, results.operations.snn
    return (total or 0.0) - (spikes or 0.0)


def _ends(sweep: Sweep, code: str, places: Sequence[int], cost: FloatArray, curves: Sequence[ErrorCurve]) -> _Line:
    error = np.array([curves[place].values[-1] for place in places], np.float64)
    values = [sweep.values[place] for place in places]
    return _Line(code, cost, error, tuple("" if value is None else f"{value:g}" for value in values))


def _by_code(sweep: Sweep) -> dict[str, list[int]]:
    """Return the runs of each code, in the order of the swept values."""
    found: dict[str, list[int]] = {}
    for place, code in enumerate(sweep.codes):
        found.setdefault(code, []).append(place)
    return {code: sorted(places, key=lambda place: sweep.values[place] or 0.0) for code, places in found.items()}


def _draw_lines(axes: Axes, lines: Sequence[_Line], curve: ErrorCurve, ann_cost: float | None) -> None:
    colors = dict(zip((line.code for line in lines), CATEGORIES * len(lines), strict=False))
    for line in lines:
        color = colors[line.code]
        if not line.labels:
            axes.plot(line.cost, line.error, color=color, label=line.code)
            axes.plot(line.cost[-1:], line.error[-1:], color=color, marker="o", markersize=5)
            continue
        axes.plot(line.cost, line.error, color=color, marker="o", markersize=5, linewidth=1, label=line.code)
        for x, y, text in zip(line.cost, line.error, line.labels, strict=True):
            axes.annotate(text, (x, y), (4, 4), textcoords="offset points", fontsize="small", color=color)
    if curve.ann is not None and ann_cost:
        axes.plot([ann_cost], [curve.ann], color="black", marker="X", markersize=9, linestyle="none", label="ANN")
    axes.set_xscale("log")
    costs = [cost for line in lines for cost in line.cost if cost > 0]
    few_powers = bool(costs) and max(costs) < 300 * min(costs)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few_powers else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_ylabel(curve.label)
    highest = max((float(line.error.max(initial=0.0)) for line in lines), default=1.0)
    lowest = min(float(line.error.min(initial=np.inf)) for line in lines)
    if lowest > 0 and highest > 10 * lowest:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    else:
        axes.set_ylim(bottom=0)


def _shared_profile(results: Sequence[Results]) -> str:
    """Return the first cost profile that prices every run; empty if there is none."""
    names = list(results[0].energy) if results else []
    return next((name for name in names if all(_priced(one, name) for one in results)), "")


def _priced(results: Results, profile: str) -> bool:
    energy = results.energy.get(profile)
    return energy is not None and bool(energy.snn) and bool(energy.ann)


def draw_entropy_codes(material: Material) -> Figure | None:
    """Kullback-Leibler divergence and mean length of a word, for every entropy code."""
    coding = material.results.coding
    return None if coding is None else draw_codings({"": coding})


def draw_codings(codings: Mapping[str, ActivationCoding]) -> Figure:
    """Return bars of the divergence of several networks' activations from what each code fits best.

    To be called within `snntoolbox.report.style.figure_style`.

    Args:
        codings: Name of the network, for the legend -> how codes fit its activations.
    """
    first = next(iter(codings.values()))
    names = sorted(first.codes, key=lambda code: -sum(one.codes[code].divergence for one in codings.values()))
    figure = new_figure(9.6, 3.9)
    axes = figure.add_subplot()
    width, places = 0.8 / len(codings), np.arange(len(names))
    highest = 1.15 * max(one.codes[code].divergence for one in codings.values() for code in names if code != "unary")
    for number, (network, coding) in enumerate(codings.items()):
        heights = np.array([coding.codes[code].divergence for code in names])
        left = places + (number - (len(codings) - 1) / 2) * width
        bars = axes.bar(left, np.minimum(heights, highest), width, color=CATEGORIES[number % 6], label=network or None)
        texts = [f"{height:.2g}" if height < 10 else f"{height:.0f}" for height in heights]
        axes.bar_label(bars, texts, fontsize="x-small" if len(codings) > 1 else "small", padding=1)
    axes.set_xticks(places, [CODE_NAMES.get(code, code) for code in names], rotation=30, ha="right")
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("Divergence (bits beyond the entropy)")
    axes.set_ylim(0, 1.08 * highest)
    write_legend(axes)
    return figure
