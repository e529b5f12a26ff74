"""What the Loihi backend does, in numbers; nothing here runs on a chip. One part after the other.

    python benchmarks/loihi.py --data FOLDER [--part NAME ...] [--samples N] [--quick] [--json FILE]

FOLDER holds ``mnist_train_60k.npz`` and ``cifar10_train_50k_jpeg.npz`` for ``exact``, ``mnist``, ``traffic`` and
``cifar``; the other parts need no data. The networks are in ``loihi_networks`` (train_loihi_networks.py made them; it
held out the samples used here). A part is a module of ``loihi_parts`` with a function ``run(setup)``; ``--list`` names
them. With ``--json``, what was found is added to the file after each part. numba makes the emulator faster.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import loihi_parts  # noqa: E402
from loihi_setup import Setup  # noqa: E402
from parts_driver import parser_for, run_parts  # noqa: E402


def main():
    """Run the parts that are asked for."""
    parser = parser_for(loihi_parts, __doc__.splitlines()[0], "2000 of MNIST and 500 of CIFAR-10 otherwise")
    parser.add_argument("--data", type=Path, help="folder with the images")
    parser.add_argument("--float-backend", default="tensorflow", help="backend of the float spiking network")
    run_parts(loihi_parts, parser, Setup)


if __name__ == "__main__":
    main()
