"""The command line: ``snntoolbox -t config.ini``. It reads arguments and calls the pipeline; no logic of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from snntoolbox import __version__
from snntoolbox.errors import SNNToolboxError

__all__ = ["main"]

EPILOG = """examples:
  snntoolbox -t config.ini                               convert, simulate, report
  snntoolbox config.ini --set simulation.duration=50     the same with another value of an option
  snntoolbox config.ini --check                          print the network, list every problem; no simulation
  snntoolbox config.ini --search                         find the options that convert the network best
  snntoolbox config.ini --show-config                    every effective value and where it comes from
  snntoolbox config.ini --parity brian2,nest             the same network on several backends, compared spike by spike
  snntoolbox --list                                      frontends, spike codes, backends; available or why not
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="snntoolbox",
        description="Turn a trained network into a spiking one, run it, and report how well it does.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", nargs="?", help="INI file; docs/options.md describes every option")
    parser.add_argument("-t", "--terminal", action="store_true", help="run in the terminal (there is no other way)")
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="SECTION.OPTION=VALUE",
        action="append",
        default=[],
        help="override one option; may be given several times",
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="check config, model and data without simulating")
    action.add_argument("--search", action="store_true", help="find the best options for the goal of [search]")
    action.add_argument("--show-config", action="store_true", help="print every option with its origin, and stop")
    action.add_argument(
        "--parity",
        metavar="BACKENDS",
        help="simulate on these backends (names with commas between, or 'all'), and compare spike counts layer by "
        "layer, accuracy and time with the reference",
    )
    action.add_argument("--list", action="store_true", help="print what can be chosen by name, and stop")
    parser.add_argument("--version", action="version", version=f"snntoolbox {__version__}")
    return parser


def _overrides(parser: argparse.ArgumentParser, pairs: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or "." not in name:
            parser.error(f"--set: expected SECTION.OPTION=VALUE, got '{pair}'")
        overrides[name.strip()] = value.strip()
    return overrides


@contextmanager
def _unwinding_on_termination() -> Iterator[None]:
    """Let a request to end, as batch systems send it (SIGTERM), clean up as Ctrl-C does: no draft of a run stays."""

    def end(number: int, frame: object) -> NoReturn:
        del frame
        sys.stderr.write("snntoolbox: terminated; nothing was written to the run folder\n")
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # where signals cannot be caught
        yield
        return
    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@_unwinding_on_termination()
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 0 done, 1 an error of the input or run, 2 wrong arguments.

    A check that finds problems, and backends that differ by more than ties and rules they declare, are errors. A
    process that is asked to end (SIGTERM) ends with 143.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.config is None and not given.list:
        parser.error("expected a config file; see --help")
    overrides = _overrides(parser, given.overrides)
    try:
        if given.list:
            from snntoolbox.pipeline.inspect import list_parts

            list_parts()
        elif given.show_config:
            from snntoolbox.pipeline.inspect import show_config

            show_config(given.config, overrides)
        elif given.check:
            from snntoolbox.ir.quiet import import_tensorflow_quietly
            from snntoolbox.pipeline.inspect import check

            import_tensorflow_quietly()
            return 0 if check(given.config, overrides) else 1
        elif given.parity is not None:
            from snntoolbox.ir.quiet import import_tensorflow_quietly
            from snntoolbox.pipeline.parity import compare, print_parity

            import_tensorflow_quietly()
            parity = compare(given.config, [name.strip() for name in given.parity.split(",")], overrides)
            print_parity(parity)
            return 0 if parity.passed else 1
        elif given.search:
            from snntoolbox.ir.quiet import import_tensorflow_quietly
            from snntoolbox.pipeline.search import search

            import_tensorflow_quietly()
            search(given.config, overrides)
        else:
            from snntoolbox.ir.quiet import import_tensorflow_quietly
            from snntoolbox.pipeline import run

            import_tensorflow_quietly()
            run(given.config, overrides)
    except SNNToolboxError as error:
        sys.stderr.write(f"snntoolbox: error: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("snntoolbox: interrupted; nothing was written to the run folder\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
