"""Settings of matplotlib, and files."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest

from snntoolbox.errors import ConfigError
from snntoolbox.report.style import check_plot_properties, figure_style, new_figure, save_figure


def test_what_matplotlib_refuses_is_named_all_at_once() -> None:
    properties = {"font.sizes": 3, "axes.grid": "perhaps", "backend": "agg", "font.size": 12}
    problems = [str(problem) for problem in check_plot_properties(properties)]
    assert len(problems) == 3
    assert "'font.sizes'" in problems[0] and "'axes.grid'" in problems[1] and "'backend'" in problems[2]
    before = dict(matplotlib.rcParams)
    with pytest.raises(ConfigError, match=r"font\.sizes"), figure_style(properties):
        pass
    assert dict(matplotlib.rcParams) == before


def test_settings_are_restored_after_an_error() -> None:
    before = dict(matplotlib.rcParams)
    with pytest.raises(RuntimeError), figure_style({"font.size": 5}):
        raise RuntimeError
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_figures_are_saved_in_the_format_that_is_set(tmp_path: Path, suffix: str, start: bytes) -> None:
    with figure_style({"savefig.format": suffix, "figure.figsize": (3, 2)}):
        path = save_figure(new_figure(), tmp_path / "error_t")
    assert path == tmp_path / f"error_t.{suffix}"
    assert path.read_bytes().startswith(start)
