"""Defaults are stated once: in config_defaults.ini, for exactly the options that the settings declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from snntoolbox.config.load import default_entries, load, load_backend_settings
from snntoolbox.config.settings import SECTIONS
from snntoolbox.registry import BACKENDS


def options_with_a_default(section: str) -> list[str]:
    return [entry.option for entry in default_entries() if entry.section == section]


def test_the_packaged_defaults_are_those_at_the_top(repository: Path):
    packaged = repository / "snntoolbox" / "config_defaults.ini"
    assert packaged.read_bytes() == (repository / "config_defaults.ini").read_bytes()


def test_every_section_has_defaults_and_an_owner():
    backends = {name for name in BACKENDS.builtins if BACKENDS.load(name).settings_type is not None}
    assert {entry.section for entry in default_entries()} == {*SECTIONS, *backends}


@pytest.mark.parametrize("section", SECTIONS)
def test_the_options_with_a_default_are_those_declared(section: str):
    assert options_with_a_default(section) == list(SECTIONS[section].model_fields)


@pytest.mark.parametrize("section", SECTIONS)
def test_no_default_is_stated_in_the_settings(section: str):
    assert all(info.is_required() for info in SECTIONS[section].model_fields.values())


@pytest.mark.parametrize("name", BACKENDS.builtins)
def test_backends_declare_their_options_and_agree_on_the_defaults(name: str):
    """A backend made from Python, without a file, has the same settings as one made from the defaults."""
    declared = BACKENDS.load(name).settings_type
    assert options_with_a_default(name) == (list(declared.model_fields) if declared else [])
    if declared:
        assert load_backend_settings(load(), name, declared) == declared()
