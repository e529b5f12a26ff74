"""NEST on several MPI processes: a network is written down, simulated by processes of their own, and read back.

`snntoolbox.backends.pynn.worker` is what the processes run. This one does without MPI and without NEST, so nothing but
NEST itself has to be started by ``mpirun``.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.pynn.driver import Driver, Handle, Neurons, Spikes
from snntoolbox.backends.record import Array
from snntoolbox.errors import SimulationError

__all__ = ["NestProcesses", "arrange"]


class NestProcesses(Driver):
    """A network in NEST, spread over MPI processes. Populations are known by their number."""

    def __init__(self, dt_ms: float, max_delay: int, settings: Any) -> None:
        super().__init__(dt_ms, max_delay, settings)
        self._calls: list[dict[str, Any]] = []
        self._arrays: dict[str, Any] = {}
        self._sizes: list[int] = []
        self._measured: dict[str, Array] = {}

    def neurons(self, neurons: Neurons) -> Handle:
        """Make a population of neurons."""
        rest = {"reset": neurons.reset, "steps": neurons.refractory_steps, "leak": neurons.leak_factor}
        self._call("neurons", {"threshold": neurons.threshold}, **rest)
        return self._population(len(neurons))

    def sources(self, times: list[NDArray[np.int64]]) -> Handle:
        """Make a population that fires at given times."""
        ends = np.cumsum([len(one) for one in times])
        self._call("sources", {"times": np.concatenate(times), "ends": ends})
        return self._population(len(times))

    def connect(
        self, source: Handle, target: Handle, pre: NDArray[np.int64], post: NDArray[np.int64], weight: Array, delay: int
    ) -> None:
        """Make synapses."""
        self._call("connect", {"pre": pre, "post": post, "weight": weight}, source=source, target=target, delay=delay)

    def record_spikes(self, target: Handle) -> None:
        """Ask for spikes."""
        self._call("record_spikes", {}, target=target)

    def record_potentials(self, target: Handle) -> None:
        """Ask for potentials."""
        self._call("record_potentials", {}, target=target)

    def _call(self, name: str, arrays: Mapping[str, Array], **values: Any) -> None:
        self._arrays |= {f"{len(self._calls)}/{key}": np.asarray(array) for key, array in arrays.items()}
        self._calls.append({"call": name, **values})

    def _population(self, size: int) -> int:
        self._sizes.append(size)
        return len(self._sizes) - 1

    def run(self, duration: int, stops: Mapping[int, list[Handle]]) -> list[tuple[Handle, Array]]:
        """Start the processes, and wait for them."""
        job = {
            "dt_ms": self.dt_ms,
            "max_delay": self.max_delay,
            "settings": self.settings.model_dump(),
            "calls": self._calls,
            "duration": duration,
            "stops": {str(time): handles for time, handles in stops.items()},
        }
        with tempfile.TemporaryDirectory(prefix="snntoolbox-nest-") as name:
            folder = Path(name)
            (folder / "job.json").write_text(json.dumps(job), "utf-8")
            np.savez(folder / "arrays.npz", **self._arrays)
            self._start(folder)
            self._measured = _join(sorted(folder.glob("rank-*.npz")))
        return [(target, self._potentials(f"stop/{target}")[0]) for targets in stops.values() for target in targets]

    def _start(self, folder: Path) -> None:
        """Run the processes.

        Raises:
            SimulationError: They cannot be started, or one failed.
        """
        number = self.settings.processes
        launcher = shlex.split(self.settings.launcher.replace("{processes}", str(number)))
        if not launcher or shutil.which(launcher[0]) is None:
            raise SimulationError(
                f"NEST was to run on {number} MPI processes, but no program was found for '{shlex.join(launcher)}'; "
                "install MPI, or set [nest] launcher to what starts its processes here"
            )
        command = [*launcher, sys.executable, "-m", "snntoolbox.backends.pynn.worker", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        failures = [path.read_text("utf-8") for path in sorted(folder.glob("failure-*.txt"))]
        if failures:
            raise SimulationError(failures[0])
        if done.returncode or len(list(folder.glob("rank-*.npz"))) != number:
            last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-10:])
            raise SimulationError(f"'{shlex.join(launcher)}' ended with status {done.returncode}:\n{last}")

    def spikes(self, target: Handle) -> Spikes:
        """Return recorded spikes."""
        return Spikes(*(self._measured[f"spikes/{target}/{part}"].astype(np.int64) for part in ("times", "neurons")))

    def potentials(self, target: Handle) -> Array:
        """Return recorded potentials."""
        return self._potentials(f"curve/{target}")

    def _potentials(self, key: str) -> Array:
        times, neurons, values = (self._measured[f"{key}/{part}"] for part in ("times", "neurons", "values"))
        return arrange(times, neurons, values, self._sizes[int(key.partition("/")[2])])

    def close(self) -> None:
        """Let go of the network."""
        self._arrays, self._measured = {}, {}


def arrange(times: Array, neurons: Array, values: Array, size: int) -> Array:
    """Return what was measured in some order as an array of shape (times, neurons)."""
    found = np.empty((len(times) // size, size))
    found[times - times.min(), neurons] = values
    return found


def _join(paths: list[Path]) -> dict[str, Array]:
    """Return what all processes have measured, each at the neurons that it has."""
    parts = [np.load(path) for path in paths]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0].files}
