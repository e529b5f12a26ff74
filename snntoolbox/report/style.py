"""How figures look, and how they become files: object-oriented matplotlib, whose global settings are left alone."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from snntoolbox.errors import ConfigError, Problem

__all__ = [
    "ACTIVATION",
    "ANN",
    "CATEGORIES",
    "PARSED",
    "SNN",
    "SPIKE",
    "check_plot_properties",
    "data_uri",
    "figure_style",
    "new_figure",
    "save_figure",
    "write_legend",
]

# Okabe and Ito's palette: distinct for color-blind readers, and in grey.
SNN, ANN, PARSED = "#0072B2", "#D55E00", "#767676"
ACTIVATION, SPIKE = "#E69F00", "#1B1B1B"
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

_STYLE: Mapping[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "axes.labelcolor": "#222222",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.figsize": (6.4, 4.0),
    "font.size": 10,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "image.interpolation": "nearest",
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "lines.linewidth": 1.8,
    "savefig.dpi": 150,
    "savefig.format": "png",
    # The same figure gives the same file.
    "svg.hashsalt": "snntoolbox",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
}


@contextmanager
def figure_style(properties: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Draw and save figures in the style of the package, whatever matplotlib is set to elsewhere.

    Args:
        properties: Settings of matplotlib that come on top, by their rc names.

    Raises:
        ConfigError: matplotlib does not know a name or refuses a value.
    """
    problems = check_plot_properties(properties or {})
    if problems:
        raise ConfigError("settings of matplotlib that cannot be used:", problems)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        settings: dict[Any, Any] = {**_STYLE, **(properties or {})}
        matplotlib.rcParams.update(settings)
        yield


def check_plot_properties(properties: Mapping[str, Any]) -> list[Problem]:
    """Return what matplotlib refuses among settings given by their rc names."""
    problems = []
    for name, value in properties.items():
        where = f"[output] plotproperties, '{name}'"
        if name not in matplotlib.rcParams or name.startswith("backend"):
            problems.append(Problem(where, "is no setting of a matplotlib figure.", "See matplotlib's rcParams."))
            continue
        try:
            matplotlib.RcParams({name: value})
        except (ValueError, TypeError) as error:
            problems.append(Problem(where, f"matplotlib refuses {value!r}: {str(error).splitlines()[0]}"))
    return problems


def new_figure(width: float | None = None, height: float | None = None) -> Figure:
    """Return an empty figure, of a size in inches or of the size set in the style."""
    wide, high = matplotlib.rcParams["figure.figsize"]
    figure = Figure(figsize=(width or wide, height or high))
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure as ``path`` plus the suffix set in the style (``savefig.format``) and return the file."""
    suffix = str(matplotlib.rcParams["savefig.format"])
    target = path.with_name(f"{path.name}.{suffix}")
    figure.savefig(target, format=suffix, metadata=_metadata(suffix))
    return target


def data_uri(figure: Figure) -> str:
    """Return a figure as an SVG that a page can hold in itself."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=_metadata("svg"))
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _metadata(suffix: str) -> dict[str, Any]:
    return {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix, {})


def write_legend(axes: Axes, **options: Any) -> None:
    """Add a legend if there is something to explain."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**options)
