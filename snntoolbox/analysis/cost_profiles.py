"""Prices of operations: named profiles in ``cost_profiles.toml``, and files of users in the same form."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from snntoolbox.analysis.operation_kinds import KINDS
from snntoolbox.errors import DataError, RegistryError
from snntoolbox.registry import suggest

__all__ = ["CostProfile", "Price", "load_profiles", "profile_names", "read_profiles"]

FORMULAS: dict[str, tuple[int, Callable[..., float]]] = {
    "adder": (2, lambda a, b: max(a, b) + abs(a - b) / 2),
    "multiplier": (2, lambda a, b: a * b),
    "shift": (1, lambda a: a / 5),
    "barrel_shift": (1, lambda a: 2 * a / 3),
}
"""Name of a circuit -> number of operands, and its power for their widths, relative to an adder of one bit."""
WIDTHS = ("weight", "activation", "accumulator")
_KEYS = {"about", "unit", "process", "source", "bits", "costs"}


@dataclass(frozen=True)
class Price:
    """What one operation costs.

    Attributes:
        cost: A number, in the unit of the profile; None for a sum of terms.
        terms: Circuits with the widths of their operands.
        source: Where it is from.
        process: What it was measured or simulated for.
    """

    cost: float | None
    terms: tuple[tuple[str, ...], ...]
    source: str
    process: str

    def at(self, widths: Mapping[str, float]) -> float:
        """Return the number for widths in bits."""
        if self.cost is not None:
            return self.cost
        return sum(FORMULAS[name][1](*(_width(operand, widths) for operand in rest)) for name, *rest in self.terms)


@dataclass(frozen=True)
class CostProfile:
    """Prices of one process, chip or paper.

    Attributes:
        name: Its name.
        about: What it is, in a few words.
        unit: Of the prices, such as ``pJ``.
        process: What the prices were measured or simulated for.
        source: Where they are from.
        prices: Kind of operation -> price.
        bits: Widths that terms refer to: ``weight`` and ``activation``.
    """

    name: str
    about: str
    unit: str
    process: str
    source: str
    prices: Mapping[str, Price]
    bits: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the mappings."""
        object.__setattr__(self, "prices", MappingProxyType(dict(self.prices)))
        object.__setattr__(self, "bits", MappingProxyType(dict(self.bits)))

    @property
    def costs(self) -> dict[str, float]:
        """Kind of operation -> number."""
        weight, activation = self.bits.get("weight", 0.0), self.bits.get("activation", 0.0)
        widths = {"weight": weight, "activation": activation, "accumulator": weight + activation}
        return {kind: price.at(widths) for kind, price in self.prices.items()}

    def with_bits(self, weight: float | None = None, activation: float | None = None) -> CostProfile:
        """Return the profile for other widths, where it depends on any."""
        if not self.bits:
            return self
        given = {"weight": weight, "activation": activation}
        bits = {**self.bits, **{name: value for name, value in given.items() if value}}
        return CostProfile(self.name, self.about, self.unit, self.process, self.source, self.prices, bits)


@cache
def _builtin() -> Mapping[str, CostProfile]:
    text = resources.files("snntoolbox.analysis").joinpath("cost_profiles.toml").read_text(encoding="utf-8")
    return MappingProxyType(_profiles(tomllib.loads(text), "cost_profiles.toml"))


def profile_names() -> list[str]:
    """Return the names of the profiles that come with the package."""
    return list(_builtin())


