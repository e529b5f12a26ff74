"""The parity command: one converted network on several backends, from a config."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snntoolbox.backends.brian2 import Brian2Backend
from snntoolbox.cli import main
from snntoolbox.registry import BACKENDS
from tests.cli.conftest import results

AVERAGES = "conversion.max2avg_pool=True"
Compare = Callable[..., tuple[int, str, str]]


@pytest.fixture
def compare(project: Path, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Run the command and return its status and what it printed, as words with single spaces between."""

    def call(backends: str, *options: str) -> tuple[int, str, str]:
        arguments = [f"--set={option}" for option in options]
        status = main(["-t", str(project / "config.ini"), "--parity", backends, *arguments])
        printed = capsys.readouterr()
        return status, " ".join(printed.out.split()), " ".join(printed.err.split())

    return call


def _numbers(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / "log/test/parity/parity.json").read_text())
    return found


def test_backends_are_compared_layer_by_layer(compare: Compare, run, project: Path) -> None:
    expected = results(run({"conversion.max2avg_pool": True}))
    status, out, err = compare("brian2, NEST,tensorflow", AVERAGES)
    assert status == 0, out + err
    assert "12 samples, 6 steps" in out
    assert "equal" in out and "hidden_relu" in out
    numbers = _numbers(project)
    assert [one["backend"] for one in numbers["backends"]] == ["reference", "brian2", "nest", "tensorflow"]
    for one in numbers["backends"]:
        assert one["passed"] and one["unexplained"] == 0
        assert one["accuracy"] == expected["accuracy"]["snn"]
        assert one["start_seconds"] > 0 and one["microseconds"] > 0
        spikes = {layer["layer"]: layer["spikes"] / 12 for layer in one["layers"]}
        assert spikes["hidden_relu"] == expected["spikes_per_layer"]["hidden_relu"]
    with (project / "log/test/parity/layers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["backend"] for row in rows} == {"reference", "brian2", "nest", "tensorflow"}
    assert (project / "log/test/results.json").is_file()  # the run before is left alone


def test_who_cannot_run_says_why(compare: Compare, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Brian2Backend, "why_unavailable", lambda: "pip install 'snntoolbox[brian2]'")
    status, out, _ = compare("brian2,nest,reference")
    assert status == 1
    assert "brian2 cannot run: backend 'brian2' cannot be used here: pip install 'snntoolbox[brian2]'" in out
    assert "nest cannot run:" in out and "SpikingMaxPool" in out and "max2avg_pool = True" in out
    names = [one["backend"] for one in _numbers(project)["backends"] if one["passed"]]
    assert names == ["reference"]


def test_a_declared_deviation_is_named_and_passes(compare: Compare) -> None:
    status, out, _ = compare("loihi", AVERAGES, "simulation.duration=30", "cell.initial_potential=0")
    assert status == 0
    assert "loihi may differ: " in out


def test_undeclared_differences_fail(compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    from snntoolbox.backends.reference import ReferenceSimulation

    class Other(ReferenceSimulation):
        def _fire(self, node: Any, model: Any, current: Any, *rest: Any) -> Any:
            return super()._fire(node, model, current + 0.1, *rest)

    monkeypatch.setattr(Brian2Backend, "_compile", lambda self, graph, **options: Other(graph, **options))
    status, out, _ = compare("brian2", AVERAGES)
    assert status == 1
    assert "no tie" in out and "spike counts differ and are no ties" in out


def test_each_backend_has_its_own_section(compare: Compare) -> None:
    for option in ("brian2.target=fortran", "nest.threads=0"):
        status, _, err = compare("brian2,nest", AVERAGES, option)
        assert status == 1
        assert option.split("=")[0].split(".")[1] in err


def test_nest_is_spread_over_processes_by_the_config(compare: Compare) -> None:
    status, out, _ = compare("nest", AVERAGES, "nest.processes=3", "nest.launcher=start_on_no_machine {processes}")
    assert status == 1
    assert "3 MPI processes, but no program was found for 'start_on_no_machine 3'" in out


def test_poisson_input_is_that_of_the_config(compare: Compare, project: Path) -> None:
    spikes = []
    for rate in (200, 800):
        options = ("input.poisson_input=True", f"input.input_rate={rate}")
        assert compare("brian2", AVERAGES, *options)[0] == 0
        spikes.append(_numbers(project)["backends"][1]["layers"][0]["spikes"])
    assert spikes[0] != spikes[1]


def test_an_unknown_name_is_refused_before_work_starts(compare: Compare, project: Path) -> None:
    status, _, err = compare("reference,brain2")
    assert status == 1
    assert "Did you mean 'brian2'" in err
    assert not (project / "log").exists()


def test_all_stands_for_what_is_installed(compare: Compare, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BACKENDS.builtins:
        missing = None if name in ("reference", "brian2") else "not here"
        monkeypatch.setattr(BACKENDS.load(name), "why_unavailable", lambda missing=missing: missing)
    assert compare("all", AVERAGES)[0] in (0, 1)  # there may be plug-ins, which may refuse the network
    assert [one["backend"] for one in _numbers(project)["backends"]][:2] == ["reference", "brian2"]
    assert "nest" not in [one["backend"] for one in _numbers(project)["backends"]]


def test_it_is_one_action_among_others(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([str(project / "config.ini"), "--parity", "brian2", "--check"])
    assert stop.value.code == 2
