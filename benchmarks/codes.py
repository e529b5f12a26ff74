"""Spike codes compared: error, operations, spikes and latency of the same networks. One part after the other.

    python benchmarks/codes.py --mnist mnist.npz --cifar cifar10.npz [--part NAME ...] [--quick] [--json FILE]

Networks are those of ``examples/lenet5`` and ``examples/cifar10``; data files are as their ``data.py`` take them, and
are downloaded unless given. A part is a module of ``code_parts`` with a function ``run(setup)`` that prints tables and
returns what it found; ``--list`` names them. With ``--json``, what was found is added to the file after each part.
"""

import argparse
import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import code_parts  # noqa: E402
from code_setup import Setup  # noqa: E402


def parts():
    """Return the names of all parts."""
    return sorted(module.name for module in pkgutil.iter_modules(code_parts.__path__))


def main():
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", "--data", type=Path, help=".npz file as examples/lenet5/data.py takes it")
    parser.add_argument("--cifar", type=Path, help=".npz file as examples/cifar10/data.py takes it")
    parser.add_argument("--mobilenet", type=Path, help="examples/cifar10/mobilenet.onnx otherwise")
    parser.add_argument("--part", action="append", choices=parts(), help="part to run; all otherwise")
    parser.add_argument("--samples", type=int, help="held-out images to test; all otherwise, 100 with --quick")
    parser.add_argument("--quick", action="store_true", help="100 images and few settings: shows that everything runs")
    parser.add_argument("--json", type=Path, help="add what was found to this file")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    options = parser.parse_args()
    if options.list:
        for name in parts():
            print(name, "-", importlib.import_module(f"code_parts.{name}").__doc__.splitlines()[0])
        return
    setup = Setup(options)
    for name in options.part or parts():
        start = time.perf_counter()
        found = importlib.import_module(f"code_parts.{name}").run(setup)
        print(f"{name}: {time.perf_counter() - start:.0f} s\n", flush=True)
        if options.json:
            known = json.loads(options.json.read_text()) if options.json.exists() else {}
            merged = {**known.get(name, {}), **found}
            options.json.write_text(json.dumps({**known, name: merged}, indent=2) + "\n")


if __name__ == "__main__":
    main()