def read_profiles(path: Path) -> dict[str, CostProfile]:
    """Read a file of profiles, TOML or JSON by its suffix.

    Raises:
        DataError: It cannot be read, or something in it is wrong; the message says what and where.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise DataError(f"cost profiles: cannot read {path}: {error}") from error
    return _profiles(content, str(path))


def load_profiles(
    names: Iterable[str], path: Path | None = None, *, weight_bits: int = 0, activation_bits: int = 0
) -> tuple[CostProfile, ...]:
    """Return profiles by name.

    Args:
        names: Their names; ``all`` for every one, those of the file first.
        path: A file of profiles, which come before those of the package.
        weight_bits: Width of weights for profiles that depend on it; 0 takes that of the profile.
        activation_bits: Width of activations and states, in the same way.

    Raises:
        RegistryError: There is none of that name.
        DataError: The file cannot be read, or something in it is wrong.
    """
    own = read_profiles(path) if path is not None else {}
    known = {**own, **{name: profile for name, profile in _builtin().items() if name not in own}}
    wanted = list(dict.fromkeys(one for name in names for one in (known if name == "all" else [name])))
    for name in wanted:
        if name not in known:
            hint = suggest(name, list(known))
            raise RegistryError(f"unknown cost profile '{name}'.{hint} Known: all, {', '.join(known)}")
    return tuple(known[name].with_bits(weight_bits, activation_bits) for name in wanted)


def _profiles(content: Any, where: str) -> dict[str, CostProfile]:
    if not isinstance(content, Mapping):
        raise DataError(f"{where}: expected a table for each profile, got {content!r}")
    return {name: _profile(name, table, f"{where}, profile {name}") for name, table in content.items()}


def _profile(name: str, table: Any, where: str) -> CostProfile:
    if not isinstance(table, Mapping) or not isinstance(table.get("costs"), Mapping):
        raise DataError(f"{where}: expected a table with costs, got {table!r}")
    unknown = sorted(set(table) - _KEYS)
    missing = [key for key in ("unit", "process", "source") if not isinstance(table.get(key), str)]
    if unknown or missing:
        raise DataError(f"{where}: unknown keys {unknown}, missing texts {missing}; known: {', '.join(sorted(_KEYS))}")
    bits = table.get("bits", {})
    if (
        not isinstance(bits, Mapping)
        or not set(bits) <= set(WIDTHS[:2])
        or not all(_is_number(b) for b in bits.values())
    ):
        raise DataError(f"{where}, bits: expected numbers for weight and activation, got {bits!r}")
    prices = {kind: _price(kind, entry, table, where) for kind, entry in table["costs"].items()}
    if not bits and any(set(operands) & set(WIDTHS) for price in prices.values() for _, *operands in price.terms):
        raise DataError(f"{where}: terms refer to widths, but there are no bits")
    return CostProfile(
        name, str(table.get("about", "")), table["unit"], table["process"], table["source"], prices, bits
    )


def _price(kind: str, entry: Any, table: Mapping[str, Any], where: str) -> Price:
    where = f"{where}, {kind}"
    if kind not in KINDS:
        raise DataError(f"{where}: no such kind of operation.{suggest(kind, list(KINDS))} Known: {', '.join(KINDS)}")
    if (
        not isinstance(entry, Mapping)
        or ("cost" in entry) == ("terms" in entry)
        or not isinstance(entry.get("source"), str)
    ):
        raise DataError(f"{where}: expected cost or terms, and a source, got {entry!r}")
    cost = entry.get("cost")
    if cost is not None and (not _is_number(cost) or cost < 0):
        raise DataError(f"{where}: expected a cost >= 0, got {cost!r}")
    terms = tuple(_term(text, where) for text in entry.get("terms", ()))
    process = str(entry.get("process", table["process"]))
    return Price(None if cost is None else float(cost), terms, entry["source"], process)


def _term(text: Any, where: str) -> tuple[str, ...]:
    words = tuple(str(text).split())
    circuit = FORMULAS.get(words[0]) if words else None
    good = circuit is not None and len(words) == 1 + circuit[0]
    if not good or not all(word in WIDTHS or word.isdigit() for word in words[1:]):
        raise DataError(
            f"{where}: expected a circuit ({', '.join(FORMULAS)}) and the widths of its operands "
            f"({', '.join(WIDTHS)}, or numbers), such as 'adder activation weight', got '{text}'"
        )
    return words


def _width(operand: str, widths: Mapping[str, float]) -> float:
    return float(operand) if operand.isdigit() else widths[operand]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
