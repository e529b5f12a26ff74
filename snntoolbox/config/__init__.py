"""The configuration: an INI file becomes `Settings`, typed and checked, or one error that lists every mistake.

The public names are imported when they are first used, so that nothing validates before there is something to check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "EffectiveOption",
    "Section",
    "Settings",
    "effective_options",
    "load",
    "load_backend_settings",
    "overrides_from_text",
    "replace",
    "to_ini",
]

if TYPE_CHECKING:
    from snntoolbox.config.effective import EffectiveOption, effective_options, to_ini
    from snntoolbox.config.load import load, load_backend_settings, overrides_from_text, replace
    from snntoolbox.config.settings import Section, Settings

_HOMES = {
    "EffectiveOption": "effective",
    "Section": "settings",
    "Settings": "settings",
    "effective_options": "effective",
    "load": "load",
    "load_backend_settings": "load",
    "overrides_from_text": "load",
    "replace": "load",
    "to_ini": "effective",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use and keep it (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not, with the module's own."""
    return sorted({*globals(), *__all__})
