"""Entries -> Settings, or an error with everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from snntoolbox.config.checks import cross_check
from snntoolbox.config.classify import Classified, Verdict, classify, retire_keys
from snntoolbox.config.ini import Entry
from snntoolbox.config.locations import resolve_paths
from snntoolbox.config.settings import SECTIONS, Section, Settings
from snntoolbox.config.text import write_value
from snntoolbox.config.validate import read_section, validate
from snntoolbox.errors import ConfigError, Problem

__all__ = ["build", "config_error"]


def config_error(subject: str, problems: Iterable[Problem]) -> ConfigError:
    """Return the error that lists all problems of ``subject``."""
    found = list(dict.fromkeys(problems))
    count = "1 problem" if len(found) == 1 else f"{len(found)} problems"
    return ConfigError(f"cannot use {subject}: {count}", found)


def build(entries: Iterable[Entry], directory: Path, verdicts: Iterable[Verdict], subject: str) -> Settings:
    """Make the settings.

    Args:
        entries: One for each option; of several for the same option the last counts.
        directory: What a relative ``path_wd`` is taken from.
        verdicts: What was found before, about the file and its sections.
        subject: Name of the configuration, for the error.

    Raises:
        ConfigError: Anything is wrong.
    """
    sorted_entries = classify({(e.section, e.option): e for e in entries}.values())
    sections, found = _sections(sorted_entries, directory)
    found = [*verdicts, *sorted_entries.verdicts, *found]
    if fatal := [v.problem for v in found if v.fatal]:
        raise config_error(subject, fatal)
    fields: dict[str, Any] = dict(sections)
    return Settings(
        **fields,
        backend_options={
            name: {option: write_value(entry.value) for option, entry in options.items()}
            for name, options in sorted_entries.backends.items()
        },
        warnings=tuple(dict.fromkeys(v.problem for v in found)),
        origins={
            (name, option): entry.origin
            for group in (sorted_entries.own, sorted_entries.backends)
            for name, options in group.items()
            for option, entry in options.items()
        },
    )


def _sections(given: Classified, directory: Path) -> tuple[dict[str, Section], list[Verdict]]:
    """Validate every section, then check the valid ones against each other."""
    values, verdicts = _values(given.own, directory)
    sections = {}
    for name, model in SECTIONS.items():
        section, problems = validate(name, model, values[name], given.own[name])
        verdicts += [Verdict(problem) for problem in problems]
        if section is not None:
            sections[name] = section
    for finding in cross_check(sections):
        where = given.own[finding.section][finding.option].where
        verdicts.append(Verdict(Problem(where, finding.what, finding.hint), finding.fatal))
    return sections, verdicts


def _values(
    own: Mapping[str, Mapping[str, Entry]], directory: Path
) -> tuple[dict[str, dict[str, object]], list[Verdict]]:
    """Read all values, without the retired keys of dictionaries, with all paths absolute."""
    values = {name: read_section(model, own[name]) for name, model in SECTIONS.items()}
    verdicts = []
    for option, entry in own["input"].items():
        given = values["input"][option]
        if isinstance(given, Mapping):
            values["input"][option], found = retire_keys(entry, given)
            verdicts += found
    values["paths"] = resolve_paths(values["paths"], values["simulation"]["simulator"], directory)
    return values, verdicts
