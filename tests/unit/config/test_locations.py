from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from snntoolbox.config.load import load

Write = Callable[..., Path]


def paths(path: Path, **overrides: str):
    return load(path, {f"paths.{option}": value for option, value in overrides.items()}).paths


def test_empty_options_follow_from_the_others(write: Write, tmp_path: Path):
    found = paths(write(), runlabel="first")
    assert found.path_wd == tmp_path
    assert found.dataset_path == tmp_path
    assert found.log_dir_of_current_run == tmp_path / "log" / "first"
    assert found.filename_ann == tmp_path / "model.keras"
    assert found.filename_parsed_model == tmp_path / "model_parsed.h5"
    assert found.filename_snn == tmp_path / "model_tensorflow.h5"
    assert found.class_idx_path is None


def test_relative_paths_start_at_path_wd(write: Write, tmp_path: Path):
    found = paths(
        write(), path_wd="work", dataset_path="../data", filename_parsed_model="saved", class_idx_path="c.json"
    )
    assert found.path_wd == tmp_path / "work"
    assert found.dataset_path == tmp_path / "data"
    assert found.filename_ann == tmp_path / "work" / "model.keras"
    assert found.filename_parsed_model == tmp_path / "work" / "saved.h5"
    assert found.class_idx_path == tmp_path / "work" / "c.json"


def test_absolute_paths_and_the_home_directory(write: Write, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/someone")
    found = paths(write(), path_wd="~/nets", dataset_path="/data/100%", filename_snn="/somewhere/x.h5")
    assert found.path_wd == Path("/home/someone/nets")
    assert found.dataset_path == Path("/data/100%")
    assert found.filename_snn == Path("/somewhere/x.h5")


@pytest.mark.parametrize(
    ("ann", "parsed"),
    [
        ("net", "net_parsed.h5"),
        ("net.h5", "net_parsed.h5"),
        ("net_v1.5", "net_v1.5_parsed.h5"),
        ("a/b.onnx", "a/b_parsed.h5"),
    ],
)
def test_names_made_from_the_model(write: Write, tmp_path: Path, ann: str, parsed: str):
    assert paths(write(), filename_ann=ann).filename_parsed_model == tmp_path / parsed


def test_one_name_for_all_spellings_of_a_simulator(write: Write, tmp_path: Path):
    for name in ("INI", "TensorFlow"):
        assert load(write(), {"simulation.simulator": name}).paths.filename_snn == tmp_path / "model_tensorflow.h5"


def test_a_relative_config_path(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write()
    monkeypatch.chdir(tmp_path.parent)
    assert paths(Path(tmp_path.name) / "config.ini").path_wd == tmp_path
