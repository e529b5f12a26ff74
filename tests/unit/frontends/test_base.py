"""Which frontend takes a model, and where its file is looked for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.frontends import Frontend, find_frontend, locate
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Input


@dataclass(frozen=True)
class ListFrontend(Frontend):
    """A third party's frontend: a list of sizes is a model."""

    name = "list"
    suffixes = (".txt",)

    @classmethod
    def accepts(cls, model):
        return isinstance(model, list)

    def load(self, path):
        return [int(word) for word in Path(path).read_text().split()]

    def parse(self, model):
        return Graph((Node("in", Input(tuple(model))),), ("in",))

    def reference_outputs(self, model, x, *, batch_size=64):
        return x


@pytest.fixture
def plugin(monkeypatch):
    """Register the third party's frontend as an installed package would."""
    point = EntryPoint("list", f"{__name__}:ListFrontend", "snntoolbox.frontends")
    monkeypatch.setattr(EntryPoint, "load", lambda self: ListFrontend)
    monkeypatch.setattr("snntoolbox.registry.entry_points", lambda group: [point] if group == point.group else [])


@pytest.mark.parametrize("suffix", KerasFrontend.suffixes)
def test_file_of_keras(suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    path.touch()
    assert isinstance(find_frontend(path), KerasFrontend)
    assert isinstance(find_frontend(str(path)), KerasFrontend)


def test_saved_model_folder_is_of_keras(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    assert isinstance(find_frontend(tmp_path), KerasFrontend)


def test_keras_object():
    import keras

    assert isinstance(find_frontend(keras.Sequential([keras.Input((3,))])), KerasFrontend)


def test_options_are_given_to_the_frontend(tmp_path):
    (tmp_path / "net.keras").touch()
    frontend = find_frontend(tmp_path / "net.keras", input_shape=(8, 8, 3))
    assert frontend == KerasFrontend(input_shape=(8, 8, 3))


def test_unknown_option(tmp_path):
    (tmp_path / "net.keras").touch()
    with pytest.raises(UnsupportedError, match=r"'keras' has no option 'inputshape'. Did you mean 'input_shape'"):
        find_frontend(tmp_path / "net.keras", inputshape=(8, 8, 3))


def test_suffix_may_be_left_out(tmp_path):
    (tmp_path / "net.h5").touch()
    assert locate(tmp_path / "net") == tmp_path / "net.h5"
    assert isinstance(find_frontend(tmp_path / "net"), KerasFrontend)


def test_name_with_a_dot_is_no_suffix(tmp_path):
    (tmp_path / "98.96.keras").touch()
    assert locate(tmp_path / "98.96") == tmp_path / "98.96.keras"


def test_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"no model at .*net; looked for that name, also with .keras, .h5"):
        find_frontend(tmp_path / "net")


def test_file_of_nobody(tmp_path):
    (tmp_path / "net.caffemodel").touch()
    with pytest.raises(UnsupportedError, match=r"no frontend reads the file .*net.caffemodel. .* keras: .keras, .h5"):
        find_frontend(tmp_path / "net.caffemodel")


def test_object_of_nobody():
    with pytest.raises(UnsupportedError, match=r"no frontend reads an object of type builtins.dict"):
        find_frontend({})


def test_frontend_of_a_third_party(plugin, tmp_path):
    (tmp_path / "net.txt").write_text("3 4")
    assert isinstance(find_frontend([3, 4]), ListFrontend)
    frontend = find_frontend(tmp_path / "net")
    assert frontend.parse(frontend.load(tmp_path / "net.txt")).shapes["in"] == (3, 4)


def test_frontends_are_chosen_without_loading_a_framework(repository):
    code = (
        "import sys; from snntoolbox.frontends import find_frontend\n"
        "try: find_frontend({})\n"
        "except Exception: print(*(name for name in ('keras', 'tensorflow') if name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_a_reference_is_the_frontend_with_its_model():
    assert ListFrontend().reference([3])("samples", batch_size=1) == "samples"
