"""The confusion matrix."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snntoolbox.report.material import Material
from snntoolbox.report.style import new_figure

__all__ = ["draw_confusion_matrix"]

_MAX_WRITTEN = 20  # classes up to which counts are written into the fields
_MAX_NAMED = 60  # classes up to which every row and column is named


def draw_confusion_matrix(material: Material) -> Figure | None:
    """Which classes the spiking network takes for which; of the ANN if nothing was simulated."""
    confusion = material.results.accuracy.confusion
    counts = confusion.get("snn", confusion.get("ann", confusion.get("parsed")))
    if counts is None:
        return None
    classes = len(counts)
    names = [material.class_name(number) for number in range(classes)]
    columns = names if not counts[:, -1].any() else [*names, "undecided"]
    counts = counts[:, : len(columns)]
    samples = counts.sum(axis=1, keepdims=True)
    shares = np.where(samples > 0, 100 * counts / np.maximum(samples, 1), np.nan)
    size = float(np.clip(2.4 + 0.36 * classes, 4.0, 8.0))
    figure = new_figure(size + 1.2, size)
    figure.set_layout_engine("compressed")
    axes = figure.add_subplot()
    # Below linear, so that rare confusions can be seen beside the diagonal.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.4, 0, 100))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    if classes <= _MAX_WRITTEN:
        _write_counts(axes, counts, shares)
    _name_classes(axes, names, columns)
    figure.colorbar(image, ax=axes, shrink=0.75, label="Share of the class (%)", ticks=[0, 1, 5, 20, 50, 100])
    return figure


def _write_counts(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    for row, column in np.argwhere(counts > 0):
        color = "white" if shares[row, column] > 20 else "#222222"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize="x-small", color=color)


def _name_classes(axes: Axes, rows: list[str], columns: list[str]) -> None:
    axes.set_xlabel("Predicted class")
    axes.set_ylabel("Class")
    if len(rows) > _MAX_NAMED:
        return
    small = "small" if len(rows) <= _MAX_WRITTEN else 5
    axes.set_xticks(range(len(columns)), columns, fontsize=small)
    if max(map(len, columns)) > 2:
        axes.tick_params(axis="x", rotation=60)
    axes.set_yticks(range(len(rows)), rows, fontsize=small)
    axes.tick_params(length=0)
