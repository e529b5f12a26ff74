"""The check without simulation: how far a config gets, and everything that stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from snntoolbox.config.settings import Settings
from snntoolbox.conversion import Conversion
from snntoolbox.errors import ConfigError, Problem, SNNToolboxError, UnsupportedError
from snntoolbox.ir.graph import Graph
from snntoolbox.passes.pipeline import OutputComparison
from snntoolbox.pipeline import stages
from snntoolbox.pipeline.samples import RunSamples, load_samples

__all__ = ["Finding", "examine"]

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Finding:
    """What a check found.

    Attributes:
        table: The network as a table; None if it could not be read.
        warnings: What may hurt the accuracy, or is probably not meant so.
        problems: What a run would stop at.
    """

    table: Any = None
    warnings: tuple[Problem, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass
class _Examination:
    """Goes as far as it can; what fails is noted, and what depends on it is left out."""

    settings: Settings
    problems: list[Problem] = field(default_factory=list)

    def attempt(self, where: str, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except (UnsupportedError, ConfigError) as error:
            self.problems += error.problems or [Problem(where, error.summary)]
        except SNNToolboxError as error:
            self.problems.append(Problem(where, str(error)))
        return None


def examine(settings: Settings) -> Finding:
    """Check the network, the data, each step of the conversion, and whether the backend takes the result."""
    from snntoolbox.report.tables import graph_table

    run = _Examination(settings)
    backend = run.attempt("backend", lambda: stages.make_backend(settings))
    source = run.attempt("model", lambda: stages.find_source(settings))
    failed = bool(run.problems) and source is None and settings.tools.parse
    graph = None if failed else run.attempt("model", lambda: stages.parse(settings, source))
    if graph is None:
        return Finding(None, settings.warnings, tuple(run.problems))
    samples = run.attempt("data", lambda: load_samples(settings, graph))
    spiking = None
    if samples is not None:
        if source is not None:
            run.attempt("model", lambda: stages.compare_with_source(settings, source, graph, samples))
        spiking = run.attempt("conversion", lambda: _convert(settings, graph, samples))
    if backend is not None and spiking is not None:
        run.problems += backend.check(spiking)
    return Finding(graph_table(graph), settings.warnings, tuple(run.problems))


def _convert(settings: Settings, graph: Graph, samples: RunSamples) -> Graph:
    """Return the spiking network, converted with a few samples only and saved nowhere."""
    from snntoolbox.calibration import calibrate

    conversion = Conversion.from_settings(settings)
    code = stages.make_code(settings, samples)
    check = OutputComparison(samples.compared, settings.normalization.tolerance)
    prepared = conversion.prepare(graph, code, check)
    options = conversion.calibration_options
    calibration = None if samples.norm is None else calibrate(prepared, [samples.compared], **options)
    return conversion.finish(prepared, code, calibration, check)[1]
