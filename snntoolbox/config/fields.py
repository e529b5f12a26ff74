"""What the declaration of an option says: its kind, choices, limits and unit, and all of that in words.

The declarations themselves are in `snntoolbox.config.settings`. Error messages, the reading of values and the options
page all take their knowledge from here, so they cannot disagree.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, core_schema

from snntoolbox.errors import RegistryError
from snntoolbox.registry import Registry

__all__ = ["Expected", "Kind", "Registered", "Spellings", "Unit"]

Note = TypeVar("Note")

_LIMITS: tuple[tuple[Any, str, str], ...] = (
    (annotated_types.Gt, "gt", ">"),
    (annotated_types.Ge, "ge", ">="),
    (annotated_types.Lt, "lt", "<"),
    (annotated_types.Le, "le", "<="),
)
_SINGULAR = {bool: "True or False", int: "a whole number", float: "a number", str: "text", Path: "a path"}
_PLURAL = {int: "whole numbers", float: "numbers", str: "names"}


@dataclass(frozen=True)
class Unit:
    """Unit of a number, such as ``ms``."""

    symbol: str


@dataclass(frozen=True)
class Spellings:
    """Other spellings of choices that a file may use, such as those of the original toolbox: spelling -> choice."""

    known: Mapping[str, str]


@dataclass(frozen=True)
class Expected:
    """What is expected, in words, where the type and its limits do not say it all."""

    words: str


@dataclass(frozen=True)
class Registered:
    """The value is a name of ``registry``, stored in the registry's own spelling, or one of ``also``."""

    registry: Registry
    also: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Look the name up after pydantic has made sure that it is a string."""
        return core_schema.no_info_after_validator_function(self._canonical, handler(source))

    def _canonical(self, name: str) -> str:
        if name.lower() in self.also:
            return name.lower()
        try:
            return self.registry.canonical(name)
        except RegistryError as error:
            raise ValueError(str(error)) from error

    def names(self) -> list[str]:
        """Return the built-in names, each with its aliases; plug-ins differ from one machine to the next."""
        aliases = {n: [a for a, target in self.registry.aliases.items() if target == n] for n in self.registry.builtins}
        named = [f"{name} (or {', '.join(others)})" if others else name for name, others in aliases.items()]
        return [*self.also, *named]


@dataclass(frozen=True)
class Kind:
    """A type with everything that was declared around it.

    Attributes:
        base: The bare type: bool, int, float, str, Path, a Literal, a tuple, frozenset or mapping, or a pydantic model.
        notes: Limits, units, spellings.
        optional: None is allowed.
    """

    base: Any
    notes: tuple[object, ...] = ()
    optional: bool = False

    @classmethod
    def of(cls, declared: Any, notes: tuple[object, ...] = ()) -> Kind:
        """Read a type annotation, or the declaration of a pydantic field."""
        if isinstance(declared, FieldInfo):
            return cls.of(declared.annotation, tuple(declared.metadata))
        if get_origin(declared) is Annotated:
            base, *extra = get_args(declared)
            flat = [note for e in extra for note in (e.metadata if isinstance(e, FieldInfo) else [e])]
            return cls.of(base, (*notes, *flat))
        if get_origin(declared) in (Union, types.UnionType) and type(None) in get_args(declared):
            inner = cls.of(next(a for a in get_args(declared) if a is not type(None)), notes)
            return cls(inner.base, inner.notes, optional=True)
        return cls(declared, notes)

    def note(self, kind: type[Note]) -> Note | None:
        """Return the note of this type, the outermost of several, or None."""
        return next((note for note in reversed(self.notes) if isinstance(note, kind)), None)

    @property
    def element(self) -> Kind:
        """Kind of the elements of a list or set."""
        return Kind.of(get_args(self.base)[0])

    @property
    def is_number(self) -> bool:
        """Whether this is one number."""
        return self.base in (int, float)

    @property
    def is_list(self) -> bool:
        """Whether this is a list or set."""
        return get_origin(self.base) in (tuple, frozenset)

    @property
    def is_model(self) -> bool:
        """Whether this is a dictionary with fixed keys."""
        return isinstance(self.base, type) and issubclass(self.base, BaseModel)

    @property
    def is_mapping(self) -> bool:
        """Whether this is a dictionary with any keys."""
        return isinstance(get_origin(self.base), type) and issubclass(get_origin(self.base), Mapping)

    @property
    def choices(self) -> tuple[str, ...]:
        """The values of a Literal; of the elements for a set of them."""
        if self.is_list:
            return self.element.choices
        return get_args(self.base) if get_origin(self.base) is Literal else ()

    @property
    def spellings(self) -> Mapping[str, str]:
        """Other spellings of the choices."""
        note = self.note(Spellings)
        return note.known if note else {}

    @property
    def unit(self) -> str:
        """Symbol of the unit, or an empty string."""
        note = self.note(Unit)
        return note.symbol if note else ""

    @property
    def limits(self) -> str:
        """The limits as ``> 0 and <= 100``, or an empty string."""
        found = [f"{sign} {getattr(n, key):g}" for t, key, sign in _LIMITS for n in self.notes if isinstance(n, t)]
        return " and ".join(found)

    @property
    def words(self) -> str:
        """What a value must be, as it follows "expected"."""
        if stated := self.note(Expected):
            return stated.words
        if registered := self.note(Registered):
            return f"one of {', '.join(registered.names())}, or the name of a plug-in"
        if self.is_list:
            return self._list_words()
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.is_model:
            return f"a dictionary with keys out of {', '.join(self.base.model_fields)}"
        if self.is_mapping:
            return "a dictionary such as {'key': 1}"
        return self._number_words(_SINGULAR.get(self.base, "a value"))

    def _list_words(self) -> str:
        if self.choices:
            return f"any of {', '.join(self.choices)}"
        return "a list of " + self.element._number_words(_PLURAL.get(self.element.base, "values"))

    def _number_words(self, noun: str) -> str:
        return " ".join(part for part in (noun, self.limits, f"({self.unit})" if self.unit else "") if part)
