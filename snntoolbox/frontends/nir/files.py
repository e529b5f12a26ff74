"""NIR files, and the library that reads and writes them: any version from 1.0.4 on."""

from __future__ import annotations

import inspect
from os import PathLike
from pathlib import Path
from typing import Any

import h5py

from snntoolbox.errors import DataError, UnsupportedError

__all__ = ["library", "make_graph", "read_file", "write_file"]


def library() -> Any:
    """Return the module ``nir``.

    Raises:
        UnsupportedError: It is not installed.
    """
    try:
        import nir
    except ImportError as error:
        raise UnsupportedError("the package nir is not installed; pip install 'snntoolbox[nir]'") from error
    return nir


def make_graph(nodes: dict[str, Any], edges: list[tuple[str, str]], metadata: dict[str, Any]) -> Any:
    """Return a NIR graph. Its own check of shapes is left out: it takes all kernels for square and ungrouped."""
    graph = library().NIRGraph
    options = {"type_check": False} if "type_check" in inspect.signature(graph).parameters else {}
    made = graph(nodes=nodes, edges=edges, **options)
    made.metadata = metadata
    return made


def read_file(path: str | PathLike[str]) -> Any:
    """Return the NIR graph in a file.

    Raises:
        DataError: The file does not exist, or is damaged.
    """
    nir = library()
    if not Path(path).is_file():
        raise DataError(f"no NIR file at {path}")
    try:
        return _read_unchecked(nir, path)
    except (OSError, KeyError, ValueError, TypeError, AssertionError) as error:
        raise DataError(f"{path} is not a NIR file that version {nir.version} of nir reads: {error}") from error


def _read_unchecked(nir: Any, path: str | PathLike[str]) -> Any:
    """Return the graph in a file without NIR's check of shapes, which `nir.read` can leave out from 1.0.7 on."""
    if "type_check" in inspect.signature(nir.read).parameters:
        return nir.read(path, type_check=False)
    if "type_check" not in inspect.signature(nir.NIRGraph).parameters:
        return nir.read(path)  # 1.0.4 does not check.
    with h5py.File(path, "r") as file:
        return nir.dict2NIRNode(nir.serialization.hdf2dict(file["node"]) | {"type_check": False})


def write_file(graph: Any, path: str | PathLike[str]) -> None:
    """Write a NIR graph. The file appears complete or not at all; an existing one is replaced then."""
    path = Path(path)
    draft = path.with_name(path.name + ".partial")
    try:
        library().write(draft, graph)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
