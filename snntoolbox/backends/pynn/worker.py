"""What each MPI process of NEST runs: build the network that is written down, simulate, save what it has measured.

``python -m snntoolbox.backends.pynn.worker FOLDER`` is started by `snntoolbox.backends.pynn.processes`. All processes
make the same calls, and NEST gives each of them a part of the neurons.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snntoolbox.backends.pynn.backends import NestSettings
from snntoolbox.backends.pynn.driver import Neurons
from snntoolbox.backends.record import Array
from snntoolbox.errors import SNNToolboxError

if TYPE_CHECKING:
    from snntoolbox.backends.pynn.nest import NestDriver

__all__ = ["main"]


def main(folder: Path) -> int:
    """Simulate what is in a folder and return the exit status."""
    from snntoolbox.backends.pynn.nest import NestDriver, process_number

    job = json.loads((folder / "job.json").read_text("utf-8"))
    settings = NestSettings(**job["settings"])
    try:
        driver = NestDriver(job["dt_ms"], job["max_delay"], settings)
        measured = _simulate(driver, job, np.load(folder / "arrays.npz"))
    except SNNToolboxError as error:
        (folder / f"failure-{os.getpid()}.txt").write_text(str(error), "utf-8")
        return 1
    np.savez(folder / f"rank-{process_number()}.npz", **measured)
    return 0


def _simulate(driver: NestDriver, job: dict[str, Any], arrays: Any) -> dict[str, Any]:
    """Return what the neurons of this process did: name -> array."""
    populations: list[Any] = []
    spiking, curves = [], []
    for number, call in enumerate(job["calls"]):
        name, target = call["call"], call.get("target")
        given = {key.partition("/")[2]: arrays[key] for key in arrays.files if key.startswith(f"{number}/")}
        if name == "neurons":
            neurons = Neurons(given["threshold"], call["reset"], call["steps"], call["leak"])
            populations.append(driver.neurons(neurons))
        elif name == "sources":
            populations.append(driver.sources(np.split(given["times"], given["ends"][:-1])))
        elif name == "connect":
            ends = (populations[call["source"]], populations[target])
            driver.connect(*ends, given["pre"], given["post"], given["weight"], call["delay"])
        elif name == "record_spikes":
            driver.record_spikes(populations[target])
            spiking.append(target)
        else:
            driver.record_potentials(populations[target])
            curves.append(target)
    stops = {int(time): targets for time, targets in job["stops"].items()}
    meters = driver.simulate(job["duration"], {t: [populations[n] for n in some] for t, some in stops.items()})
    measured: dict[str, Any] = {}
    for target in spiking:
        found = driver.spikes(populations[target])
        measured |= {f"spikes/{target}/times": found.times, f"spikes/{target}/neurons": found.neurons}
    for target in curves:
        measured |= _named(f"curve/{target}", driver.curve(populations[target]))
    numbers = [number for targets in stops.values() for number in targets]
    for number, (population, meter) in zip(numbers, meters, strict=True):
        measured |= _named(f"stop/{number}", driver.measured(population, meter))
    return measured


def _named(key: str, values: tuple[Array, Array, Array]) -> dict[str, Array]:
    return dict(zip((f"{key}/times", f"{key}/neurons", f"{key}/values"), values, strict=True))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
