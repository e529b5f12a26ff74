"""Text -> value and back, by the kind of the option. No code is evaluated: lists and dictionaries are Python literals.

Reading never fails: what cannot be read stays as it is, so that validation names it together with everything else.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel

from snntoolbox.config.fields import Kind

__all__ = ["read_value", "write_value"]


def read_value(value: object, kind: Kind) -> object:
    """Turn text, or a Python value, into the type of ``kind``; return it unchanged if that does not work."""
    if isinstance(value, str):
        value = value.strip()
    if isinstance(value, str) and not value and (kind.optional or kind.base is Path):
        return None
    if kind.is_list:
        return _read_list(value, kind)
    if kind.is_model or kind.is_mapping:
        return _read_mapping(value, kind)
    if kind.choices:
        return _read_choice(value, kind)
    if kind.base in _READERS:
        return _READERS[kind.base](value)
    return value


def _read_bool(value: object) -> object:
    return configparser.ConfigParser.BOOLEAN_STATES.get(value.lower(), value) if isinstance(value, str) else value


def _read_int(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return round(float(value)) if float(value).is_integer() else value
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _read_float(value: object) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, Real):
        return float(value)
    if not isinstance(value, str):
        return value
    numerator, slash, denominator = value.partition("/")  # 1/255 has no exact decimal form
    try:
        return float(numerator) / float(denominator) if slash else float(value)
    except (ValueError, ZeroDivisionError):
        return value


def _read_path(value: object) -> object:
    return Path(value) if isinstance(value, str | PathLike) else value


_READERS = {bool: _read_bool, int: _read_int, float: _read_float, Path: _read_path}


def _read_choice(value: object, kind: Kind) -> object:
    if not isinstance(value, str):
        return value
    known = {c.lower(): c for c in kind.choices} | {s.lower(): c for s, c in kind.spellings.items()}
    return known.get(" ".join(value.lower().split()), value)


def _read_list(value: object, kind: Kind) -> object:
    items = _items(value)
    if items is None:
        return value
    make: Any = get_origin(kind.base)
    try:
        return make(read_value(item, kind.element) for item in items)
    except TypeError:  # an element that cannot be in a set
        return value


def _items(value: Any) -> list[Any] | None:
    """Split ``a, b``, a Python list, tuple, set or array, or take one value; ``{}`` is the original's empty set."""
    if isinstance(value, str):
        if value[:1] not in tuple("[({"):
            return [part.strip() for part in value.removesuffix(",").split(",")] if value else []
        value = _literal(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or (isinstance(value, Mapping) and not value):
        return []
    if isinstance(value, str | Mapping):
        return None
    return list(value) if isinstance(value, Iterable) else [value]


def _read_mapping(value: object, kind: Kind) -> object:
    found = {} if value == "" else _literal(value)
    if not (kind.is_model and isinstance(found, Mapping)):
        return found
    fields = kind.base.model_fields
    return {k: read_value(v, Kind.of(fields[k])) if k in fields else v for k, v in found.items()}


def _literal(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return value


def write_value(value: object) -> str:
    """Return the text of a value; `read_value` turns it back into an equal one."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, BaseModel):
        return repr(value.model_dump(exclude_unset=True))
    if isinstance(value, frozenset | set):
        value = sorted(value)
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        items = list(value)
        simple = all(isinstance(i, int | float) or (isinstance(i, str) and i.isidentifier()) for i in items)
        return ", ".join(write_value(i) for i in items) if simple else repr(items)
    return str(value)
