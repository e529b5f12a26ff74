"""Which class has which index, folder and name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from snntoolbox.errors import DataError

__all__ = ["ClassIndex", "read_class_index"]


@dataclass(frozen=True)
class ClassIndex:
    """The classes in the order of the network's outputs.

    Attributes:
        folders: Name of the folder with the images of each class.
        names: Name of each class, as plots show it.
    """

    folders: tuple[str, ...]
    names: tuple[str, ...]


def read_class_index(path: Path) -> ClassIndex:
    """Read ``{"0": ["n01440764", "tench"], ...}`` (folder, name) or ``{"0": "tench", ...}`` (both are the same).

    Raises:
        DataError: The file is missing, is not such JSON, or the indices are not 0, 1, 2, ...
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"class_idx_path: {path} cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise DataError(f"class_idx_path: {path} is not JSON ({error}).") from error
    entries = [_entry(path, content, index) for index in range(len(content))] if isinstance(content, dict) else []
    if not entries:
        raise DataError(f'class_idx_path: {path}: expected {{"0": ["folder", "name"], ...}}, got no such table')
    folders, names = zip(*entries, strict=True)
    return ClassIndex(folders, names)


def _entry(path: Path, content: Mapping[str, object], index: int) -> tuple[str, str]:
    """Return folder and name of one class."""
    match content.get(str(index)):
        case str(name):
            return name, name
        case [str(folder), str(name)]:
            return folder, name
        case None:
            raise DataError(
                f"class_idx_path: {path}: index {index} is missing. Expected every index from 0 to {len(content) - 1}."
            )
        case other:
            raise DataError(f'class_idx_path: {path}: expected "name" or ["folder", "name"] for {index}, got {other!r}')
