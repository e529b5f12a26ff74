"""``snntoolbox --search``: what it writes, and that each of its options changes what is tried or chosen."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from snntoolbox.cli import main
from snntoolbox.config.load import load
from snntoolbox.search import threshold_round

BASE = {
    "simulation.duration": 3,
    "output.verbose": 0,
    "search.num_samples": 24,
}


def rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of a table."""
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture
def search(project: Path):
    """Run a search and return what it wrote."""

    def run(**overrides: Any) -> dict[str, Any]:
        given = BASE | {name.replace("__", "."): value for name, value in overrides.items()}
        sets = [f"--set={name}={value}" for name, value in given.items()]
        assert main([str(project / "config.ini"), "--search", *sets]) == 0
        folder = next(project.glob("log/**/search"))
        return {
            **json.loads((folder / "search.json").read_text()),
            "folder": folder,
            "trials": rows(folder / "trials.csv"),
        }

    return run


def test_the_chosen_config_gives_what_was_measured(search, project: Path, capsys) -> None:
    found = search(output__verbose=1)
    assert found["goal"] == "most decisions as by the ANN after 3 steps"
    assert len(found["trials"]) >= 20
    folder = found["folder"]
    settings = load(folder / "config.ini")
    for name, value in found["chosen"].items():
        section, option = name.split(".")
        assert getattr(getattr(settings, section), option) == value
    assert main([str(folder / "config.ini"), "--set=output.verbose=0"]) == 0  # it runs from where it lies
    front = rows(folder / "pareto.csv")
    assert max(float(point["agreement"]) for point in front) >= found["agreement_over_time"][-1]
    assert (folder / "pareto.png").stat().st_size > 5000
    assert "agreement with the ANN" in capsys.readouterr().out


def test_goals_and_their_tolerance(search) -> None:
    steps = search(search__goal="steps", search__within=100)
    assert steps["goal"] == "fewest time steps from which on at most 100 % of the decisions differ from the ANN's"
    operations = search(search__goal="operations", search__within=100)
    assert operations["operations_over_time"][0] <= steps["operations_over_time"][0]


def test_neurons_that_may_be_used(search) -> None:
    assert not any("cell.neuron" in trial["options"] for trial in search()["trials"])
    tried = search(search__neurons="integrate_and_fire, graded")["trials"]
    assert any("cell.neuron = graded" in trial["options"] for trial in tried)


def test_fewer_samples_hold_out_fewer(search) -> None:
    assert search()["num_samples"] == 8
    assert search(search__num_samples=12)["num_samples"] == 4


def test_time_limit(search) -> None:
    found = search(search__time_limit=1e-6)
    assert found["stopped_by_time_limit"]
    assert len(found["trials"]) == 1


def test_a_run_chooses_its_normalisation(run) -> None:
    base = {"simulation.duration": 3}
    chosen, plain = run({**base, "normalization.method": "auto", "output.verbose": 2}), run(base)
    assert chosen["status"] == plain["status"] == 0
    assert "conversion chosen of" in chosen["err"]
    assert run({**base, "normalization.method": "auto", "tools.normalize": False})["status"] == 0


@pytest.mark.parametrize("given", [{"readout.start": 1}, {"cell.clamp_delay": 0.5}])
def test_a_run_leaves_a_readout_and_a_clamp_to_the_config(given, run) -> None:
    chosen = run({"simulation.duration": 3, "normalization.method": "auto", "output.verbose": 2, **given})
    only_methods = 1 + len(threshold_round().variations)
    assert f"conversion chosen of {only_methods}:" in chosen["err"]


def test_a_check_takes_a_config_that_leaves_the_choice(project: Path) -> None:
    assert main([str(project / "config.ini"), "--check", "--set=normalization.method=auto"]) == 0
