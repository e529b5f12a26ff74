"""A small project as a user has it: a trained network, samples, a config. Runs go through the command line's entry."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snntoolbox.cli import main

SHAPE, CLASSES = (8, 8, 1), 3
CONFIG = """[paths]
filename_ann = model.keras
[simulation]
simulator = reference
duration = 6
batch_size = 5
num_to_test = 12
[output]
plot_vars =
"""
VARYING = ("timing", "run")
"""Keys of results.json that differ between two runs of the same thing."""


def _patterns(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of a bright square in one of three places, in noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, count)
    x = rng.random((count, *SHAPE), dtype=np.float32) * 0.3
    for image, label in zip(x, y, strict=True):
        image[2 * label : 2 * label + 3, 2 * label : 2 * label + 3] += 0.6
    return x, y


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, made once for each test process."""
    import keras
    from keras import layers

    folder = tmp_path_factory.mktemp("project")
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="bn"),
            layers.ReLU(name="relu"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Dropout(0.1, name="dropout"),
            layers.Flatten(name="flatten"),
            layers.Dense(8, activation="relu", name="hidden"),
            layers.Dense(CLASSES, activation="softmax", name="classes"),
        ]
    )
    x, y = _patterns(200, seed=0)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=4, batch_size=20, verbose=0)
    model.save(folder / "model.keras")
    x_test, y_test = _patterns(24, seed=1)
    np.savez(folder / "x_test.npz", x_test)
    np.savez(folder / "y_test.npz", y_test)
    np.savez(folder / "x_norm.npz", x[:60])
    (folder / "config.ini").write_text(CONFIG)
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    return Path(shutil.copytree(template, tmp_path / "project"))


Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the project's config with overrides and return everything that can be observed."""

    def call(overrides: dict[str, Any] | None = None, *, folder: Path = project) -> dict[str, Any]:
        arguments = [f"--set={name}={value}" for name, value in (overrides or {}).items()]
        status = main(["-t", str(folder / "config.ini"), *arguments])
        printed = capsys.readouterr()
        return {"status": status, "out": printed.out, "err": printed.err, "files": _contents(folder)}

    return call


def _contents(folder: Path) -> dict[str, str]:
    """Return what each file below ``folder`` holds that does not vary from run to run: its text, or a hash."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.name == "results.json":
            content = json.loads(path.read_text())
            found[name] = json.dumps({k: v for k, v in content.items() if k not in VARYING})
        elif path.name not in ("config.ini", "report.html"):  # they hold the config itself, and times
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def results(observed: dict[str, Any], name: str = "log/test/results.json") -> dict[str, Any]:
    """Return the numbers of a run."""
    assert observed["status"] == 0, observed["err"]
    numbers: dict[str, Any] = json.loads(observed["files"][name])
    return numbers
