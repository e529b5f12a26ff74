from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Literal, Self

import pytest
from pydantic import BaseModel, Field, model_validator

from snntoolbox import registry
from snntoolbox.config.load import load, load_backend_settings
from snntoolbox.config.settings import Section
from snntoolbox.errors import ConfigError

Write = Callable[..., Path]


class Chip(Section):
    """Options of a third party's chip."""

    cores: int = Field(default=1, ge=1, description="Number of cores.")
    board: Literal["small", "large"] = Field(default="small", description="The board.")
    weights: tuple[float, ...] = ()


class Plain(BaseModel):
    """A model that is no Section."""

    cores: int
    host: str = "example.org"


@pytest.fixture(autouse=True)
def _chip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in registers a backend called chip; nothing of it can be imported."""
    point = EntryPoint("chip", "not_installed:Chip", "snntoolbox.backends")

    def entry_points(group: str) -> list[EntryPoint]:
        return [point] if group == "snntoolbox.backends" else []

    monkeypatch.setattr(registry, "entry_points", entry_points)


def test_a_backend_is_chosen_and_its_section_held_without_importing_it(write: Write):
    settings = load(write("[simulation]\nsimulator = Chip\n[chip]\ncores = many\nother = 1\n"))
    assert settings.simulation.simulator == "chip"
    assert settings.backend_options["chip"] == {"cores": "many", "other": "1"}
    assert settings.backend_options["tensorflow"] == {"xla": "auto", "precision": "float32"}


def test_the_section_is_checked_with_the_type_of_the_backend(write: Write):
    settings = load(write("[chip]\ncores = 4\nboard = Large\n"), {"chip.weights": [1, 2]})
    assert load_backend_settings(settings, "chip", Chip) == Chip(cores=4, board="large", weights=(1.0, 2.0))
    assert settings.origin("chip", "weights") == "override"


def test_what_a_section_leaves_out_takes_the_default_of_its_type(write: Write):
    assert load_backend_settings(load(write()), "chip", Chip) == Chip()


def test_any_pydantic_model_will_do(write: Write):
    settings = load(write("[chip]\ncores = 4\n"))
    assert load_backend_settings(settings, "chip", Plain) == Plain(cores=4)


def test_all_mistakes_are_reported_in_the_same_words(write: Write):
    settings = load(write("[chip]\ncores = 0\nbord = large\nboard = medium\n"))
    with pytest.raises(ConfigError) as caught:
        load_backend_settings(settings, "chip", Chip)
    assert caught.value.summary == "cannot use section [chip]: 3 problems"
    assert [str(problem) for problem in caught.value.problems] == [
        "config.ini [chip] bord: unknown option. Did you mean 'board'?",
        "config.ini [chip] cores: expected a whole number >= 1, got '0'.",
        "config.ini [chip] board: expected one of small, large, got 'medium'.",
    ]


def test_a_required_option_that_is_missing_is_named(write: Write):
    with pytest.raises(ConfigError, match=r"\[chip\] cores: is missing: expected a whole number"):
        load_backend_settings(load(write()), "chip", Plain)


def test_a_check_of_the_whole_section(write: Write):
    class Paired(Section):
        cores: int = 1
        chips: int = 1

        @model_validator(mode="after")
        def _fits(self) -> Self:
            if self.cores > self.chips:
                raise ValueError("more cores than chips")
            return self

    with pytest.raises(ConfigError, match=r"\n  - \[chip\]: Value error, more cores than chips\.$"):
        load_backend_settings(load(write("[chip]\ncores = 4\n")), "chip", Paired)


def test_another_spelling_of_the_section(write: Write):
    assert load(write("[INI]\nxla = off\n")).backend_options["tensorflow"] == {"xla": "off", "precision": "float32"}


def test_a_section_close_to_that_of_a_backend(problems: Callable[..., list[str]]):
    assert problems("[chips]\ncores = 1\n") == ["config.ini [chips]: unknown section. Did you mean 'chip'?"]
