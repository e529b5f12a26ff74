"""INI file -> Settings: the defaults, under the file, under overrides.

Nothing stops at the first mistake: everything wrong with a configuration is in one `ConfigError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pydantic import BaseModel

from snntoolbox.config.build import build, config_error
from snntoolbox.config.classify import Verdict, judge_sections, unknown_option
from snntoolbox.config.ini import DEFAULT, OVERRIDE, Entry, IniFile, parse_ini, read_ini
from snntoolbox.config.settings import SECTIONS, Settings
from snntoolbox.config.validate import read_section, validate
from snntoolbox.errors import Problem
from snntoolbox.registry import suggest

__all__ = ["all_values", "default_entries", "load", "load_backend_settings", "replace"]

Model = TypeVar("Model", bound=BaseModel)
_NOTHING: Mapping[str, object] = MappingProxyType({})


def load(path: str | Path | None = None, overrides: Mapping[str, object] = _NOTHING) -> Settings:
    """Read a config file over the defaults, and ``overrides`` over both.

    Args:
        path: The INI file; None takes the defaults, with the current directory as working directory.
        overrides: ``{"section.option": value}``; a value is text as in a file, or the Python value itself.

    Raises:
        ConfigError: Anything is wrong: all of it, each problem with file, section and option.
    """
    path = Path(path).absolute() if path is not None else None
    file = read_ini(path) if path else IniFile()
    given, problems = _override_entries(overrides)
    entries = (*default_entries(), *file.entries, *given)
    if path and not file.problems:
        problems += _model_missing(file, entries)
    places = [*((file.name, section) for section in file.sections), *(("override", e.section) for e in given)]
    verdicts = [*map(Verdict, (*file.problems, *problems)), *judge_sections(places)]
    return build(entries, path.parent if path else Path.cwd(), verdicts, file.name or "the overrides")


def replace(settings: Settings, overrides: Mapping[str, object]) -> Settings:
    """Return ``settings`` with some options changed, checked like a file; names of files stay as they are.

    Args:
        settings: What to start from.
        overrides: ``{"section.option": value}``, as for `load`.

    Raises:
        ConfigError: A new value is not allowed.
    """
    given, problems = _override_entries(overrides)
    kept = [
        Entry(section, option, value, settings.origins[section, option])
        for section, values in all_values(settings).items()
        for option, value in values.items()
    ]
    verdicts = [
        *(Verdict(warning, fatal=False) for warning in settings.warnings),
        *map(Verdict, problems),
        *judge_sections(("override", e.section) for e in given),
    ]
    return build((*kept, *given), settings.paths.path_wd, verdicts, "the overrides")


def all_values(settings: Settings) -> dict[str, dict[str, object]]:
    """Return section -> option -> value, with the sections of backends last."""
    own = {name: getattr(settings, name) for name in SECTIONS}
    values = {name: {o: getattr(section, o) for o in SECTIONS[name].model_fields} for name, section in own.items()}
    return values | {name: dict(options) for name, options in settings.backend_options.items()}


def load_backend_settings(settings: Settings, section: str, model_type: type[Model]) -> Model:
    """Check the options of a backend's own section.

    Args:
        settings: The configuration.
        section: Name of the section: the backend's registered name.
        model_type: What the backend declares as its ``settings_type``: a `Section`, or any pydantic model. Options that
            nothing sets take the defaults of this class; built-in backends have theirs in ``config_defaults.ini``.

    Raises:
        ConfigError: Unknown options or wrong values, all of them.
    """
    options = settings.backend_options.get(section, {})
    entries = {name: Entry(section, name, text, settings.origins[section, name]) for name, text in options.items()}
    known = {name: entry for name, entry in entries.items() if name in model_type.model_fields}
    problems = [unknown_option(e, list(model_type.model_fields)) for name, e in entries.items() if name not in known]
    result, wrong = validate(section, model_type, read_section(model_type, known), known)
    if result is None or problems:
        raise config_error(f"section [{section}]", [*problems, *wrong])
    return result


def default_entries() -> tuple[Entry, ...]:
    """Return the entries of ``config_defaults.ini``."""
    text = resources.files("snntoolbox").joinpath("config_defaults.ini").read_text(encoding="utf-8")
    return parse_ini(text, DEFAULT).entries


def _override_entries(overrides: Mapping[str, object]) -> tuple[list[Entry], list[Problem]]:
    """Split the keys of overrides; a key without a section is a problem that names the option it may mean."""
    entries, problems = [], []
    homes = {option: f"{name}.{option}" for name, model in SECTIONS.items() for option in model.model_fields}
    for key, value in overrides.items():
        section, dot, option = key.rpartition(".")
        if dot:
            entries.append(Entry(section.strip(), option.strip().lower(), value, OVERRIDE))
        else:
            hint = (
                f"Did you mean '{homes[key.lower()]}'?" if key.lower() in homes else suggest(key, list(homes)).strip()
            )
            problems.append(Problem(f"override '{key}'", "expected section.option.", hint))
    return entries, problems


def _model_missing(file: IniFile, entries: Iterable[Entry]) -> list[Problem]:
    values = {(entry.section, entry.option): entry.value for entry in entries}
    if values["paths", "filename_ann"]:
        return []
    what = "is required: the file name of the trained network, such as model.keras."
    return [Problem(f"{file.name} [paths] filename_ann", what)]
