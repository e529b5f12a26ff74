"""Spike codes and entropy codes in figures and tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snntoolbox.analysis.activation_values import count_activations
from snntoolbox.analysis.results import Results
from snntoolbox.report.figures.codes import CODE_NAMES, draw_code_sweep, draw_codings, draw_entropy_codes
from snntoolbox.report.figures.curves import draw_sweep
from snntoolbox.report.html import render_report
from snntoolbox.report.material import Material
from snntoolbox.report.style import figure_style
from snntoolbox.report.summary import energy_rows, sweep_rows
from snntoolbox.report.write import write_sweep


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    with figure_style():
        yield


def test_a_code_that_ran_once_is_a_curve_and_others_are_points(code_sweep: Material) -> None:
    figure = draw_code_sweep(code_sweep)
    assert figure is not None and code_sweep.sweep is not None
    first, second = figure.axes
    results = code_sweep.sweep.results[0]
    curve = first.lines[0]
    assert results.operations.snn_over_time is not None
    once = 2 * (results.operations.snn_input_macs or 0)
    np.testing.assert_allclose(curve.get_xdata(), results.operations.snn_over_time + once)
    assert [text.get_text() for text in first.texts] == ["2", "4", "8"]  # sorted by value
    labels = [text.get_text() for text in first.get_legend().get_texts()]
    assert labels == ["rate", "temporal_pattern", "ANN"]
    assert second.get_xlabel() == "Energy for one sample (pJ; float32_45nm)"
    np.testing.assert_allclose(second.lines[0].get_xdata(), [results.energy["float32_45nm"].snn])


def test_a_sweep_over_codes_has_one_figure(code_sweep: Material, material: Material) -> None:
    assert draw_sweep(code_sweep) is None
    assert draw_code_sweep(material) is None


def test_without_a_profile_that_prices_both_there_is_no_energy(code_sweep: Material) -> None:
    sweep = code_sweep.sweep
    assert sweep is not None
    runs = tuple(replace(one, energy={"loihi": one.energy["loihi"]}) for one in sweep.results)
    figure = draw_code_sweep(replace(code_sweep, sweep=replace(sweep, results=runs)))
    assert figure is not None and len(figure.axes) == 1


def test_the_table_of_a_sweep_has_a_row_for_each_run(code_sweep: Material, material: Material, tmp_path: Path) -> None:
    heading, *rows = sweep_rows(code_sweep.sweep)
    assert heading[:3] == ["Code", "conversion.num_bits", "Error"] and "float32_45nm" in heading
    assert [row[:2] for row in rows] == [
        ["rate", "–"],
        ["temporal_pattern", "8"],
        ["temporal_pattern", "2"],
        ["temporal_pattern", "4"],
    ]
    assert all(len(row) == len(heading) for row in rows)
    assert sweep_rows(material.sweep)[0][0] == "cell.v_thresh" and sweep_rows(None) == []
    assert code_sweep.sweep is not None
    write_sweep(tmp_path, code_sweep.sweep)
    with (tmp_path / "sweep.csv").open() as file:
        found = list(csv.DictReader(file))
    energy = code_sweep.sweep.results[0].energy["loihi"].snn
    assert [(row["spike_code"], row["conversion.num_bits"]) for row in found][:2] == [
        ("rate", ""),
        ("temporal_pattern", "8.0"),
    ]
    assert energy is not None and float(found[0]["energy_loihi (pJ)"]) == energy


def test_the_page_shows_costs_and_the_sweep(code_sweep: Material) -> None:
    page = render_report(code_sweep, [])
    assert "Cost of a sample" in page and "relative_adder_table" in page and "temporal_pattern" in page


def test_energies_come_in_units_that_suit_them(material: Material) -> None:
    rows = {row[0]: row for row in energy_rows(material.results)}
    small, large = (material.results.energy[name].snn for name in ("float32_45nm", "float32_45nm_sram"))
    assert small is not None and large is not None and small < 1e3 and 1e3 < large < 1e6
    assert rows["float32_45nm"][3] == f"{small:.3g}\u00a0pJ"
    assert rows["float32_45nm_sram"][3] == f"{large / 1e3:.3g}\u00a0nJ"
    assert rows["loihi"][2] == rows["loihi"][4] == "–"
    assert rows["relative_adder"][3].endswith("adders")


def test_bars_are_the_divergences(material: Material, build_results) -> None:
    figure = draw_entropy_codes(material)
    coding = material.results.coding
    assert figure is not None and coding is not None
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_xticklabels()]
    heights = dict(zip(names, (bar.get_height() for bar in axes.patches), strict=True))
    for code, fit in coding.codes.items():
        if code != "unary":  # may leave the figure
            assert heights[CODE_NAMES[code]] == pytest.approx(fit.divergence)
    assert names[-1] == "Huffman"
    results: Results = replace(material.results, coding=None)
    assert draw_entropy_codes(replace(material, results=results)) is None


def test_networks_are_bars_side_by_side(rng: np.random.Generator) -> None:
    codings = {name: count_activations([{"a": rng.random(500) ** power}]) for name, power in (("one", 2), ("two", 6))}
    axes = draw_codings(codings).axes[0]
    assert len(axes.patches) == 2 * len(CODE_NAMES)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]
