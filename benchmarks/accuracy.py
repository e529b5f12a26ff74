"""Accuracy of converted networks: every technique, and what each is worth. One part of the figures after the other.

    python benchmarks/accuracy.py --data cifar10.npz [--part NAME ...] [--network NAME ...] [--quick] [--json FILE]

Uses the trained networks of ``examples/cifar10`` (``*.onnx``). Scales are found on training images; accuracies are of
held-out ones. A part is a module of ``accuracy_parts`` with a function ``run(setup)`` that prints a table and returns
what it found; ``--list`` names them. With ``--json``, what was found is added to the file after each part.
"""

import argparse
import importlib
import json
import pkgutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import accuracy_parts
from accuracy_setup import Setup


def parts():
    """Return the names of all parts."""
    return sorted(module.name for module in pkgutil.iter_modules(accuracy_parts.__path__))


def main():
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, help=".npz file as examples/cifar10/data.py takes it; downloaded otherwise"
    )
    parser.add_argument("--mnist", type=Path, help=".npz file as examples/lenet5/data.py takes it")
    parser.add_argument("--networks", type=Path, help="folder of the .onnx files; examples/cifar10 otherwise")
    parser.add_argument("--network", action="append", help="network to measure; all that there are otherwise")
    parser.add_argument("--part", action="append", choices=parts(), help="part to run; all otherwise")
    parser.add_argument("--samples", type=int, help="held-out images to test; 1000 otherwise, 100 with --quick")
    parser.add_argument("--quick", action="store_true", help="100 images and few steps: shows that everything runs")
    parser.add_argument("--json", type=Path, help="add what was found to this file")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    options = parser.parse_args()
    if options.list:
        for name in parts():
            print(name, "-", importlib.import_module(f"accuracy_parts.{name}").__doc__.splitlines()[0])
        return
    setup = Setup.load(options)
    for name in options.part or parts():
        start = time.perf_counter()
        found = importlib.import_module(f"accuracy_parts.{name}").run(setup)
        print(f"{name}: {time.perf_counter() - start:.0f} s\n", flush=True)
        if options.json:
            known = json.loads(options.json.read_text()) if options.json.exists() else {}
            merged = {**known.get(name, {}), **found}
            options.json.write_text(json.dumps({**known, name: merged}, indent=2) + "\n")


if __name__ == "__main__":
    main()
