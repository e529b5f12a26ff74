"""The package's sources, parsed once."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Source:
    """One module of the package.

    Attributes:
        name: Dotted name, ``snntoolbox.ir.graph``; of a package, without ``__init__``.
        path: File, relative to the repository.
        tree: What it says.
        lines: Number of lines.
    """

    name: str
    path: str
    tree: ast.Module
    lines: int

    def imports(self) -> list[tuple[str, int]]:
        """Modules that are imported anywhere in the file, each with its line."""
        found: list[tuple[str, int]] = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(alias.name, node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
        return found


@pytest.fixture(scope="session")
def sources(repository: Path) -> list[Source]:
    """All modules of the package."""
    return [_parse(path, repository) for path in sorted((repository / "snntoolbox").rglob("*.py"))]


def _parse(path: Path, repository: Path) -> Source:
    relative = path.relative_to(repository)
    parts = relative.with_suffix("").parts
    text = path.read_text(encoding="utf-8")
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(name, str(relative), ast.parse(text), len(text.splitlines()))
