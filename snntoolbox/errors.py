"""Every exception the package raises on purpose.

    SNNToolboxError
    ├── ConfigError              one INI file, every problem in it
    ├── RegistryError            a name that no built-in or plug-in answers to
    ├── DataError                samples, labels or files that cannot be used
    ├── GraphError               a graph that would not be valid: names, order, shapes
    ├── UnsupportedError         a model or graph with layers that cannot be taken, all listed
    ├── DeviationError           a step that promised to keep the function did not
    ├── ConversionError          a graph that a pass or a spike code cannot work on
    ├── BackendUnavailableError  a backend whose simulator is not installed
    ├── ConformanceError         a third-party part that does not keep its contract (`snntoolbox.testing`)
    ├── SimulationError          a simulation used out of order (closed, wrong shape)
    └── RunError                 the pipeline cannot start or go on (missing stage, existing run folder)

A message says what is wrong, where, what was expected and what was received, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "BackendUnavailableError",
    "ConfigError",
    "ConformanceError",
    "ConversionError",
    "DataError",
    "DeviationError",
    "GraphError",
    "Problem",
    "RegistryError",
    "RunError",
    "SNNToolboxError",
    "SimulationError",
    "UnsupportedError",
]


class SNNToolboxError(Exception):
    """Base class: catch this to catch everything the package raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, with its place.

    Attributes:
        where: The place: ``config.ini [simulation] duration``, ``layer 'conv1' (Conv2D)``.
        what: What is wrong, what was expected, what was received.
        hint: What to do about it; empty if there is nothing to add.
    """

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        """One line: place, problem, hint."""
        return f"{self.where}: {self.what}" + (f" {self.hint}" if self.hint else "")


class _ProblemListError(SNNToolboxError):
    """An error that carries all problems found, not only the first."""

    def __init__(self, summary: str, problems: Sequence[Problem] = ()) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"  - {p}" for p in self.problems)]))


class ConfigError(_ProblemListError):
    """A configuration that cannot be used; ``problems`` lists everything wrong with it."""


class UnsupportedError(_ProblemListError):
    """A model or graph with nodes that cannot be taken; ``problems`` names each.

    Attributes:
        partial: From a frontend, the graph that could be read, an input standing for the output of what was refused:
            its attribute ``refused`` names these, one a line. None if too little is known for one.
    """

    def __init__(self, summary: str, problems: Sequence[Problem] = (), partial: Any = None) -> None:
        self.partial = partial
        super().__init__(summary, problems)


class RegistryError(SNNToolboxError):
    """A name that is not registered, or registered twice."""


class DataError(SNNToolboxError):
    """Samples, labels or files that cannot be used as they are."""


class GraphError(SNNToolboxError):
    """A graph that would break its own rules: unique names, order, matching shapes."""


class DeviationError(SNNToolboxError):
    """Outputs after a function-preserving step differ from those before it by more than the tolerance."""


class ConversionError(SNNToolboxError):
    """A graph that a pass, calibration step or spike code cannot work on."""


class ConformanceError(SNNToolboxError):
    """A part that does not keep the contract of its kind; raised by `snntoolbox.testing` only."""


class BackendUnavailableError(SNNToolboxError):
    """A backend whose simulator cannot be used here; the message says how to get it."""


class SimulationError(SNNToolboxError):
    """A simulation used out of order or with input that does not fit."""


class RunError(SNNToolboxError):
    """The pipeline cannot start or continue: a stage's input is missing, or a folder is in the way."""
