"""A run folder appears whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from snntoolbox.errors import RunError
from snntoolbox.report.run_folder import MANIFEST, run_folder


def make_run(path: Path, content: str = "first", *, overwrite: bool = True) -> None:
    with run_folder(path, overwrite=overwrite) as draft:
        (draft / "results.json").write_text(content)
        (draft / "figures").mkdir()
        (draft / "figures" / "error_t.png").write_text(content)


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "test"


def test_the_folder_appears_when_the_run_is_complete(path: Path) -> None:
    with run_folder(path) as draft:
        (draft / "results.json").write_text("{}")
        assert not path.exists() and draft.parent == path.parent
    assert names(path) == {"results.json", MANIFEST}
    assert names(path.parent) == {"test"}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_leaves_nothing(path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), run_folder(path) as draft:
        (draft / "results.json").write_text("{}")
        raise error
    assert names(path.parent) == set()


def test_an_interrupted_run_leaves_the_run_before_untouched(path: Path) -> None:
    make_run(path)
    with pytest.raises(KeyboardInterrupt), run_folder(path) as draft:
        (draft / "results.json").write_text("half")
        raise KeyboardInterrupt
    assert (path / "results.json").read_text() == "first" and names(path.parent) == {"test"}


def test_a_killed_run_leaves_no_run_folder(path: Path) -> None:
    make_run(path)
    code = (
        "import os, signal, sys\nfrom snntoolbox.report.run_folder import run_folder\n"
        "with run_folder(sys.argv[1]) as draft:\n"
        "    (draft / 'results.json').write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (path / "results.json").read_text() == "first"
    left = names(path.parent) - {"test"}
    assert len(left) == 1 and left.pop().startswith(".test.draft-")
    make_run(path, "second")
    assert (path / "results.json").read_text() == "second"


def test_a_new_run_replaces_the_files_of_the_one_before(path: Path) -> None:
    make_run(path)
    with run_folder(path) as draft:
        assert (path / "results.json").read_text() == "first"  # still there while the new one is made
        (draft / "results.json").write_text("second")
    assert (path / "results.json").read_text() == "second"
    assert names(path) == {"results.json", MANIFEST} and names(path.parent) == {"test"}


def test_files_of_others_are_kept(path: Path) -> None:
    make_run(path)
    (path / "notes.txt").write_text("mine")
    (path / "figures" / "paper.pdf").write_text("mine")
    (path / "new.csv").write_text("mine")
    make_run(path / "variant", "nested")
    with run_folder(path) as draft:
        (draft / "new.csv").write_text("second")
    assert (path / "notes.txt").read_text() == "mine" and (path / "figures" / "paper.pdf").read_text() == "mine"
    assert (path / "new.csv").read_text() == "second" and (path / "new.csv.kept").read_text() == "mine"
    assert not (path / "figures" / "error_t.png").exists()
    assert (path / "variant" / "results.json").read_text() == "nested"
    make_run(path / "variant", overwrite=True)  # which is still known to be a run


def test_an_earlier_run_stays_unless_it_may_be_replaced(path: Path) -> None:
    make_run(path, overwrite=False)
    with pytest.raises(RunError, match=r"overwrite is off; choose another .* runlabel"):
        make_run(path, "second", overwrite=False)
    assert (path / "results.json").read_text() == "first" and names(path.parent) == {"test"}


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_that_is_no_run_is_never_replaced(path: Path, overwrite: bool) -> None:
    path.mkdir(parents=True)
    (path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="was not written by a run"):
        make_run(path, overwrite=overwrite)
    assert names(path) == {"thesis.tex"} and names(path.parent) == {"test"}


def test_an_empty_folder_and_one_that_only_holds_runs_can_be_used(path: Path) -> None:
    path.mkdir(parents=True)
    make_run(path, overwrite=False)
    outer = path.parent
    make_run(outer, "outer", overwrite=False)
    assert (outer / "results.json").read_text() == "outer" and (path / "results.json").read_text() == "first"


def test_a_file_in_the_way_is_an_error(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(RunError, match="is a file"):
        make_run(path)
    assert path.read_text() == "mine"


def test_a_failing_swap_puts_the_run_before_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(path)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if ".draft-" in self.name:
            raise OSError("disk trouble")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="disk trouble"):
        make_run(path, "second")
    assert (path / "results.json").read_text() == "first" and names(path.parent) == {"test"}


def test_a_swap_that_was_killed_is_undone_or_completed(path: Path) -> None:
    make_run(path)
    (path / "notes.txt").write_text("mine")
    previous = path.with_name(".test.previous")
    path.rename(previous)  # killed between the two renamings
    with pytest.raises(ValueError), run_folder(path):
        raise ValueError
    assert (path / "results.json").read_text() == "first" and names(path.parent) == {"test"}
    path.rename(previous)
    with run_folder(path.parent / "other") as draft:
        (draft / "results.json").write_text("second")
    (path.parent / "other").rename(path)  # killed after them
    make_run(path, "third")
    assert (path / "results.json").read_text() == "third" and (path / "notes.txt").read_text() == "mine"
    assert names(path.parent) == {"test"}


def test_the_folder_has_the_usual_permissions(path: Path) -> None:
    mask = os.umask(0o022)
    try:
        make_run(path)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o755
