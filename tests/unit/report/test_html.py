"""The page: whole, self-contained, and safe with any text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from snntoolbox.analysis.results import Accuracy, Operations, Results, RunInfo
from snntoolbox.report.figures import FIGURES, draw_figures
from snntoolbox.report.html import EmbeddedFigure, render_report
from snntoolbox.report.material import Material
from snntoolbox.report.style import data_uri, figure_style

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects what the tests ask about, and refuses tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, attribute: str) -> list[str]:
        """All values of an attribute."""
        return [value for _, attrs in self.tags if (value := attrs.get(attribute)) is not None]


@pytest.fixture(scope="module")
def html(material: Material) -> str:
    with figure_style():
        figures = [
            EmbeddedFigure(name, kind.title, kind.caption(material), data_uri(figure))
            for name, kind, figure in draw_figures(material, FIGURES)
        ]
    return render_report(material, figures)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_needs_no_other_file_and_runs_nothing(html: str, page: Page) -> None:
    for value in page.values("src") + page.values("href"):
        assert value.startswith(("data:image/", "#"))
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "url(" not in html and "@import" not in html and "http" not in re.sub(r"data:[^\"]+", "", html)


def test_every_figure_is_there_with_its_caption_and_a_link(page: Page, material: Material) -> None:
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    elsewhere = {name for name in FIGURES if name.startswith("loihi_")} | {"spike_codes"}  # of other runs
    assert len(images) == len(FIGURES) - len(elsewhere)
    assert len(set(page.values("src"))) == len(images)
    assert all(attrs["alt"] for attrs in images)
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    assert {value[1:] for value in page.values("href")} == set(FIGURES) - elsewhere <= set(ids)
    for name in set(FIGURES) - elsewhere:
        assert FIGURES[name].caption(material) in page.text


def test_names_from_outside_are_text(html: str, page: Page) -> None:
    assert "<run>" not in html and "first <run>" in page.text
    assert "percentiles of 5 samples & fewer are uncertain" in page.text


def test_the_summary_has_the_numbers_of_the_results(page: Page, material: Material) -> None:
    accuracy = material.results.accuracy
    assert accuracy.snn is not None and accuracy.ann is not None
    for share in (accuracy.snn, accuracy.ann, accuracy.class_average["snn"]):
        assert f"{100 * share:.2f}\u00a0%" in page.text
    assert "12.2 s" in page.text and "1.5e-07" in page.text
    assert "v_thresh = 1" in page.text and "results.json" in page.text and "Frontiers in Neuroscience" in page.text


def test_dates_are_written_as_people_do(material: Material) -> None:
    run = replace(material.results.run, created="2026-11-22T03:20:23+00:00")
    text = Page(render_report(replace(material, results=replace(material.results, run=run)), [])).text
    assert "2026-11-22 03:20 UTC" in text
    run = replace(run, created="yesterday")
    assert "yesterday" in Page(render_report(replace(material, results=replace(material.results, run=run)), [])).text


def test_layers_have_a_row_each(page: Page) -> None:
    for label in ("1 Conv", "2 Dense", "3 Dense"):
        assert label in page.text


def test_a_run_without_simulation_says_what_is_known() -> None:
    results = Results(RunInfo("ann"), 10, 0, 0.0, Accuracy(ann=0.5, class_average={"ann": 0.25}), Operations(ann=1000))
    page = Page(render_report(Material(results), []))
    assert "50.00\u00a0%" in page.text and "25.00\u00a0%" in page.text and "1\u00a0k" in page.text
    assert "SNN accuracy" not in page.text and "Figures" not in page.text and "Layers" not in page.text


def test_regression_is_summed_up_by_its_error() -> None:
    from snntoolbox.analysis.regression import compare_outputs

    outputs = np.array([[1.0], [2.0]])
    errors = {
        key: compare_outputs(outputs, outputs + by) for key, by in (("snn_vs_targets", 0.5), ("ann_vs_targets", 0))
    }
    known = {key: error for key, error in errors.items() if error is not None}
    page = Page(render_report(Material(Results(RunInfo(), 2, 5, 1.0, errors=known)), []))
    assert "SNN error" in page.text and "0.25" in page.text and "Mean squared error" in page.text
