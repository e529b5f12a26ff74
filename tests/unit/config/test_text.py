from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import BaseModel

from snntoolbox.config.fields import Kind, Spellings
from snntoolbox.config.text import read_value, write_value


class Keys(BaseModel):
    size: tuple[int, int] | None = None
    mode: Literal["rgb", "bgr"] | None = None


Choice = Annotated[Literal["subtract", "zero"], Spellings({"Reset to zero": "zero"})]


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        (bool, "True", True),
        (bool, "off", False),
        (int, " 12 ", 12),
        (int, "-1", -1),
        (float, "0.5", 0.5),
        (float, "1e-4", 1e-4),
        (float, "1/255", 1 / 255),
        (str, "a b", "a b"),
        (Path, "a/b%c", Path("a/b%c")),
        (Path, "", None),
        (float | None, "", None),
        (Choice, "Zero", "zero"),
        (Choice, "reset  TO zero", "zero"),
        (tuple[float, ...], "", ()),
        (tuple[float, ...], "1", (1.0,)),
        (tuple[float, ...], "1, 1/2,", (1.0, 0.5)),
        (tuple[int, ...], "[1, 2]", (1, 2)),
        (tuple[str, ...], "['a,b', 'c']", ("a,b", "c")),
        (frozenset[Choice], "{}", frozenset()),
        (frozenset[Choice], "{'zero', 'SUBTRACT'}", frozenset({"zero", "subtract"})),
        (frozenset[Choice], "zero, subtract", frozenset({"zero", "subtract"})),
        (Mapping[str, Any], "", {}),
        (Mapping[str, Any], "{'a':\n 1}", {"a": 1}),
        (Keys, "{'size': [3, 4], 'mode': 'RGB'}", {"size": (3, 4), "mode": "rgb"}),
    ],
)
def test_text_becomes_the_declared_type(declared: Any, text: str, value: object):
    found = read_value(text, Kind.of(declared))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("declared", "given", "value"),
    [
        (int, np.int64(3), 3),
        (int, 3.0, 3),
        (int, 2**60 + 1, 2**60 + 1),
        (float, 3, 3.0),
        (float, np.float32(0.5), 0.5),
        (tuple[float, ...], np.array([1, 2]), (1.0, 2.0)),
        (tuple[float, ...], None, ()),
        (tuple[float, ...], 2, (2.0,)),
        (frozenset[Choice], ["zero"], frozenset({"zero"})),
        (Path, Path("a"), Path("a")),
    ],
)
def test_python_values_become_the_declared_type(declared: Any, given: object, value: object):
    found = read_value(given, Kind.of(declared))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        (bool, "maybe"),
        (int, "1.5"),
        (int, 1.5),
        (int, True),
        (float, "1/0"),
        (float, "one"),
        (float, False),
        (Choice, "sero"),
        (tuple[int, ...], "[1, 2"),
        (tuple[int, ...], "{'a': 1}"),
        (frozenset[Choice], "[['zero']]"),
        (Mapping[str, Any], "dict(a=1)"),
        (Keys, "[1]"),
    ],
)
def test_what_cannot_be_read_stays_as_it_is(declared: Any, given: object):
    """Validation then refuses it in its own words."""
    found = read_value(given, Kind.of(declared))
    assert found == given or found == [1]


def test_no_code_is_run():
    text = "[__import__('os').getpid()]"
    assert read_value(text, Kind.of(tuple[int, ...])) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "True"),
        (200.0, "200"),
        (1 / 255, "0.00392156862745098"),
        ((1.0, 0.5), "1, 0.5"),
        (frozenset({"b", "a"}), "a, b"),
        (("a b", "c"), "['a b', 'c']"),
        (Path("/a/b"), "/a/b"),
        ({"a": (1, 2)}, "{'a': (1, 2)}"),
        (Keys(mode="rgb"), "{'mode': 'rgb'}"),
    ],
)
def test_values_are_written_as_short_text(value: object, text: str):
    assert write_value(value) == text
