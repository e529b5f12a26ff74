"""The driver of benchmarks that consist of parts: a package whose modules have a function ``run(setup)``."""

import argparse
import importlib
import json
import pkgutil
import time
from pathlib import Path


def parser_for(package, description, samples):
    """Return a parser with the options that every such benchmark has.

    Args:
        package: Package of the parts.
        description: First line of the help.
        samples: What the help says about the number of held-out images.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--part", action="append", choices=names_of(package), help="part to run; all otherwise")
    parser.add_argument("--samples", type=int, help=f"held-out images to test; {samples}")
    parser.add_argument("--quick", action="store_true", help="few images and settings: shows that everything runs")
    parser.add_argument("--json", type=Path, help="add what was found to this file")
    parser.add_argument("--list", action="store_true", help="name the parts and end")
    return parser


def run_parts(package, parser, setup_from):
    """Run the parts that the command line asks for, and keep what they find.

    Args:
        package: Package of the parts.
        parser: As `parser_for` returns it, with more options.
        setup_from: Called with the parsed options; returns what each part is called with.
    """
    options = parser.parse_args()
    if options.list:
        for name in names_of(package):
            print(name, "-", _part(package, name).__doc__.splitlines()[0])
        return
    setup = setup_from(options)
    for name in options.part or names_of(package):
        start = time.perf_counter()
        found = _part(package, name).run(setup)
        print(f"{name}: {time.perf_counter() - start:.0f} s\n", flush=True)
        if options.json:
            known = json.loads(options.json.read_text()) if options.json.exists() else {}
            options.json.write_text(json.dumps(_merged(known, {name: found}), indent=2) + "\n")


def names_of(package):
    """Return the names of all parts."""
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def _merged(old, new):
    """Return one dictionary of two; what both have is merged if it is a dictionary, else new."""
    both = {k: _merged(old[k], v) for k, v in new.items() if isinstance(old.get(k), dict) and isinstance(v, dict)}
    return {**old, **new, **both}


def _part(package, name):
    return importlib.import_module(f"{package.__name__}.{name}")
