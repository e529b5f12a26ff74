"""The compilation that NEURON needs: where it goes, who may miss it, and what is said then."""

from __future__ import annotations

import shutil
import subprocess
from importlib import metadata, util

import pytest

from snntoolbox.backends.pynn import NeuronBackend, mechanisms
from snntoolbox.errors import BackendUnavailableError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, with a NEURON that is only pretended."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(metadata, "version", lambda name: "9.0.2")
    monkeypatch.setattr(util, "find_spec", lambda name: object())
    return tmp_path


def compiles(made):
    """A compiler that writes a library if it is told to."""

    def run(command, cwd, **options):
        if made:
            (cwd / "x86_64").mkdir()
            (cwd / "x86_64" / "libnrnmech.so").write_text("".join(f.read_text() for f in sorted(cwd.glob("*.mod"))))
        return subprocess.CompletedProcess(command, 0 if made else 1, "", "no such thing as a semicolon")

    return run


def test_compiled_once(cache, monkeypatch):
    monkeypatch.setattr(mechanisms, "compiler", lambda: "nrnivmodl")
    monkeypatch.setattr(subprocess, "run", compiles(made=True))
    library = mechanisms.compile_mechanisms()
    assert cache in library.parents
    assert "SNNToolboxNeuron" in library.read_text() and "SNNToolboxSource" in library.read_text()
    monkeypatch.setattr(subprocess, "run", compiles(made=False))
    assert mechanisms.compile_mechanisms() == library
    assert NeuronBackend.why_unavailable() is None


def test_another_version_is_compiled_anew(cache, monkeypatch):
    before = mechanisms.library_path()
    monkeypatch.setattr(metadata, "version", lambda name: "9.0.3")
    assert mechanisms.library_path() != before


def test_a_failed_compilation_is_told(cache, monkeypatch):
    monkeypatch.setattr(mechanisms, "compiler", lambda: "nrnivmodl")
    monkeypatch.setattr(subprocess, "run", compiles(made=False))
    with pytest.raises(BackendUnavailableError, match="no such thing as a semicolon"):
        mechanisms.compile_mechanisms()
    assert not mechanisms.library_path().exists()


def test_a_missing_compiler_is_told(cache, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    assert "with a C++ compiler" in NeuronBackend.why_unavailable()
    with pytest.raises(BackendUnavailableError, match="nrnivmodl was not found"):
        mechanisms.compile_mechanisms()
