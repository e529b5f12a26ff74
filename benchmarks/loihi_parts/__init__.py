"""The parts of benchmarks/loihi.py; each has a function `run(setup)`."""
