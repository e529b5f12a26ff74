"""Whose is an entry: an option of a section, of a backend, one that is retired, or a mistake."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from snntoolbox.config.ini import Entry
from snntoolbox.config.retired import RETIRED_KEYS, RETIRED_OPTIONS, RETIRED_SECTIONS, Retired
from snntoolbox.config.settings import SECTIONS
from snntoolbox.errors import Problem
from snntoolbox.registry import BACKENDS, suggest

__all__ = ["Classified", "Verdict", "classify", "judge_sections", "retire_keys", "unknown_option"]

Entries = Mapping[str, Mapping[str, Entry]]


@dataclass(frozen=True)
class Verdict:
    """A problem, and whether the configuration can be used in spite of it."""

    problem: Problem
    fatal: bool = True


@dataclass(frozen=True)
class Classified:
    """Entries by section and option.

    Attributes:
        own: Those that `snntoolbox.config.settings` declares.
        backends: Those in sections of backends, by the backend's registered name.
        verdicts: About all others.
    """

    own: Entries
    backends: Entries
    verdicts: tuple[Verdict, ...]


def classify(entries: Iterable[Entry]) -> Classified:
    """Sort entries by who declares them; unknown sections are left to `judge_sections`."""
    own: dict[str, dict[str, Entry]] = {name: {} for name in SECTIONS}
    backends: dict[str, dict[str, Entry]] = {}
    verdicts, owners = [], _backends_by_section()
    for entry in entries:
        if entry.section in SECTIONS:
            if entry.option in SECTIONS[entry.section].model_fields:
                own[entry.section][entry.option] = entry
            else:
                verdicts.append(_undeclared(entry))
        elif backend := owners.get(entry.section.lower()):
            if retired := RETIRED_OPTIONS.get(backend, {}).get(entry.option):
                verdicts.append(_judge(retired, entry.where, entry.value))
            else:
                backends.setdefault(backend, {})[entry.option] = entry
    return Classified(own, backends, tuple(verdicts))


def judge_sections(sections: Iterable[tuple[str, str]]) -> Iterator[Verdict]:
    """Name the sections that nobody owns, given as (place, section)."""
    owners = _backends_by_section()
    for place, section in sections:
        if section in SECTIONS or section.lower() in owners:
            continue
        where = f"{place} [{section}]"
        if section in RETIRED_SECTIONS:
            yield Verdict(Problem(where, "has no effect any more.", RETIRED_SECTIONS[section]), fatal=False)
        else:
            known = [*SECTIONS, *BACKENDS.names()]
            hint = suggest(section, known).strip() or f"Sections are {', '.join(known)}."
            yield Verdict(Problem(where, "unknown section.", hint))


def _backends_by_section() -> dict[str, str]:
    """Return the registered names of backends by the section each owns, in lower case.

    Once for all sections: plug-ins are looked for in all installed packages, which takes milliseconds.
    """
    names = {name.lower(): name for name in BACKENDS.names()}
    return names | {alias.lower(): name for alias, name in BACKENDS.aliases.items()}


def _undeclared(entry: Entry) -> Verdict:
    retired = RETIRED_OPTIONS.get(entry.section, {}).get(entry.option)
    if retired:
        return _judge(retired, entry.where, entry.value)
    return Verdict(unknown_option(entry, list(SECTIONS[entry.section].model_fields)))


def _judge(retired: Retired, where: str, value: object) -> Verdict:
    if retired.is_harmless(value):
        return Verdict(Problem(where, "has no effect any more.", retired.advice), fatal=False)
    return Verdict(Problem(where, f"no longer exists, got '{value}'.", retired.advice))


def unknown_option(entry: Entry, known: list[str]) -> Problem:
    """Name an option that its section does not have, with the option that may be meant."""
    homes = [name for name, model in SECTIONS.items() if entry.option in model.model_fields]
    elsewhere = {option: f"[{name}] {option}" for name, model in SECTIONS.items() for option in model.model_fields}
    similar = difflib.get_close_matches(entry.option, elsewhere, n=1)
    if homes:
        hint = f"It belongs in section {' or '.join(f'[{home}]' for home in homes)}."
    elif not (hint := suggest(entry.option, known).strip()) and similar:
        hint = f"Did you mean '{elsewhere[similar[0]]}'?"
    return Problem(entry.where, "unknown option.", hint or f"Options here are {', '.join(known)}.")


def retire_keys(entry: Entry, given: Mapping[object, object]) -> tuple[dict[object, object], list[Verdict]]:
    """Take the retired keys out of a dictionary such as ``datagen_kwargs``."""
    retired = RETIRED_KEYS.get(entry.option, {})
    verdicts = [
        _judge(retired[k], f"{entry.where} '{k}'", v) for k, v in given.items() if isinstance(k, str) and k in retired
    ]
    return {k: v for k, v in given.items() if k not in retired}, verdicts
