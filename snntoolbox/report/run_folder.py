"""The folder of a run: it appears whole or not at all, and replaces an earlier run only once it is complete."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snntoolbox.errors import RunError

__all__ = ["MANIFEST", "run_folder"]

MANIFEST = ".snntoolbox-run.json"
"""File that marks the folder of a run and lists what the run wrote."""


@contextmanager
def run_folder(path: str | Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Yield an empty folder to write into, which becomes ``path`` when the block ends without an error.

    The folder is a hidden one beside ``path`` until then. On an error or interrupt it is removed and whatever was at
    ``path`` stays as it was. An earlier run is removed after the new one is in its place; files in its folder that the
    run did not write (notes, other runs) are kept. A process that is killed can leave a hidden folder
    ``.<name>.draft-...``, which nothing reads and which can be deleted.

    Args:
        path: Folder of the run.
        overwrite: Whether an earlier run may be replaced.

    Raises:
        RunError: There is an earlier run that may not be replaced, or something that is no run.
    """
    path = Path(path).absolute()
    _finish_interrupted_swap(path)
    _check(path, overwrite)
    draft = path.with_name(f".{path.name}.draft-{secrets.token_hex(4)}")
    draft.mkdir(parents=True)
    try:
        yield draft
        files = sorted(file.relative_to(draft).as_posix() for file in _files(draft))
        (draft / MANIFEST).write_text(json.dumps({"format": "snntoolbox-run", "files": files}, indent=1), "utf-8")
        _swap(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _check(path: Path, overwrite: bool) -> None:
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not path.is_dir():
        raise RunError(f"the run folder {path} is a file; choose another [paths] log_dir_of_current_run or runlabel")
    if not (path / MANIFEST).is_file() and not _holds_only_runs(path):
        raise RunError(
            f"the run folder {path} exists and was not written by a run, so it is not replaced; choose another "
            "[paths] log_dir_of_current_run or runlabel, or move the folder away"
        )
    if not overwrite and (path / MANIFEST).is_file():
        raise RunError(
            f"the run folder {path} holds an earlier run and [output] overwrite is off; choose another [paths] "
            "runlabel, move the folder away, or set overwrite = True"
        )


def _holds_only_runs(path: Path) -> bool:
    """Whether the folder exists only because runs lie below it, as ``log/a`` does after a run ``log/a/b``."""
    return all(
        child.is_dir() and not child.is_symlink() and ((child / MANIFEST).is_file() or _holds_only_runs(child))
        for child in path.iterdir()
    )


def _swap(draft: Path, path: Path) -> None:
    """Put ``draft`` in the place of ``path``; the earlier folder is out of place only between two renamings."""
    if not path.exists():
        draft.rename(path)
        return
    previous = _previous(path)
    path.rename(previous)
    try:
        draft.rename(path)
    except BaseException:
        previous.rename(path)
        raise
    _discard(previous, path)


def _previous(path: Path) -> Path:
    return path.with_name(f".{path.name}.previous")


def _finish_interrupted_swap(path: Path) -> None:
    """Complete or undo what a process that was killed while swapping left behind."""
    previous = _previous(path)
    if previous.exists():
        if path.exists():
            _discard(previous, path)
        else:
            previous.rename(path)


def _discard(previous: Path, path: Path) -> None:
    """Remove an earlier run; what it did not write itself moves to ``path``."""
    written = _written_by_run(previous)
    for file in list(_files(previous)):
        name = file.relative_to(previous)
        if name.as_posix() not in written:
            _keep(file, path / name)
    shutil.rmtree(previous)


def _written_by_run(folder: Path) -> frozenset[str]:
    manifest = folder / MANIFEST
    listed = json.loads(manifest.read_text("utf-8"))["files"] if manifest.is_file() else []
    return frozenset([*listed, MANIFEST])


def _keep(file: Path, target: Path) -> None:
    """Move a file to ``target``, or beside it if the new run wrote one of that name."""
    while os.path.lexists(target):
        target = target.with_name(target.name + ".kept")
    target.parent.mkdir(parents=True, exist_ok=True)
    file.rename(target)


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file below ``folder``; symbolic links count as files."""
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path)
