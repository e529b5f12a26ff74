"""Every figure, under the name that ``plot_vars`` selects it by. A new one is a function plus an entry in `FIGURES`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from snntoolbox.report import loihi_section
from snntoolbox.report.figures import captions
from snntoolbox.report.figures.codes import draw_code_sweep, draw_entropy_codes
from snntoolbox.report.figures.curves import draw_error_over_time, draw_operations, draw_sweep
from snntoolbox.report.figures.layers import draw_correlation, draw_histograms, draw_normalization, draw_spike_counts
from snntoolbox.report.figures.matrix import draw_confusion_matrix
from snntoolbox.report.figures.propagation import draw_exits, draw_propagation
from snntoolbox.report.figures.sample import draw_activations, draw_input, draw_potentials, draw_raster, draw_rates
from snntoolbox.report.material import Material

__all__ = ["FIGURES", "FigureKind", "draw_figures"]


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure.

    Attributes:
        title: Heading.
        draw: Returns the figure, or None if there is nothing to show.
        caption: Returns what one sees.
        always: Whether it is drawn whenever there is something to show, selected or not.
    """

    title: str
    draw: Callable[[Material], Figure | None]
    caption: Callable[[Material], str]
    always: bool = False


FIGURES: dict[str, FigureKind] = {
    "error_t": FigureKind("Error over time", draw_error_over_time, captions.error_over_time),
    "operations": FigureKind("Operations", draw_operations, captions.operations),
    "parameter_sweep": FigureKind("Parameter sweep", draw_sweep, captions.sweep, always=True),
    "spike_codes": FigureKind("Spike codes", draw_code_sweep, captions.code_sweep, always=True),
    "entropy_codes": FigureKind("Entropy codes", draw_entropy_codes, captions.entropy_codes, always=True),
    "confusion_matrix": FigureKind("Confusion matrix", draw_confusion_matrix, captions.confusion_matrix),
    "correlation": FigureKind("Rates against activations", draw_correlation, captions.correlation),
    "propagation_error": FigureKind("Propagation error", draw_propagation, captions.propagation),
    "early_exit": FigureKind("Early exit", draw_exits, captions.exits, always=True),
    "hist_spikerates_activations": FigureKind(
        "Distribution of rates and activations", draw_histograms, captions.histograms
    ),
    "spikecounts": FigureKind("Spikes in each layer", draw_spike_counts, captions.spike_counts),
    "normalization_activations": FigureKind(
        "Activations before and after normalisation", draw_normalization, captions.normalization
    ),
    "input_image": FigureKind("One sample: input", draw_input, captions.sample_input),
    "spiketrains": FigureKind("One sample: spike trains", draw_raster, captions.raster),
    "v_mem": FigureKind("One sample: membrane potentials", draw_potentials, captions.potentials),
    "activations": FigureKind("One sample: activations", draw_activations, captions.activations),
    "spikerates": FigureKind("One sample: rates", draw_rates, captions.rates),
    "loihi_chip": FigureKind("Loihi: chip", loihi_section.chip, loihi_section.chip_caption, always=True),
    "loihi_cores": FigureKind("Loihi: resources", loihi_section.usage, loihi_section.usage_caption, always=True),
    "loihi_traffic": FigureKind("Loihi: traffic", loihi_section.traffic, loihi_section.traffic_caption, always=True),
    "loihi_costs": FigureKind("Loihi: energy and time", loihi_section.costs, loihi_section.costs_caption, always=True),
    "loihi_product": FigureKind(
        "Loihi: error against energy-delay product",
        loihi_section.error_against_product,
        loihi_section.error_against_product_caption,
        always=True,
    ),
}
"""Kinds of figures, in the order of the report."""


def draw_figures(material: Material, names: Iterable[str]) -> Iterator[tuple[str, FigureKind, Figure]]:
    """Yield the selected figures for which there is something to show, in the order of the report.

    To be called, and its figures to be saved, within `snntoolbox.report.style.figure_style`.
    """
    selected = frozenset(names)
    for name, kind in FIGURES.items():
        figure = kind.draw(material) if kind.always or name in selected else None
        if figure is not None:
            yield name, kind, figure
