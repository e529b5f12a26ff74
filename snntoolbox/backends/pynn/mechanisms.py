"""NEURON's neurons of the rate code, and their compilation, which NEURON needs once on every machine.

``python -m snntoolbox.backends.pynn.mechanisms`` compiles them ahead of time; otherwise the first simulation does (some
ten seconds, with a C++ compiler). Time is counted in steps: a neuron looks at what has arrived at every whole number.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from snntoolbox.errors import BackendUnavailableError

__all__ = ["compile_mechanisms", "compiler", "library_path"]

MECHANISMS = """\
NEURON {
    ARTIFICIAL_CELL SNNToolboxNeuron
    RANGE potential, charge, theta, leak, kind, refractory, left
}
PARAMETER { theta = 1  leak = 1  kind = 0  refractory = 0 }
ASSIGNED { potential charge left active }
INITIAL {
    potential = 0
    charge = 0
    left = 0
    net_send(1, 1)
}
NET_RECEIVE (w) {
    if (flag == 0) {
        charge = charge + w
    } else {
        active = 0
        if (left <= 0) { active = 1 }
        if (left > 0) { left = left - 1 }
        potential = leak * potential + active * charge
        charge = 0
        if (active > 0 && potential >= theta) {
            if (kind == 0) { potential = potential - theta }
            if (kind == 1) { potential = 0 }
            if (kind == 2) { potential = fmod(potential, theta) }
            left = refractory
            net_event(t)
        }
        net_send(1, 1)
    }
}
"""

SOURCE = """\
NEURON { ARTIFICIAL_CELL SNNToolboxSource }
NET_RECEIVE (w) { net_event(t) }
"""


def compiler() -> str | None:
    """Return NEURON's compiler script, which is beside the interpreter or on the path; None if there is none."""
    return shutil.which("nrnivmodl", path=str(Path(sys.executable).parent)) or shutil.which("nrnivmodl")


def library_path() -> Path:
    """Return where the compiled mechanisms are, or will be; another version of anything has another place."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    key = hashlib.sha256((MECHANISMS + SOURCE + metadata.version("neuron") + sys.version).encode()).hexdigest()[:12]
    return cache / "snntoolbox" / f"neuron-{key}" / "libnrnmech.so"


def compile_mechanisms() -> Path:
    """Compile the mechanisms unless that has been done, and return the library.

    Raises:
        BackendUnavailableError: The compilation failed; the message has the compiler's own words.
    """
    library, script = library_path(), compiler()
    if library.is_file():
        return library
    if script is None:
        raise BackendUnavailableError("NEURON's compiler script nrnivmodl was not found; pip install neuron")
    with tempfile.TemporaryDirectory(prefix="snntoolbox-neuron-") as name:
        folder = Path(name)
        (folder / "snntoolbox_neuron.mod").write_text(MECHANISMS, encoding="utf-8")
        (folder / "snntoolbox_source.mod").write_text(SOURCE, encoding="utf-8")
        done = subprocess.run([script, "."], cwd=folder, capture_output=True, text=True, check=False)
        made = [*folder.glob("*/libnrnmech.*"), *folder.glob("*/.libs/libnrnmech.*")]
        if done.returncode or not made:
            raise BackendUnavailableError(f"NEURON's mechanisms did not compile:\n{done.stdout}{done.stderr}")
        library.parent.mkdir(parents=True, exist_ok=True)
        draft = library.with_name(f"{library.name}.{os.getpid()}")
        shutil.copyfile(made[0], draft)
        draft.replace(library)
    return library


if __name__ == "__main__":
    sys.stdout.write(f"{compile_mechanisms()}\n")
