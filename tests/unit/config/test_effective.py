from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from snntoolbox.config.effective import effective_options, to_ini
from snntoolbox.config.load import default_entries, load
from snntoolbox.config.settings import SECTIONS

Write = Callable[..., Path]


def test_every_option_with_its_origin(write: Write):
    path = write("[simulation]\nduration = 50\n")
    rows = effective_options(load(path, {"tensorflow.xla": "on", "output.log_vars": {"input_b_l_t"}}))
    assert [r.section for r in rows if r.option in ("path_wd", "simulator", "xla")] == [
        "paths",
        "simulation",
        "tensorflow",
    ]
    options = {(section, option) for section, model in SECTIONS.items() for option in model.model_fields}
    assert options < {(r.section, r.option) for r in rows} == {(e.section, e.option) for e in default_entries()}
    found = {(r.section, r.option): (r.value, r.origin) for r in rows}
    assert found["simulation", "duration"] == ("50", f"{path}:4")
    assert found["simulation", "dt"] == ("1", "default")
    assert found["tensorflow", "xla"] == ("on", "override")
    assert found["output", "log_vars"] == ("input_b_l_t", "override")
    assert found["input", "std"] == ("", "default")


def test_the_effective_config_loads_to_the_same_settings(write: Write, tmp_path: Path):
    text = """
[input]
dataflow_kwargs = {'target_size': (32, 16), 'classes': ['a b', 'c, d']}
dataset_format = png
mean = 0.1, 1/3
[cell]
reset = reset to zero
[output]
plotproperties = {'font.size': 13, 'axes.facecolor': '#fff'}
[tensorflow]
xla = off
"""
    settings = load(write(text), {"paths.class_idx_path": "100%.json"})
    elsewhere = tmp_path / "another" / "folder"
    elsewhere.mkdir(parents=True)
    (elsewhere / "effective.ini").write_text(to_ini(settings), encoding="utf-8")
    again = load(elsewhere / "effective.ini")
    assert again == settings
    assert again.input.mean == (0.1, 1 / 3)
    assert again.input.dataflow_kwargs.classes == ("a b", "c, d")
