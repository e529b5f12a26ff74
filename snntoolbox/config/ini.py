"""An INI file as a list of entries, each with its line. Nothing is interpreted here: values stay text."""

from __future__ import annotations

import configparser
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from snntoolbox.errors import Problem

__all__ = ["DEFAULT", "OVERRIDE", "Entry", "IniFile", "Origin", "parse_ini", "read_ini"]


@dataclass(frozen=True)
class Origin:
    """Where a value comes from.

    Attributes:
        label: ``default``, ``override``, or path and line of the file.
        file: What a message puts before ``[section] option``; empty for the defaults.
    """

    label: str
    file: str = ""

    def __str__(self) -> str:
        """The label."""
        return self.label


DEFAULT = Origin("default")
OVERRIDE = Origin("override", "override")


@dataclass(frozen=True)
class Entry:
    """One option as it was given; ``value`` is text from a file and anything from Python."""

    section: str
    option: str
    value: object
    origin: Origin = DEFAULT

    @property
    def where(self) -> str:
        """The place as a message names it: ``config.ini [simulation] duration``."""
        return f"{self.origin.file} [{self.section}] {self.option}".lstrip()


@dataclass(frozen=True)
class IniFile:
    """What a file contains: its entries, its sections (also empty ones), and what is wrong with its form."""

    name: str = ""
    entries: tuple[Entry, ...] = ()
    sections: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_ini(path: Path) -> IniFile:
    """Read a file; one that is missing, unreadable or not INI gives problems instead of entries."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return IniFile(path.name, problems=(Problem(str(path), "there is no such file.", "Check the path."),))
    except OSError as error:
        return IniFile(path.name, problems=(Problem(str(path), f"cannot be read ({error.strerror})."),))
    except UnicodeDecodeError:
        problem = Problem(str(path), "is not text in UTF-8.", "Expected an INI file with [section] and option = value.")
        return IniFile(path.name, problems=(problem,))
    return parse_ini(text, Origin(str(path), path.name))


def parse_ini(text: str, origin: Origin) -> IniFile:
    """Parse INI text that comes from ``origin``; an empty origin label marks the defaults."""
    # No interpolation: a % in a path is a %. No [DEFAULT]: it would put its options into every section.
    parser = configparser.ConfigParser(interpolation=None, strict=False, default_section="")
    try:
        parser.read_string(text)
    except configparser.Error as error:
        return IniFile(origin.file, problems=tuple(_syntax_problems(error, origin)))
    lines = list(_lines(text))
    numbers = {(section, option): number for section, option, number in lines}
    entries = tuple(
        Entry(section, option, value, _with_line(origin, numbers[section, option]))
        for section in parser.sections()
        for option, value in parser.items(section)
    )
    return IniFile(origin.file, entries, tuple(parser.sections()), tuple(_repetitions(lines, origin)))


def _with_line(origin: Origin, line: int) -> Origin:
    return origin if origin == DEFAULT else Origin(f"{origin.label}:{line}", origin.file)


def _lines(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield (section, option, line) of every header (with option ``""``) and option, by configparser's own rules."""
    section, indent, in_value = "", 0, False
    for number, line in enumerate(io.StringIO(text), start=1):  # not splitlines(), which also splits at form feeds
        content = line.strip()
        if not content or content[0] in "#;":
            continue
        level = len(line) - len(line.lstrip())
        if in_value and level > indent:  # continues the value above
            continue
        indent = level
        if header := configparser.ConfigParser.SECTCRE.match(content):
            section, in_value = header["header"], False
            yield section, "", number
        elif assignment := configparser.ConfigParser.OPTCRE.match(content):
            in_value = True
            yield section, assignment["option"].strip().lower(), number


def _repetitions(lines: list[tuple[str, str, int]], origin: Origin) -> Iterator[Problem]:
    for (section, option), count in Counter((section, option) for section, option, _ in lines).items():
        if count > 1:
            at = ", ".join(str(number) for s, o, number in lines if (s, o) == (section, option))
            where = f"{origin.file} [{section}] {option}".strip()
            yield Problem(where, f"given {count} times (lines {at}).", "Keep one.")


def _syntax_problems(error: configparser.Error, origin: Origin) -> Iterator[Problem]:
    hint = "Expected [section], option = value, or a comment line that begins with #."
    if isinstance(error, configparser.MissingSectionHeaderError):
        yield Problem(f"{origin.file} line {error.lineno}", "an option before the first [section].", hint)
    elif isinstance(error, configparser.ParsingError):
        for number, line in error.errors:
            yield Problem(f"{origin.file} line {number}", f"cannot be read: {line}.", hint)
    else:
        yield Problem(origin.file, f"cannot be read: {error}.", hint)
