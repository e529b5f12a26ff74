"""A config file in an empty folder, and the problems of one that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from snntoolbox.config.load import load
from snntoolbox.errors import ConfigError

MODEL = "[paths]\nfilename_ann = model.keras\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a config file, by default with a model to make it complete."""

    def write_config(text: str = "", *, head: str = MODEL, name: str = "config.ini") -> Path:
        path = tmp_path / name
        path.write_text(head + text, encoding="utf-8")
        return path

    return write_config


@pytest.fixture
def problems(write: Callable[..., Path]) -> Callable[..., list[str]]:
    """Load a config that cannot be used and return its problems as text."""

    def load_problems(text: str = "", overrides: Mapping[str, object] = {}, **options: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(write(text, **options), overrides)
        return [str(problem) for problem in caught.value.problems]

    return load_problems
