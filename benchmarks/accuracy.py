"""Accuracy of converted networks: every technique, and what each is worth. One part of the figures after the other.

    python benchmarks/accuracy.py --data cifar10.npz [--part NAME ...] [--network NAME ...] [--only TEXT ...] [--quick]

Uses the trained networks of ``examples/cifar10`` (``*.onnx``). Scales are found on training images; accuracies are of
held-out ones. A part is a module of ``accuracy_parts`` with a function ``run(setup)`` that prints a table and returns
what it found; ``--list`` names them. With ``--json``, what was found is added to the file after each part.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import accuracy_parts
from accuracy_setup import Setup
from parts_driver import parser_for, run_parts


def main():
    """Run the parts that are asked for."""
    parser = parser_for(accuracy_parts, __doc__.splitlines()[0], "1000 otherwise, 20 with --quick")
    parser.add_argument(
        "--data", type=Path, help=".npz file as examples/cifar10/data.py takes it; downloaded otherwise"
    )
    parser.add_argument("--mnist", type=Path, help=".npz file as examples/lenet5/data.py takes it")
    parser.add_argument("--networks", type=Path, help="folder of the .onnx files; examples/cifar10 otherwise")
    parser.add_argument("--network", action="append", help="network to measure; all that there are otherwise")
    parser.add_argument("--only", action="append", help="measure only rows whose names have this in them")
    parser.add_argument(
        "--steps", type=int, action="append", help="of part search: time steps; 16, 32 and 64 otherwise"
    )
    parser.add_argument("--seconds", type=float, default=540, help="of part search: its time limit; 540 otherwise")
    run_parts(accuracy_parts, parser, Setup.load)


if __name__ == "__main__":
    main()
