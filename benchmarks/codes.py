"""Spike codes compared: error, operations, spikes and latency of the same networks. One part after the other.

    python benchmarks/codes.py --mnist mnist.npz --cifar cifar10.npz [--part NAME ...] [--quick] [--json FILE]

Networks are those of ``examples/lenet5`` and ``examples/cifar10``; data files are as their ``data.py`` take them, and
are downloaded unless given. A part is a module of ``code_parts`` with a function ``run(setup)`` that prints tables and
returns what it found; ``--list`` names them. With ``--json``, what was found is added to the file after each part.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import code_parts  # noqa: E402
from code_setup import Setup  # noqa: E402
from parts_driver import parser_for, run_parts  # noqa: E402


def main():
    """Run the parts that are asked for."""
    parser = parser_for(code_parts, __doc__.splitlines()[0], "all otherwise, 100 with --quick")
    parser.add_argument("--mnist", "--data", type=Path, help=".npz file as examples/lenet5/data.py takes it")
    parser.add_argument("--cifar", type=Path, help=".npz file as examples/cifar10/data.py takes it")
    parser.add_argument("--mobilenet", type=Path, help="examples/cifar10/mobilenet.onnx otherwise")
    run_parts(code_parts, parser, Setup)


if __name__ == "__main__":
    main()
