"""Values -> a validated section, with every problem in the words of the option's declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from snntoolbox.config.fields import Kind, Registered
from snntoolbox.config.ini import Entry
from snntoolbox.config.retired import RETIRED_VALUES
from snntoolbox.config.text import read_value
from snntoolbox.errors import Problem
from snntoolbox.registry import suggest

__all__ = ["kinds", "read_section", "validate"]

Model = TypeVar("Model", bound=BaseModel)


def kinds(model: type[BaseModel]) -> dict[str, Kind]:
    """Return the kind of every option of a section."""
    return {name: Kind.of(info) for name, info in model.model_fields.items()}


def read_section(model: type[BaseModel], entries: Mapping[str, Entry]) -> dict[str, object]:
    """Read the values of a section; those that cannot be read stay text, for `validate` to refuse."""
    known = kinds(model)
    return {name: read_value(entry.value, known[name]) for name, entry in entries.items()}


def validate(
    section: str, model: type[Model], values: Mapping[str, object], entries: Mapping[str, Entry]
) -> tuple[Model | None, list[Problem]]:
    """Make a section of ``values``, or list what is wrong with them; ``entries`` says where they come from."""
    try:
        return model.model_validate(dict(values)), []
    except ValidationError as error:
        found = {(d["loc"][:1], str(d["input"]), d["type"]): d for d in error.errors(include_url=False)}
        return None, [_problem(section, details, model, entries) for details in found.values()]


def _problem(section: str, details: ErrorDetails, model: type[BaseModel], entries: Mapping[str, Entry]) -> Problem:
    if not details["loc"]:  # a backend's own check of its whole section
        return Problem(f"[{section}]", f"{details['msg']}.")
    name, *inner = map(str, details["loc"])
    kind = kinds(model)[name]
    entry = entries.get(name, Entry(section, name, details["input"]))
    if details["type"] == "missing":
        return Problem(entry.where, f"is missing: expected {kind.words}.")
    if details["type"] == "extra_forbidden":
        return Problem(entry.where, f"unknown key '{inner[0]}', expected {kind.words}.", _closest(inner[0], kind))
    if details["type"] == "value_error" and kind.note(Registered) is not None:
        return Problem(entry.where, str(details["ctx"]["error"]), _successor(entry))
    key = ""
    if inner and kind.is_model:
        key, kind = f"key '{inner[0]}': ", kinds(kind.base)[inner[0]]
    reason = f" ({details['ctx']['error']})" if details["type"] == "value_error" else ""
    got = _shown(details["input"] if inner else entry.value)
    return Problem(entry.where, f"{key}expected {kind.words}, got {got}{reason}.", _hint(entry, kind, details["input"]))


def _shown(value: Any) -> str:
    return "nothing" if value == "" else repr(value)


def _closest(word: str, kind: Kind) -> str:
    return suggest(word, list(kind.base.model_fields)).strip()


def _successor(entry: Entry) -> str:
    return RETIRED_VALUES.get((entry.section, entry.option), {}).get(str(entry.value).lower(), "")


def _hint(entry: Entry, kind: Kind, value: object) -> str:
    if successor := _successor(entry):
        return successor
    if kind.choices:
        return suggest(str(value), [*kind.choices, *kind.spellings]).strip()
    if isinstance(entry.value, str) and (" #" in entry.value or " ;" in entry.value):
        return "A comment needs a line of its own."
    return ""
