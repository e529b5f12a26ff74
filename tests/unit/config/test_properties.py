"""What holds for every option: defaults parse, wrong values and names are named, what is written loads again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import annotated_types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snntoolbox.config.effective import to_ini
from snntoolbox.config.fields import Expected, Kind, Registered
from snntoolbox.config.ini import DEFAULT, Origin, parse_ini
from snntoolbox.config.load import default_entries, load
from snntoolbox.config.settings import SECTIONS
from snntoolbox.config.text import read_value, write_value
from snntoolbox.config.validate import kinds
from snntoolbox.errors import ConfigError

KINDS = {(section, option): kind for section, model in SECTIONS.items() for option, kind in kinds(model).items()}
NUMBERS = {key: kind for key, kind in KINDS.items() if kind.base in (int, float)}
FREE_TEXT = {key for key, kind in KINDS.items() if kind.base in (str, Path) and not kind.note(Registered)}


def problems(overrides: dict[str, object]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(None, overrides)
    return [str(problem) for problem in caught.value.problems]


def test_every_default_parses():
    loaded = load()
    for entry in default_entries():
        assert entry.origin == DEFAULT
        if entry.section in SECTIONS:
            kind = KINDS[entry.section, entry.option]
            value = getattr(getattr(loaded, entry.section), entry.option)
            if kind.is_model:
                value = value.model_dump(exclude_unset=True)
            if entry.section != "paths" and not kind.note(Registered):
                assert value == read_value(entry.value, kind)


@pytest.mark.parametrize("key", sorted(set(KINDS) - FREE_TEXT), ids=".".join)
def test_every_option_refuses_nonsense_by_name(key: tuple[str, str]):
    section, option = key
    (found,) = problems({f"{section}.{option}": "{nonsense"})
    assert found.startswith(f"override [{section}] {option}: ")


@pytest.mark.parametrize("key", sorted(FREE_TEXT), ids=".".join)
def test_text_and_paths_refuse_what_is_neither(key: tuple[str, str]):
    section, option = key
    (found,) = problems({f"{section}.{option}": 3.5})
    assert found.startswith(f"override [{section}] {option}: expected {KINDS[key].words}, got 3.5")


@pytest.mark.parametrize("key", sorted(NUMBERS), ids=".".join)
@given(data=st.data())
@settings(max_examples=10)
def test_numbers_outside_their_limits_are_refused_by_name(key: tuple[str, str], data: st.DataObject):
    section, option = key
    kind = NUMBERS[key]
    value = data.draw(outside(kind))
    (found,) = problems({f"{section}.{option}": value})
    assert found.startswith(f"override [{section}] {option}: expected {kind.words}, got {value!r}")


def outside(kind: Kind) -> st.SearchStrategy[Any]:
    """Draw numbers that a limit of ``kind`` excludes; every number has one."""
    numbers: Any = st.integers if kind.base is int else st.floats
    extra = {} if kind.base is int else {"allow_nan": False, "allow_infinity": False}
    ranges = []
    for note in kind.notes:
        if isinstance(note, annotated_types.Ge):
            ranges.append(numbers(max_value=note.ge - 1, **extra))
        elif isinstance(note, annotated_types.Gt):
            ranges.append(numbers(max_value=note.gt, **extra))
        elif isinstance(note, annotated_types.Le):
            ranges.append(numbers(min_value=note.le + 1, **extra))
        elif isinstance(note, annotated_types.Lt):
            ranges.append(numbers(min_value=note.lt, **extra))
    return st.one_of(ranges)


@given(st.sampled_from(sorted(KINDS)), st.data())
@settings(max_examples=50)
def test_a_mistyped_option_is_named_and_the_right_one_suggested(key: tuple[str, str], data: st.DataObject):
    section, option = key
    position = data.draw(st.integers(0, len(option) - 1))
    wrong = option[:position] + "q" + option[position:]
    (found,) = problems({f"{section}.{wrong}": "1"})
    assert found.startswith(f"override [{section}] {wrong}: unknown option. Did you mean '")


@given(st.sampled_from(sorted(SECTIONS)), st.integers(0, 3))
@settings(max_examples=20)
def test_a_mistyped_section_is_named_and_the_right_one_suggested(section: str, position: int):
    wrong = section[:position] + "q" + section[position:]
    assert problems({f"{wrong}.x": 1}) == [f"override [{wrong}]: unknown section. Did you mean '{section}'?"]


FILE_NAMES = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="/~"), min_size=1, max_size=8)
WORDS = st.text(st.characters(exclude_categories=("C",)), max_size=8)


def values(kind: Kind) -> st.SearchStrategy[Any]:
    """Draw allowed values of ``kind``."""
    limits = {type(n): getattr(n, a) for n in kind.notes for a in ("ge", "gt", "le", "lt") if hasattr(n, a)}
    low = limits.get(annotated_types.Ge, limits.get(annotated_types.Gt))
    high = limits.get(annotated_types.Le, limits.get(annotated_types.Lt))
    if kind.base is bool:
        return st.booleans()
    if kind.base is int:
        allowed = st.integers(low, high)
        return allowed.filter(bool) if kind.note(Expected) else allowed
    if kind.base is float:
        ends = {"exclude_min": annotated_types.Gt in limits, "exclude_max": annotated_types.Lt in limits}
        return st.floats(low, high, allow_nan=False, allow_infinity=False, allow_subnormal=False, **ends)
    if kind.base is Path:
        return FILE_NAMES.filter(lambda name: name not in (".", ".."))
    if kind.base is str and kind.note(Expected):
        return st.sampled_from(["", "module:function", "package.module:Class.method"])
    if registered := kind.note(Registered):
        return st.sampled_from([*registered.registry.builtins, *registered.registry.aliases])
    if kind.base is str:
        return WORDS
    if kind.is_list:
        elements = values(Kind.of(get_args(kind.base)[0]))
        return st.lists(elements, max_size=4)
    if kind.choices:
        return st.sampled_from([*kind.choices, *kind.spellings])
    if kind.is_mapping and get_args(kind.base)[1] is int:
        return st.dictionaries(WORDS, st.integers(1, 32), max_size=3)
    if kind.is_mapping:
        return st.dictionaries(WORDS, st.one_of(st.integers(), st.booleans(), WORDS), max_size=3)
    return st.just({"rescale": 0.5}) if "rescale" in kind.base.model_fields else st.just({"shuffle": True, "seed": 3})


# Options that are checked against each other, or name another: tested on their own in test_problems.py.
COUPLED = {
    ("simulation", "duration"),
    ("simulation", "dt"),
    ("cell", "tau_refrac"),
    ("input", "input_rate"),
    ("input", "mean"),
    ("parameter_sweep", "code_options"),
    ("parameter_sweep", "param_name"),
    ("parameter_sweep", "param_values"),
    ("paths", "runlabel"),
    ("paths", "filename_ann"),
    ("paths", "filename_parsed_model"),
    ("paths", "filename_snn"),
}
OVERRIDES = st.fixed_dictionaries({}, optional={".".join(k): values(v) for k, v in KINDS.items() if k not in COUPLED})


@given(OVERRIDES)
@settings(max_examples=60)
def test_what_is_written_loads_to_the_same_settings(overrides: dict[str, object]):
    loaded = load(None, overrides)
    written = parse_ini(to_ini(loaded), Origin("effective.ini", "effective.ini"))
    assert not written.problems
    assert load(None, {f"{e.section}.{e.option}": e.value for e in written.entries}) == loaded


@given(OVERRIDES)
@settings(max_examples=30)
def test_a_value_as_text_means_the_same_as_the_value(overrides: dict[str, object]):
    texts = {key: write_value(value) for key, value in overrides.items()}
    assert load(None, texts) == load(None, overrides)
