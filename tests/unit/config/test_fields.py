from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from snntoolbox.config.fields import Expected, Kind, Registered, Unit
from snntoolbox.config.settings import SECTIONS
from snntoolbox.registry import Registry

ANIMALS = Registry("animal", "none.such", {"cat": "a:Cat", "dog": "a:Dog"}, {"hound": "dog", "puppy": "dog"})


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (bool, "True or False"),
        (Annotated[int, Field(ge=1)], "a whole number >= 1"),
        (Annotated[float, Unit("ms"), Field(gt=0, lt=5)], "a number > 0 and < 5 (ms)"),
        (Annotated[float, Field(le=100)] | None, "a number <= 100"),
        (Path | None, "a path"),
        (Literal["a", "b"], "one of a, b"),
        (frozenset[Literal["a", "b"]], "any of a, b"),
        (tuple[Annotated[float, Field(gt=0)], ...], "a list of numbers > 0"),
        (tuple[str, ...], "a list of names"),
        (dict[str, int], "a dictionary such as {'key': 1}"),
        (Annotated[int, Expected("seven")], "seven"),
        (Annotated[str, Registered(ANIMALS)], "one of cat, dog (or hound, puppy), or the name of a plug-in"),
    ],
)
def test_what_a_declaration_expects_in_words(declared: Any, words: str):
    assert Kind.of(declared).words == words


def test_every_option_is_explained():
    for section, model in SECTIONS.items():
        assert model.__doc__, section
        for option, info in model.model_fields.items():
            text = info.description or ""
            assert text.endswith("."), f"[{section}] {option}"
            assert len(text) > 20, f"[{section}] {option}"


def test_times_and_rates_have_units():
    units = {o: Kind.of(i).unit for model in SECTIONS.values() for o, i in model.model_fields.items()}
    assert {o: u for o, u in units.items() if u} == {
        "duration": "ms",
        "dt": "ms",
        "tau_refrac": "ms",
        "tau_m": "ms",
        "time_limit": "s",
        "within": "%",
        "input_rate": "Hz",
    }
