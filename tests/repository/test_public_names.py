"""``snntoolbox.NAME``: what is stable, and how quickly it is there."""

import subprocess
import sys
import time

import pytest

import snntoolbox

ATTEMPTS = 5


def _best(measure, limit_s):
    """Best of several measurements: other processes only ever add time. Enough once the limit is met."""
    best = float("inf")
    for _ in range(ATTEMPTS):
        best = min(best, measure())
        if best < limit_s:
            break
    return best


def test_the_public_names():
    assert snntoolbox.__all__ == ["Graph", "Record", "__version__", "convert", "evaluate", "parse", "run", "simulate"]
    assert set(snntoolbox.__all__) <= set(dir(snntoolbox))


@pytest.mark.parametrize("name", snntoolbox.__all__)
def test_each_name_is_found(name):
    assert getattr(snntoolbox, name) is not None


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'sparse'"):
        _ = snntoolbox.sparse


def test_import_takes_less_than_300_ms(repository):
    code = "import time; start = time.perf_counter(); import snntoolbox; print(time.perf_counter() - start)"

    def measure():
        done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
        return float(done.stdout)

    assert _best(measure, 0.3) < 0.3


def test_help_takes_less_than_600_ms(repository):
    code = "import sys; from snntoolbox.cli import main; sys.exit(main())"

    def measure():
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, "--help"], cwd=repository, capture_output=True, check=True)
        return time.perf_counter() - start

    assert _best(measure, 0.6) < 0.6


def test_help_loads_no_tensorflow(repository):
    code = (
        "import sys\n"
        "from snntoolbox.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "sys.exit(' '.join({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, "--help"], cwd=repository, capture_output=True, text=True)
    assert "usage" in done.stdout.lower()
    assert done.stderr.strip() == ""
