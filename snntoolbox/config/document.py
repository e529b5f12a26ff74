"""The options page, made from the declarations: ``python -m snntoolbox.config.document > docs/options.md``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from snntoolbox.config.fields import Kind, Registered
from snntoolbox.config.load import default_entries
from snntoolbox.config.retired import RETIRED_KEYS, RETIRED_OPTIONS, RETIRED_SECTIONS, Retired
from snntoolbox.config.settings import SECTIONS
from snntoolbox.registry import BACKENDS

__all__ = ["options_page"]

_INTRODUCTION = """\
# Options

A config is an INI file. It holds only what differs from the defaults, which are in
[config_defaults.ini](../config_defaults.ini):

```ini
[paths]
filename_ann = model.keras

[simulation]
duration = 100
num_to_test = 1000
```

`snntoolbox config.ini --show-config` prints every value and where it comes from, `--set section.option=value` overrides
one for a single run, `--check` finds mistakes without a simulation. An unknown section or option, a wrong type and a
value out of range are errors; all of them are reported at once.

How values are written:

- switches: `True` or `False`, also `on` and `off`, `yes` and `no`, `1` and `0`;
- numbers: `0.5`, `1e-4`, or a quotient such as `1/255`;
- lists and sets: `a, b`, or as in Python `['a', 'b']`, `{'a', 'b'}`; nothing for an empty one;
- dictionaries: as in Python, `{'font.size': 13}`; nothing or `{}` for an empty one;
- names that are to be chosen from are not case-sensitive;
- comments: lines of their own that begin with `#` or `;`.
"""

_RETIRED = """\
## Options of the original toolbox that are gone

Configs written for the original toolbox keep working. An option listed here gives a warning if it is set to a value
that has no effect on what is simulated here, and an error otherwise.
"""


def options_page() -> str:
    """Return ``docs/options.md``."""
    defaults = {(entry.section, entry.option): str(entry.value) for entry in default_entries()}
    parts = [_INTRODUCTION]
    for name, model in _sections(defaults).items():
        rows = [
            (f"`{option}`", _value(Kind.of(info)), _code(defaults[name, option]), info.description or "")
            for option, info in model.model_fields.items()
        ]
        parts.append(f"## [{name}]\n\n{inspect.getdoc(model)}\n")
        parts.append(_table(("option", "value", "default", "meaning"), rows))
    return "\n".join([*parts, _RETIRED, _retired_table()])


def _sections(defaults: Mapping[tuple[str, str], str]) -> dict[str, type[BaseModel]]:
    """Return all sections that have defaults: the toolbox's, then those that built-in backends declare."""
    backends = dict.fromkeys(section for section, _ in defaults if section not in SECTIONS)
    return {**SECTIONS, **{name: BACKENDS.load(name).settings_type for name in backends}}


def _value(kind: Kind) -> str:
    """Say what may be written, in a few words."""
    if registered := kind.note(Registered):
        return f"one of {', '.join(registered.names())}; plug-ins add more"
    if kind.is_model:
        return "dictionary with the keys " + ", ".join(f"`{key}`" for key in kind.base.model_fields)
    if not kind.choices:
        return kind.words.removeprefix("a ").partition(" such as")[0]
    written: dict[str, list[str]] = {choice: [f"`{choice}`"] for choice in kind.choices}
    for spelling, choice in kind.spellings.items():
        written[choice].append(f"`{spelling}`")
    return ("any of " if kind.is_list else "one of ") + ", ".join(" or ".join(names) for names in written.values())


def _retired_table() -> str:
    """One row for all options of a place that share the advice."""
    places = {f"[{section}]": options for section, options in RETIRED_OPTIONS.items()} | dict(RETIRED_KEYS)
    groups: dict[tuple[str, str, str], list[str]] = {}
    for place, options in places.items():
        for option, entry in options.items():
            groups.setdefault((place, _harmless(entry), entry.advice), []).append(f"`{option}`")
    rows = [(f"{place} {', '.join(names)}", values, advice) for (place, values, advice), names in groups.items()]
    rows += [(f"[{section}]", "any", advice) for section, advice in RETIRED_SECTIONS.items()]
    return _table(("option", "values without effect", "instead"), rows)


def _harmless(entry: Retired) -> str:
    if entry.harmless is None:
        return "any"
    return ", ".join(_code(value) or "empty" for value in entry.harmless) or "none"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(options_page())
