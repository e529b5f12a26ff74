"""A run on the emulated chip from the command line: samples reach the thresholds, the chip is in the report."""

from __future__ import annotations

import csv
import json
from pathlib import Path

LOIHI = {"simulation.simulator": "loihi", "simulation.duration": 30, "conversion.max2avg_pool": True}


def test_a_run_reports_the_chip(run, project: Path) -> None:
    observed = run(LOIHI)
    assert observed["status"] == 0, observed["err"]
    folder = project / "log/test"
    found = json.loads((folder / "loihi.json").read_text())
    assert found["cores"] == 1 and found["samples"] == 12 and found["overflows"] == 0
    # Rates in place of spikes put the normalisation samples where the converted network does.
    assert min(found["agreement"].values()) > 0.9 and set(found["agreement"]) == {"thresholds set", "rounded"}
    assert list(found["accuracy"]) == ["ANN", "converted", "thresholds set", "rounded", "spikes on the chip"]
    assert (
        found["accuracy"]["spikes on the chip"] == json.loads((folder / "results.json").read_text())["accuracy"]["snn"]
    )
    assert found["energy"]["davies2018"]["energy_uj"] > 0
    rows = list(csv.DictReader((folder / "loihi_cores.csv").read_text().splitlines()))
    assert len(rows) == 1 and int(rows[0]["compartments"]) <= 1024 and "hidden" in rows[0]["layers"]
    page = (folder / "report.html").read_text()
    for word in ("Loihi: 1 cores on 1 chip", "Loihi: energy and time", "thesis_board", "Loihi: discretisation"):
        assert word in page, word
    for name in ("chip", "cores", "traffic", "costs", "product"):
        assert (folder / f"figures/loihi_{name}.png").is_file(), name


def test_normalisation_samples_set_the_thresholds(run, project: Path) -> None:
    run({**LOIHI, "loihi.threshold_percentile": 50})
    half = json.loads((project / "log/test/results.json").read_text())
    run({**LOIHI, "loihi.threshold_percentile": 100, "output.overwrite": True})
    full = json.loads((project / "log/test/results.json").read_text())
    assert half["spikes_per_sample"] > 1.2 * full["spikes_per_sample"]


def test_overflows_reach_the_user(run) -> None:
    # A weight exponent of 7 makes charges 128 times as large as thresholds allow for.
    observed = run({**LOIHI, "loihi.connection_kwargs": "{'weightExponent': 7}", "loihi.normalize_thresholds": False})
    assert observed["status"] == 0, observed["err"]
    assert "overflow" in observed["err"]
