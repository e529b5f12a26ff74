"""The report: one HTML page that holds everything it shows, to be opened, sent or archived as a single file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from snntoolbox import __version__
from snntoolbox.report.loihi_section import detail_tables
from snntoolbox.report.material import Material
from snntoolbox.report.summary import (
    LAYER_COLUMNS,
    energy_rows,
    facts,
    layer_row,
    network_columns,
    network_rows,
    sweep_rows,
)
from snntoolbox.report.wording import seconds

__all__ = ["EmbeddedFigure", "render_report", "write_report"]


@dataclass(frozen=True)
class EmbeddedFigure:
    """A figure as the page holds it.

    Attributes:
        name: Its name in ``plot_vars``.
        title: Heading.
        caption: What one sees.
        source: The figure itself, as a data URI.
        file: Name of its file in the run folder; empty if it has none.
    """

    name: str
    title: str
    caption: str
    source: str
    file: str = ""


def render_report(material: Material, figures: Iterable[EmbeddedFigure]) -> str:
    """Return the page as text. It refers to no other file or address."""
    results = material.results
    environment = Environment(
        loader=PackageLoader("snntoolbox.report", "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    deviation = {stage: f"{value:.2g}" for stage, value in results.run.deviation.items()}
    timing = {stage: seconds(value) for stage, value in results.run.timing.items()}
    return environment.get_template("report.html").render(
        version=__version__,
        run=results.run,
        created=_date(results.run.created),
        results=results,
        facts=facts(results),
        networks=network_columns(results),
        network_rows=network_rows(results),
        stages=[(name, timing.get(name, ""), deviation.get(name, "")) for name in dict.fromkeys([*timing, *deviation])],
        energy_rows=energy_rows(results),
        sweep_rows=sweep_rows(material.sweep),
        layer_columns=LAYER_COLUMNS,
        layer_rows=[layer_row(material, name, layer) for name, layer in results.layers.items()],
        first_deviating=results.first_deviating_layer and material.label(results.first_deviating_layer),
        figures=list(figures),
        detail_tables=detail_tables(material),
        config=material.config,
    )


def _date(text: str) -> str:
    """Return an ISO 8601 date and time as people write it; other text as it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment.strftime("%Y-%m-%d %H:%M %Z").strip()


def write_report(path: Path, material: Material, figures: Iterable[EmbeddedFigure]) -> Path:
    """Write the page and return its path."""
    path.write_text(render_report(material, figures), encoding="utf-8")
    return path
