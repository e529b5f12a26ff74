"""What a run says while it works: progress bars, notes and warnings, by the level of ``[output] verbose``."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

__all__ = ["Console"]

T = TypeVar("T")


class Console:
    """Progress and messages of one run, on standard error, so that standard output stays free for results.

    Attributes:
        verbose: 0 nothing, 1 progress and warnings, 2 and above also notes on every stage.
        seconds: Time spent in each stage so far, by the stage's name.
    """

    def __init__(self, verbose: int = 1) -> None:
        self.verbose = verbose
        self.seconds: dict[str, float] = {}
        self.warnings: list[str] = []
        self._rich = RichConsole(stderr=True, highlight=False)

    def note(self, text: str) -> None:
        """Say what a stage did (``verbose`` 2 and above)."""
        if self.verbose > 1:
            self._rich.print(escape(text))

    def warn(self, text: str) -> None:
        """Say what is probably not wanted, and keep it for the report."""
        self.warnings.append(text)
        if self.verbose:
            self._rich.print(f"[yellow]warning:[/yellow] {escape(text)}")

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Take over what the package logs: warnings become warnings of the run, the rest becomes notes."""
        logger, handler = logging.getLogger("snntoolbox"), _Forward(self)
        level, propagate = logger.level, logger.propagate
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        try:
            with warnings.catch_warnings():
                warnings.showwarning = lambda message, *_, **__: self.warn(str(message))
                yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate

    def announce(self, text: str) -> None:
        """Say what begins now (``verbose`` 1 and above)."""
        if self.verbose:
            self._rich.print(f"[bold]{escape(text)}[/bold]")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure how long a stage takes, and announce it."""
        self.announce(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def progress(self, items: Iterable[T], total: int, label: str) -> Iterator[T]:
        """Yield the items while a bar shows how many of ``total`` are done."""
        if not self.verbose or not self._rich.is_terminal:
            yield from items
            return
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._rich, transient=True) as bars:
            yield from bars.track(items, total=total, description=label)

    @contextmanager
    def steps(self, label: str) -> Iterator[Callable[[str, int, int], None]]:
        """Yield a function that shows a bar: what comes next, its number from 1, and how many there are."""
        if not self.verbose or not self._rich.is_terminal:
            yield lambda name, number, count: None
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._rich, transient=True) as bars:
            task = bars.add_task(label)

            def tell(name: str, number: int, count: int) -> None:
                bars.update(task, completed=number - 1, total=count, description=f"{label} {escape(name)}")

            yield tell


class _Forward(logging.Handler):
    """Sends log records to the console."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        say = self._console.warn if record.levelno >= logging.WARNING else self._console.note
        say(record.getMessage())
