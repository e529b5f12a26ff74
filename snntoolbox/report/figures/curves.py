"""Curves over time and over operations."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from snntoolbox.analysis.results import Results
from snntoolbox.report.material import Material, Sweep
from snntoolbox.report.quality import ErrorCurve, error_curve
from snntoolbox.report.style import ANN, PARSED, SNN, new_figure, write_legend
from snntoolbox.report.wording import short_number

__all__ = ["draw_error_over_time", "draw_operations", "draw_sweep"]

FloatArray = NDArray[np.float64]


def draw_error_over_time(material: Material) -> Figure | None:
    """Error of the spiking network after each step, with the error of the ANN as a line."""
    results, curve = material.results, error_curve(material.results)
    if curve is None:
        return None
    figure = new_figure()
    axes = figure.add_subplot()
    time = results.dt_ms * np.arange(1, len(curve.values) + 1)
    if curve.band is not None:
        axes.fill_between(time, *curve.band, color=SNN, alpha=0.15, linewidth=0)
    axes.plot(time, curve.values, color=SNN, label=f"SNN, at the end {curve.text(curve.values[-1])}")
    if curve.top_k is not None:
        label = f"SNN, top {results.accuracy.k}: {curve.text(curve.top_k[-1])}"
        axes.plot(time, curve.top_k, color=SNN, linewidth=1, linestyle=":", label=label)
    _draw_reference_lines(axes, curve)
    axes.set_xlabel("Simulated time (ms)")
    axes.set_ylabel(curve.label)
    axes.set_xlim(0, time[-1])
    _scale_error_axis(axes, curve)
    write_legend(axes, loc="upper right")
    return figure


def _draw_reference_lines(axes: Axes, curve: ErrorCurve) -> None:
    """Lines at the error of the ANN, and of the parsed graph where that differs."""
    if curve.ann is not None:
        axes.axhline(curve.ann, color=ANN, linestyle="--", linewidth=1.4, label=f"ANN, {curve.text(curve.ann)}")
    if curve.parsed is not None and curve.parsed != curve.ann:
        label = f"parsed network, {curve.text(curve.parsed)}"
        axes.axhline(curve.parsed, color=PARSED, linestyle=":", linewidth=1.4, label=label)


def _scale_error_axis(axes: Axes, curve: ErrorCurve) -> None:
    """Spread out small errors where the curve spans more than a decade; zero stays on the axis."""
    drawn = np.concatenate([curve.values, [] if curve.top_k is None else curve.top_k, [curve.ann or np.nan]])
    highest, lowest = float(np.nanmax(drawn)), float(np.nanmin(drawn))
    if highest <= 0 or lowest > highest / 10:
        axes.set_ylim(bottom=0)
        return
    if lowest > 0:
        axes.set_yscale("log")
        axes.set_ylim(lowest / 1.6, highest * 1.3)
    else:
        lowest = curve.resolution or highest * 1e-6
        axes.set_yscale("symlog", linthresh=lowest, linscale=0.3)
        axes.set_ylim(0, highest * 1.3)
    decades = 10.0 ** np.arange(np.floor(np.log10(lowest)) - 1, np.ceil(np.log10(highest)) + 1)
    ticks = [m * d for d in decades for m in ((1, 2, 5) if highest < 1e4 * lowest else (1,))]
    bottom, top = axes.get_ylim()
    axes.yaxis.set_major_locator(FixedLocator([0.0, *(t for t in ticks if max(bottom, lowest / 1.6) <= t <= top)]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def draw_operations(material: Material) -> Figure | None:
    """Error against operations, and operations against time, with the ANN's single forward pass as reference."""
    results = material.results
    operations = results.operations
    if operations.snn_over_time is None:
        return None
    curve = error_curve(results)
    spent = operations.snn_over_time + 2 * (operations.snn_input_macs or 0)
    figure = new_figure(9.6, 3.8) if curve is not None else new_figure()
    panels = figure.subplots(1, 2 if curve is not None else 1, squeeze=False)[0]
    if curve is not None:
        _draw_error_over_operations(panels[0], curve, spent, operations.ann)
    _draw_operations_over_time(panels[-1], results, spent)
    return figure


def _draw_error_over_operations(axes: Axes, curve: ErrorCurve, spent: FloatArray, ann: int | None) -> None:
    active = spent > 0
    axes.plot(spent[active], curve.values[active], color=SNN, label="SNN, step by step")
    if curve.ann is not None and ann:
        axes.plot([ann], [curve.ann], color=ANN, marker="X", markersize=9, linestyle="none", label="ANN, one pass")
    axes.set_xscale("log")
    axes.set_xlabel("Operations for one sample")
    few_powers = _decades(spent[active], ann) < 2.5
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few_powers else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_ylabel(curve.label)
    _scale_error_axis(axes, curve)
    write_legend(axes, loc="best")


def _decades(spent: FloatArray, ann: int | None) -> float:
    values = [*spent[[0, -1]], *([ann] if ann else [])] if spent.size else [1.0]
    return float(np.log10(max(values) / min(values)))


def _draw_operations_over_time(axes: Axes, results: Results, spent: FloatArray) -> None:
    time = results.dt_ms * np.arange(len(spent) + 1)
    start = 2.0 * (results.operations.snn_input_macs or 0)
    axes.plot(time, [start, *spent], color=SNN, label=f"SNN, at the end {short_number(spent[-1])}")
    ann = results.operations.ann
    if ann:
        axes.axhline(ann, color=ANN, linestyle="--", linewidth=1.4, label=f"ANN, {short_number(ann)}")
    axes.set_xlabel("Simulated time (ms)")
    axes.set_ylabel("Operations for one sample")
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlim(0, time[-1])
    axes.set_ylim(bottom=0)
    write_legend(axes, loc="upper left")


def draw_sweep(material: Material) -> Figure | None:
    """Error and operations at the end of each run of a sweep."""
    sweep = material.sweep
    if sweep is None or not sweep.values or sweep.codes:
        return None
    panels = [panel for panel in (_sweep_error(sweep), _sweep_operations(sweep)) if panel is not None]
    if not panels:
        return None
    figure = new_figure(4.8 * len(panels), 3.6) if len(panels) > 1 else new_figure()
    points = np.asarray(sweep.values, np.float64)
    order = np.argsort(points)
    values = points[order]
    for axes, (label, heights, ann) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        axes.plot(values, np.asarray(heights)[order], color=SNN, marker="o", markersize=5, label="SNN")
        if ann is not None:
            axes.axhline(ann, color=ANN, linestyle="--", linewidth=1.4, label="ANN")
        if sweep.logscale and values.min() > 0:
            axes.set_xscale("log")
        if len(values) <= 8:
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.set_xlabel(sweep.parameter)
        axes.set_ylabel(label)
        if axes.get_ylim()[1] > 1000:
            axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_ylim(bottom=0)
        write_legend(axes)
    return figure


Panel = tuple[str, list[float], float | None]


def _sweep_error(sweep: Sweep) -> Panel | None:
    curves = [error_curve(results) for results in sweep.results]
    known = [curve for curve in curves if curve is not None]
    if len(known) < len(curves):
        return None
    return known[0].label, [float(curve.values[-1]) for curve in known], known[0].ann


def _sweep_operations(sweep: Sweep) -> Panel | None:
    totals = [results.operations.snn_total for results in sweep.results]
    known = [total for total in totals if total is not None]
    ann = sweep.results[0].operations.ann
    return ("Operations for one sample", known, ann) if len(known) == len(totals) else None
