"""Names of parts: built-in, alias, plug-in, wrong."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

import snntoolbox.registry
from snntoolbox.errors import RegistryError
from snntoolbox.registry import BACKENDS, CODES, FRONTENDS, PASSES, Registry, load_object


@pytest.mark.parametrize("registry", [FRONTENDS, PASSES, CODES, BACKENDS], ids=lambda r: r.kind)
def test_every_built_in_loads_under_its_own_name(registry: Registry) -> None:
    for name in registry.builtins:
        assert registry.load(name).name == name


def test_names_are_found_in_any_case_and_by_alias() -> None:
    assert BACKENDS.canonical("ini") == "tensorflow"
    assert CODES.canonical("Temporal_Mean_Rate") == "rate"


def test_a_wrong_name_gets_a_suggestion_and_the_list() -> None:
    with pytest.raises(RegistryError, match=r"unknown backend 'tensorflo'. Did you mean 'tensorflow'\?.*reference"):
        BACKENDS.load("tensorflo")


def _with_plugins(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> Registry:
    monkeypatch.setattr(snntoolbox.registry, "entry_points", lambda group: points)
    return Registry("thing", "things", {"own": "snntoolbox.errors:GraphError"}, {"mine": "own"})


def test_a_plug_in_is_loaded_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = _with_plugins(monkeypatch, EntryPoint("other", "snntoolbox.errors:DataError", "things"))
    assert registry.names() == ["own", "other"]
    assert registry.load("OTHER").__name__ == "DataError"


@pytest.mark.parametrize("taken", ["own", "mine"])
def test_a_name_cannot_be_taken_twice(monkeypatch: pytest.MonkeyPatch, taken: str) -> None:
    registry = _with_plugins(monkeypatch, EntryPoint(taken, "snntoolbox.errors:DataError", "things"))
    with pytest.raises(RegistryError, match="registered twice"):
        registry.names()


@pytest.mark.parametrize("path", ["snntoolbox.nothing:X", "snntoolbox.errors:Nothing", "nonsense"])
def test_a_path_that_leads_nowhere_is_named(path: str) -> None:
    with pytest.raises(RegistryError, match=f"cannot load '{path}'"):
        load_object(path)


def test_a_dotted_path_loads_too() -> None:
    assert load_object("snntoolbox.errors.GraphError").__name__ == "GraphError"
