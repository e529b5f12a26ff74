"""What the documents must name, and what no file may."""

import os
import re
import subprocess

import pytest

import snntoolbox
from snntoolbox.registry import BACKENDS, CODES, FRONTENDS, PASSES

# Places of a developer's machine, and hosts that only it may know. (Written so that this line is not one of them.)
MACHINE = re.compile(r"(?<![\w.])/(?:[w]ork|[r]oot|[t]mp/\w)|\.\./[s]hared|127\.0\.[0]\.1|[l]ocalhost")


@pytest.fixture(scope="session")
def tracked(repository):
    """Tracked files."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := repository / name).is_file()]


@pytest.fixture(scope="session")
def docs(repository):
    """All pages as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((repository / "docs").rglob("*.md")))


@pytest.mark.parametrize("registry", [FRONTENDS, PASSES, CODES, BACKENDS], ids=lambda registry: registry.kind)
def test_the_docs_name_everything_that_is_registered(registry, docs):
    names = [*registry.builtins, *registry.aliases]
    assert not [name for name in names if not re.search(rf"\b{re.escape(name)}\b", docs)]


def test_the_readme_names_the_two_commands(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    assert "scripts/demo" in readme and "scripts/test" in readme


def test_links_between_documents_lead_somewhere(repository, tracked):
    pages = [path for path in tracked if path.suffix == ".md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))]
    wrong = [
        f"{page.relative_to(repository)}: {link}"
        for page, link in links
        if not link.startswith(("http://", "https://", "mailto:")) and not (page.parent / link).exists()
    ]
    assert pages and not wrong, "\n".join(wrong)


def test_the_changelog_has_an_entry_for_what_is_not_released(repository):
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[?(Unreleased|" + re.escape(snntoolbox.__version__) + ")", changelog, re.MULTILINE)


def test_no_file_names_a_place_on_a_machine(repository, tracked):
    wrong = [
        f"{path.relative_to(repository)}:{number}: {line.strip()[:100]}"
        for path in tracked
        if b"\0" not in path.read_bytes()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_large_file_is_tracked(repository, tracked):
    limits = {".onnx": 4_000_000, ".keras": 2_000_000}  # trained networks of the examples
    large = [path for path in tracked if path.stat().st_size > limits.get(path.suffix, 1_000_000)]
    assert not [str(path.relative_to(repository)) for path in large]


@pytest.mark.parametrize("script", ["scripts/demo", "scripts/test", ".ci/run"])
def test_scripts_can_be_run(repository, script):
    path = repository / script
    assert os.access(path, os.X_OK)
    assert path.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_ci_runs_the_tests(repository):
    assert "\nscripts/test\n" in (repository / ".ci" / "run").read_text(encoding="utf-8")
