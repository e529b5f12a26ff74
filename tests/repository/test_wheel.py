"""What a user gets: the wheel, built from what is tracked."""

import shutil
import subprocess
import sys
import zipfile

import pytest

import snntoolbox


@pytest.fixture(scope="session")
def wheel(repository, tmp_path_factory):
    """Names in the wheel, its texts, and the tracked files of the package. Building writes, so it is done in a copy."""
    copy = tmp_path_factory.mktemp("source")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "snntoolbox", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repository / name, copy / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    command = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "dist", "."]
    built = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (path,) = (copy / "dist").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        content = {
            name: archive.read(name).decode() for name in archive.namelist() if name.endswith((".txt", "METADATA"))
        }
        return set(archive.namelist()), content, {n for n in listed.stdout.split("\0") if n.startswith("snntoolbox/")}


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    names, _, tracked = wheel
    assert {name for name in names if not name.split("/")[0].endswith(".dist-info")} == tracked


@pytest.mark.slow
@pytest.mark.parametrize("name", ["config_defaults.ini", "py.typed", "cli.py"])
def test_the_wheel_holds_what_the_command_needs(wheel, name):
    assert f"snntoolbox/{name}" in wheel[0]


@pytest.mark.slow
def test_the_wheel_states_version_command_licence_and_extras(wheel):
    _, texts, _ = wheel
    info = f"snntoolbox-{snntoolbox.__version__}.dist-info"
    assert "snntoolbox = snntoolbox.cli:main" in texts[f"{info}/entry_points.txt"]
    metadata = texts[f"{info}/METADATA"]
    assert f"Version: {snntoolbox.__version__}" in metadata
    assert "License-Expression: MIT" in metadata or "License: MIT" in metadata
    assert "Requires-Python: >=3.11" in metadata
    for extra in ("all", "brian2", "dev", "nir", "pynn", "torch"):
        assert f"Provides-Extra: {extra}\n" in metadata
