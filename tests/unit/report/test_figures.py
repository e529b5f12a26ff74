"""Figures show what is in the results, and leave matplotlib's settings alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import get_args

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from snntoolbox.analysis.results import Accuracy, Results, RunInfo
from snntoolbox.config.settings.option_types import PlotVar
from snntoolbox.report.figures import FIGURES, draw_figures
from snntoolbox.report.figures.curves import draw_error_over_time, draw_operations, draw_sweep
from snntoolbox.report.figures.layers import MAX_PANELS, draw_correlation, draw_histograms, draw_spike_counts, spread
from snntoolbox.report.figures.matrix import draw_confusion_matrix
from snntoolbox.report.figures.sample import draw_input, draw_potentials, draw_raster, mosaic
from snntoolbox.report.material import Material, SampleView
from snntoolbox.report.style import data_uri, figure_style


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with figure_style():
        yield


def labels_of(figure: Figure | None) -> str:
    """All text of a figure that is drawn from data or explains it."""
    assert figure is not None
    found = []
    for axes in figure.axes:
        found += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel(), *[t.get_text() for t in axes.texts]]
        found += [t.get_text() for t in (*axes.get_xticklabels(), *axes.get_yticklabels())]
        legend = axes.get_legend()
        found += [t.get_text() for t in legend.get_texts()] if legend else []
    return "\n".join(found)


def test_every_option_of_plot_vars_is_a_figure() -> None:
    assert set(get_args(PlotVar)) - {"all"} == {name for name, kind in FIGURES.items() if not kind.always}


@pytest.mark.parametrize("name", [name for name in FIGURES if not name.startswith("loihi_")])  # those: test_loihi.py
def test_every_figure_can_be_drawn_and_has_a_caption(name: str, material: Material, code_sweep: Material) -> None:
    kind = FIGURES[name]
    material = code_sweep if name == "spike_codes" else material
    figure = kind.draw(material)
    assert figure is not None and kind.title and kind.caption(material).endswith(".")
    figure.canvas.draw()
    assert any(axes.has_data() for axes in figure.axes)


@pytest.mark.parametrize("name", FIGURES)
def test_without_material_there_is_no_figure(name: str) -> None:
    assert FIGURES[name].draw(Material(Results(RunInfo(), 0, 0, 1.0))) is None


def test_figures_are_drawn_as_selected_in_the_order_of_the_report(material: Material) -> None:
    names = [name for name, _, _ in draw_figures(material, {"spikecounts", "error_t"})]
    # A sweep, a comparison of codes and early exit are always shown where they took place.
    assert names == ["error_t", "parameter_sweep", "entropy_codes", "early_exit", "spikecounts"]


def test_error_ends_at_the_error_of_the_run(material: Material) -> None:
    figure = draw_error_over_time(material)
    text = labels_of(figure)
    accuracy = material.results.accuracy
    assert accuracy.snn is not None and accuracy.ann is not None and figure is not None
    assert f"SNN, at the end {100 * (1 - accuracy.snn):.2f} %" in text
    assert f"ANN, {100 * (1 - accuracy.ann):.2f} %" in text
    assert "Simulated time (ms)" in text and "Classification error (%)" in text
    curve = figure.axes[0].lines[0]
    np.testing.assert_allclose(curve.get_xdata(), 0.5 * np.arange(1, 13))  # steps of 0.5 ms
    np.testing.assert_allclose(curve.get_ydata(), 100 * (1 - accuracy.snn_over_time))


@pytest.mark.parametrize(
    "curve", [np.ones(5), np.zeros(5), np.array([0.1, 0.9, 1.0, 1.0, 1.0]), np.linspace(0, 0.99, 5)]
)
def test_any_error_curve_can_be_drawn(curve: np.ndarray) -> None:
    accuracy = Accuracy(ann=1.0, snn=curve[-1], snn_over_time=curve)
    figure = draw_error_over_time(Material(Results(RunInfo(), 100, len(curve), 1.0, accuracy)))
    assert figure is not None
    figure.canvas.draw()
    bottom, top = figure.axes[0].get_ylim()
    assert bottom <= 100 * (1 - curve.max()) and top >= 100 * (1 - curve.min())


def test_regression_shows_the_squared_error() -> None:
    results = Results(RunInfo(), 9, 3, 1.0, mse_over_time={"snn_vs_targets": np.array([3.0, 2.0, 0.5])})
    assert "Mean squared error" in labels_of(draw_error_over_time(Material(results)))


def test_without_labels_the_decisions_of_the_ann_are_the_measure(build_results: Callable[..., Results]) -> None:
    material = Material(build_results(with_labels=False))
    assert "Decisions other than the ANN's (%)" in labels_of(draw_error_over_time(material))


def test_operations_start_with_those_of_the_input(material: Material) -> None:
    figure = draw_operations(material)
    assert figure is not None
    operations = material.results.operations
    assert operations.snn_over_time is not None and operations.snn_input_macs
    over_time = figure.axes[1].lines[0].get_ydata()
    np.testing.assert_allclose(over_time[0], 2 * operations.snn_input_macs)
    np.testing.assert_allclose(over_time[-1], operations.snn_total)


def test_deep_networks_are_shown_in_part(build_material: Callable[[int], Material]) -> None:
    deep = build_material(30)
    figure = draw_histograms(deep)
    assert figure is not None
    assert sum(axes.get_visible() for axes in figure.axes) == MAX_PANELS
    text = labels_of(figure)
    assert "1 Conv" in text and "30 Dense" in text
    counts = draw_spike_counts(deep)
    assert counts is not None and counts.get_figheight() < 12
    assert "12 of 30 layers" in FIGURES["correlation"].caption(deep)


def test_layers_are_spread_evenly() -> None:
    assert spread([str(n) for n in range(23)], 12) == [str(n) for n in range(0, 23, 2)]
    assert spread(["a", "b"], 12) == ["a", "b"]


def test_layers_go_by_their_own_names_if_asked(material: Material) -> None:
    assert "1 Conv" in labels_of(draw_spike_counts(material))
    assert "layer[0]" in labels_of(draw_spike_counts(replace(material, simple_labels=False)))


def test_silent_layers_can_be_drawn(material: Material) -> None:
    figure = draw_correlation(material)
    assert figure is not None
    layer = material.results.layers["layer[0]"]
    assert layer.comparison is not None
    silent = replace(layer.comparison, correlation=None, r_squared=None, points=np.zeros((2, 0), np.float32))
    layers = {"layer[0]": replace(layer, comparison=silent)}
    again = draw_correlation(replace(material, results=replace(material.results, layers=layers)))
    assert again is not None
    again.canvas.draw()


def test_confusion_matrix_counts_and_names(material: Material) -> None:
    text = labels_of(draw_confusion_matrix(material))
    assert "zero" in text and "three" in text and "undecided" not in text
    assert "1 classes have no sample" in FIGURES["confusion_matrix"].caption(material)
    confusion = np.array([[3, 0, 2], [0, 0, 0]])
    undecided = replace(material.results, accuracy=Accuracy(confusion={"snn": confusion}))
    text = labels_of(draw_confusion_matrix(Material(undecided)))
    assert "undecided" in text and "3" in text and "2" in text


def test_confusion_matrix_of_very_many_classes() -> None:
    confusion = np.hstack([np.eye(300, dtype=int) * 5, np.zeros((300, 1), int)])
    figure = draw_confusion_matrix(Material(Results(RunInfo(), 1500, 1, 1.0, Accuracy(confusion={"snn": confusion}))))
    assert figure is not None and not figure.axes[0].texts and max(figure.get_size_inches()) < 10


def test_raster_has_a_mark_for_each_spike(material: Material) -> None:
    figure, sample = draw_raster(material), material.sample
    assert figure is not None and sample is not None
    for axes, trains in zip(figure.axes, sample.record.spike_trains.values(), strict=True):
        assert len(axes.collections[0].get_segments()) == trains.sum()


def test_potentials_have_their_threshold(material: Material) -> None:
    figure = draw_potentials(material)
    assert figure is not None
    dashed = [[line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"] for axes in figure.axes]
    assert dashed[:3] == [[1.0], [1.0], []]


@pytest.mark.parametrize("shape", [(50,), (50, 2), (6, 8), (6, 8, 1), (6, 8, 3), (6, 8, 12), (3, 4, 5, 2)])
def test_input_of_any_shape_can_be_drawn(shape: tuple[int, ...], material: Material) -> None:
    assert material.sample is not None
    sample = SampleView(material.sample.record, np.random.default_rng(0).normal(size=shape))
    figure = draw_input(replace(material, sample=sample))
    assert figure is not None
    figure.canvas.draw()
    assert figure.axes[0].has_data()


def test_mosaic_lays_channels_side_by_side() -> None:
    maps = np.arange(24).reshape(2, 4, 3)
    image = mosaic(maps)
    nan = np.nan
    expected = [
        [0, 3, 6, 9, nan, 1, 4, 7, 10],
        [12, 15, 18, 21, nan, 13, 16, 19, 22],
        [nan] * 9,
        [2, 5, 8, 11, nan, nan, nan, nan, nan],
        [14, 17, 20, 23, nan, nan, nan, nan, nan],
    ]
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(mosaic(np.arange(5)), [[0, 1, 2], [3, 4, nan]])
    np.testing.assert_array_equal(mosaic(np.arange(6).reshape(3, 2)), [[0, 2, 4], [1, 3, 5]])


def test_sweep_is_sorted_by_value(material: Material) -> None:
    figure = draw_sweep(material)
    assert figure is not None
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_xdata(), [0.5, 1.0])
    assert "cell.v_thresh" in labels_of(figure) and figure.axes[0].get_xscale() == "log"


def test_the_same_figure_is_the_same_file(material: Material) -> None:
    first, second = (data_uri(figure) for figure in (draw_raster(material), draw_raster(material)) if figure)
    assert first == second


def test_no_global_state_is_used() -> None:
    code = (
        "import sys, matplotlib\n"
        "before = dict(matplotlib.rcParams)\n"
        "import snntoolbox.report.write\n"
        "from snntoolbox.report.style import data_uri, figure_style, new_figure\n"
        "with figure_style({'font.size': 20}):\n"
        "    data_uri(new_figure())\n"
        "assert dict(matplotlib.rcParams) == before\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_settings_of_the_user_come_on_top_and_those_outside_do_not_matter() -> None:
    with matplotlib.rc_context({"lines.linewidth": 33, "font.size": 44}), figure_style({"font.size": 7}):
        assert matplotlib.rcParams["font.size"] == 7
        assert matplotlib.rcParams["lines.linewidth"] == 1.8
