"""What a configuration amounts to: every value with its origin, and as an INI file that gives the same settings."""

from __future__ import annotations

from typing import NamedTuple

from snntoolbox.config.load import all_values
from snntoolbox.config.settings import Settings
from snntoolbox.config.text import write_value

__all__ = ["EffectiveOption", "effective_options", "to_ini"]


class EffectiveOption(NamedTuple):
    """One value as text, and where it comes from: ``default``, ``override``, or file and line."""

    section: str
    option: str
    value: str
    origin: str


def effective_options(settings: Settings) -> list[EffectiveOption]:
    """List every option with its value and origin, in the order of the options page."""
    return [
        EffectiveOption(section, option, write_value(value), settings.origin(section, option))
        for section, values in all_values(settings).items()
        for option, value in values.items()
    ]


def to_ini(settings: Settings) -> str:
    """Write every option as INI text; loading it, from any directory, gives settings equal to these."""
    blocks = []
    for section, values in all_values(settings).items():
        lines = [f"{option} = {write_value(value)}".rstrip() for option, value in values.items()]
        blocks.append("\n".join([f"[{section}]", *lines]))
    return "\n\n".join(blocks) + "\n"
