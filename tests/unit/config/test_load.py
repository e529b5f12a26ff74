from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from snntoolbox.config.load import load, replace
from snntoolbox.errors import ConfigError

Write = Callable[..., Path]
Problems = Callable[..., list[str]]


def test_a_short_file_over_the_defaults(write: Write):
    settings = load(write("[simulation]\nduration = 50\nnum_to_test = -1\n[cell]\nleak = on\n"))
    assert settings.simulation.duration == 50.0
    assert settings.simulation.num_to_test == -1
    assert settings.cell.leak is True
    assert settings.simulation.dt == 1.0
    assert settings.warnings == ()


def test_overrides_are_text_or_python_values(write: Write):
    path = write("[simulation]\nduration = 50\n")
    settings = load(path, {"simulation.duration": "100", "Simulation.batch_size".lower(): 7, "input.mean": [1, 2]})
    assert settings.simulation.duration == 100.0
    assert settings.simulation.batch_size == 7
    assert settings.input.mean == (1.0, 2.0)


def test_every_value_knows_where_it_comes_from(write: Write):
    path = write("[simulation]\n# a comment\nduration = 50\n")
    settings = load(path, {"simulation.seed": 3})
    assert settings.origin("simulation", "duration") == f"{path}:5"
    assert settings.origin("simulation", "seed") == "override"
    assert settings.origin("simulation", "dt") == "default"
    assert settings.origin("tensorflow", "xla") == "default"


def test_spellings_of_the_original(write: Write):
    text = """
[simulation]
simulator = ini
[conversion]
spike_code = Temporal_Mean_Rate
[cell]
reset = Reset to Zero
[input]
poisson_input = TRUE
"""
    settings = load(write(text))
    assert settings.simulation.simulator == "tensorflow"
    assert settings.conversion.spike_code == "rate"
    assert settings.cell.reset == "zero"
    assert settings.input.poisson_input is True


def test_sets_as_python_sets_or_as_lists(write: Write):
    written = load(write("[output]\nlog_vars = {'activations_n_b_l', 'mem_n_b_l_t'}\nplot_vars = {}\n"))
    listed = load(write("[output]\nlog_vars = activations_n_b_l, mem_n_b_l_t\nplot_vars =\n"))
    assert written.output.log_vars == {"activations_n_b_l", "mem_n_b_l_t"}
    assert written.output.plot_vars == frozenset()
    assert written == listed


def test_all_means_each_of_them(write: Write):
    settings = load(write("[output]\nlog_vars = all\nplot_vars = {'all'}\n"))
    assert len(settings.output.log_vars) == 6
    assert len(settings.output.plot_vars) == 13
    assert "all" not in settings.output.log_vars | settings.output.plot_vars


def test_derived_values(write: Write):
    text = "[simulation]\ndt = 0.1\nduration = 0.7\n[cell]\ntau_refrac = 0.3\nleak = True\ntau_m = 0.1\n"
    settings = load(write(text))
    assert settings.simulation.num_steps == 7
    assert settings.refractory_steps == 3
    assert settings.leak_factor == pytest.approx(0.36787944117144233)
    assert load(write()).leak_factor == 1.0


def test_rescale_of_datagen_kwargs_is_for_images_only(write: Write):
    text = "[input]\nrescale = 0.5\ndatagen_kwargs = {{'rescale': 0.1}}\ndataset_format = {}\n"
    assert load(write(text.format("jpg"))).input.factor == 0.05
    npz = load(write(text.format("npz")))
    assert npz.input.factor == 0.5
    assert [w.where for w in npz.warnings] == ["config.ini [input] datagen_kwargs"]


def test_normalization_schedule(write: Write):
    constant = load(write("[normalization]\npercentile = 99\n")).normalization
    falling = load(write("[normalization]\npercentile = 99\nnormalization_schedule = True\n")).normalization
    assert [constant.percentile_at(depth) for depth in (0, 10)] == [99, 99]
    assert [falling.percentile_at(depth) for depth in (0, 10)] == pytest.approx([99, 98.8])


def test_settings_cannot_be_changed(write: Write):
    settings = load(write())
    with pytest.raises(ValueError, match="frozen"):
        settings.simulation.duration = 3.0


def test_without_a_file_no_model_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert settings.paths.filename_ann is None
    assert settings.paths.path_wd == tmp_path
    assert settings.paths.filename_snn == tmp_path / "test_tensorflow.h5"


def test_replace_checks_and_keeps_the_rest(write: Write):
    settings = load(write("[simulation]\nearly_stopping = False\nduration = 50\n"), {"tensorflow.xla": "off"})
    changed = replace(settings, {"cell.v_thresh": 0.5})
    assert changed.cell.v_thresh == 0.5
    assert changed.origin("cell", "v_thresh") == "override"
    assert changed.origin("simulation", "duration") == settings.origin("simulation", "duration")
    assert changed.warnings == settings.warnings != ()
    assert replace(changed, {"cell.v_thresh": 1}) == settings
    with pytest.raises(ConfigError, match=r"override \[cell\] v_thresh: expected a number > 0, got -1"):
        replace(settings, {"cell.v_thresh": -1})
    with pytest.raises(ConfigError, match=r"override \[cel\]: unknown section. Did you mean 'cell'"):
        replace(settings, {"cel.v_thresh": 1})


def test_importing_the_room_loads_nothing_heavy():
    code = "import sys, snntoolbox.config; print(*sys.modules); import snntoolbox.config.load; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, after = (set(line.split()) for line in done.stdout.splitlines())
    assert "pydantic" not in before
    assert "pydantic" in after
    assert not {"tensorflow", "keras", "matplotlib", "numpy", "h5py"} & after
