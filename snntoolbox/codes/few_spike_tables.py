"""Tables of few-spike neurons, fitted by ``benchmarks/fit_few_spike.py`` for inputs in [-8, 8]."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

__all__ = ["RANGE", "TABLES"]

RANGE = 8.0
"""Largest absolute value of the inputs that tables were fitted for."""

Table = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]


def _read() -> dict[str, Table]:
    text = files("snntoolbox.codes").joinpath("few_spike_tables.json").read_text(encoding="utf-8")
    names = ("thresholds", "resets", "messages")
    return {name: tuple(tuple(table[part]) for part in names) for name, table in json.loads(text).items()}  # type: ignore[misc]


TABLES: Mapping[str, Table] = MappingProxyType(_read())
"""Name of an activation -> thresholds, resets and messages of 16 steps."""
