from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from snntoolbox.config.document import options_page
from snntoolbox.config.load import default_entries
from snntoolbox.config.retired import RETIRED_KEYS, RETIRED_OPTIONS, RETIRED_SECTIONS


def rows() -> list[list[str]]:
    table = [line.replace("\\|", "") for line in options_page().splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_committed_page_is_up_to_date(repository: Path):
    """Otherwise run: python -m snntoolbox.config.document > docs/options.md."""
    assert (repository / "docs" / "options.md").read_text(encoding="utf-8") == options_page()


def test_the_module_writes_the_page(repository: Path):
    command = [sys.executable, "-m", "snntoolbox.config.document"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout == options_page()


def test_every_option_has_a_row_with_its_default():
    found = [(row[0], row[2]) for row in rows() if len(row) == 4]
    expected = [(f"`{entry.option}`", f"`{entry.value}`" if entry.value else "") for entry in default_entries()]
    assert set(expected) <= set(found)
    assert all(f"\n## [{section}]\n" in options_page() for section in {e.section for e in default_entries()})


def test_rows_say_what_may_be_written():
    found = {row[0]: row[1] for row in rows() if len(row) == 4}
    assert found["`duration`"] == "number > 0 (ms)"
    assert found["`percentile`"] == "number > 0 and <= 100"
    assert found["`method`"] == (
        "one of `percentile`, `maximum`, `robust`, `mmse`, `local_balancing`, `threshold_balancing`, `auto`"
    )
    assert found["`reset`"].startswith("one of `subtract` or `Reset by subtraction`, `zero`")
    assert found["`simulator`"].startswith("one of tensorflow (or INI), reference")


def test_everything_retired_has_a_row():
    found = [(row[0].split()[0], row[0], row[2]) for row in rows() if len(row) == 3]
    places = {f"[{section}]": options for section, options in RETIRED_OPTIONS.items()} | dict(RETIRED_KEYS)
    for place, options in places.items():
        for option, retired in options.items():
            (advice,) = [a for p, names, a in found if p == place and f"`{option}`" in names]
            assert advice == retired.advice
    assert {(f"[{section}]", advice) for section, advice in RETIRED_SECTIONS.items()} <= {(n, a) for _, n, a in found}
