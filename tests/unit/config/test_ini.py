from __future__ import annotations

import configparser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from snntoolbox.config.ini import Origin, parse_ini, read_ini

FILE = Origin("/somewhere/config.ini", "config.ini")


def test_entries_keep_their_text_and_line():
    found = parse_ini("# a comment\n[a]\nx = 1\n\n[b]\ny: {\n  'k': 1,\n\n  'l': 2}\nz = %(x)s 100%\n", FILE)
    assert [(e.section, e.option, e.value, str(e.origin)) for e in found.entries] == [
        ("a", "x", "1", "/somewhere/config.ini:3"),
        ("b", "y", "{\n'k': 1,\n\n'l': 2}", "/somewhere/config.ini:6"),
        ("b", "z", "%(x)s 100%", "/somewhere/config.ini:10"),
    ]
    assert found.entries[0].where == "config.ini [a] x"


def test_a_line_that_continues_a_value_is_no_option():
    found = parse_ini("[a]\nx =\n  [1, 2]\n  y = 3\n", FILE)
    assert [(e.option, e.value) for e in found.entries] == [("x", "\n[1, 2]\ny = 3")]
    assert found.sections == ("a",)


def test_every_repetition_is_named_with_its_lines():
    found = parse_ini("[a]\nx = 1\nX = 2\n[b]\ny = 1\n[a]\nz = 1\nz = 1\n", FILE)
    assert sorted(map(str, found.problems)) == [
        "config.ini [a] x: given 2 times (lines 2, 3). Keep one.",
        "config.ini [a] z: given 2 times (lines 7, 8). Keep one.",
        "config.ini [a]: given 2 times (lines 1, 6). Keep one.",
    ]


def test_every_line_that_is_not_ini_is_named():
    found = parse_ini("[a]\nx = 1\nnonsense\nmore nonsense\n", FILE)
    assert [p.where for p in found.problems] == ["config.ini line 3", "config.ini line 4"]


def test_an_option_before_the_first_section():
    assert [p.where for p in parse_ini("\nx = 1\n", FILE).problems] == ["config.ini line 2"]


def test_files_that_cannot_be_read(tmp_path: Path):
    (tmp_path / "binary.ini").write_bytes(b"\xff\xfe\x00")
    for name, expected in [("missing.ini", "no such file"), ("binary.ini", "UTF-8"), (".", "cannot be read")]:
        (problem,) = read_ini(tmp_path / name).problems
        assert problem.where == str(tmp_path / name)
        assert expected in problem.what


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path):
    (tmp_path / "a.ini").write_bytes("[a]\r\nx = 1\r\n".encode("utf-8-sig"))
    found = read_ini(tmp_path / "a.ini")
    assert [(e.option, e.value) for e in found.entries] == [("x", "1")]
    assert not found.problems


LINES = st.sampled_from(
    ["[a]", "  [b]", "x = 1", "X: 2", "  y = 3", " ", "", "# c", "  ; c", "  more", "z =", "\x0c", "q"]
)


@given(st.lists(LINES, max_size=12))
def test_lines_are_counted_as_configparser_counts_them(lines: list[str]):
    text = "\n".join(["[first]", *lines])
    found = parse_ini(text, FILE)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        assert found.problems
    else:
        assert not found.problems
        for entry in found.entries:
            number = int(str(entry.origin).rpartition(":")[2])
            assert text.split("\n")[number - 1].strip().lower().startswith(entry.option)
