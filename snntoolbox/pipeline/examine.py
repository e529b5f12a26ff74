"""The check without simulation: how far a config gets, and everything that stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from snntoolbox.analysis.diagnosis import diagnose
from snntoolbox.calibration import calibrate
from snntoolbox.config.load import replace
from snntoolbox.config.settings import Settings
from snntoolbox.conversion import Conversion
from snntoolbox.errors import ConfigError, Problem, SNNToolboxError, UnsupportedError
from snntoolbox.ir.graph import Graph, Node
from snntoolbox.ir.ops import Dense, Spiking
from snntoolbox.passes.pipeline import OutputComparison, run_passes
from snntoolbox.pipeline import stages
from snntoolbox.pipeline.reporting import cost_profiles
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
    partial: Graph | None = None

    def attempt(self, where: str, action: Callable[[], T]) -> T | None:
        try:
            return action()
        except (UnsupportedError, ConfigError) as error:
            self.problems += error.problems or [Problem(where, error.summary)]
            self.partial = getattr(error, "partial", None) or self.partial
        except SNNToolboxError as error:
            self.problems.append(Problem(where, str(error)))
        return None


def examine(settings: Settings) -> Finding:
    """Check the network, the data, each step of the conversion, and whether the backend takes the result."""
    from snntoolbox.report.tables import graph_table

    run = _Examination(settings)
    backend = run.attempt("backend", lambda: stages.make_backend(settings))
    run.attempt("metric", lambda: stages.load_metric(settings))
    run.attempt("cost", lambda: cost_profiles(settings))
    source = run.attempt("model", lambda: stages.find_source(settings))
    failed = bool(run.problems) and source is None and settings.tools.parse
    graph = None if failed else run.attempt("model", lambda: stages.parse(settings, source))
    if graph is None:
        if run.partial is None:
            return Finding(None, settings.warnings, tuple(run.problems))
        run.problems += _without_counterpart(settings, _continued(run.partial))
        return Finding(graph_table(run.partial), settings.warnings, tuple(run.problems))
    samples = run.attempt("data", lambda: load_samples(settings, graph))
    converted = None
    if samples is not None:
        if source is not None:
            run.attempt("model", lambda: stages.compare_with_source(settings, source, graph, samples))
        converted = run.attempt("conversion", lambda: _convert(settings, graph, samples))
    else:
        run.problems += _without_counterpart(settings, graph)
    warnings = settings.warnings + stages.left_out_outputs(graph)
    if samples is not None and converted is not None:
        if backend is not None:
            run.problems += backend.check(run_passes(converted[1], backend.passes()))
        warnings += _diagnose(settings, converted, samples)
    neurons = None if converted is None else _neurons(graph, converted[1])
    return Finding(graph_table(graph, neurons=neurons), warnings, tuple(run.problems))


def _convert(settings: Settings, graph: Graph, samples: RunSamples) -> tuple[Graph, Graph]:
    """Return the normalised and the spiking network, converted with a few samples only and saved nowhere."""
    if settings.normalization.method == "auto":  # a check simulates nothing, so it cannot choose
        settings = replace(settings, {"normalization.method": "percentile"})
    conversion = Conversion.from_settings(settings)
    code = stages.make_code(settings, samples)
    check = OutputComparison(samples.compared, settings.normalization.tolerance)
    prepared = conversion.prepare(graph, code, check)
    options = conversion.calibration_options(code)
    calibration = None if samples.norm is None else calibrate(prepared, [samples.compared], **options)
    return conversion.finish(prepared, code, calibration, check)


def _without_counterpart(settings: Settings, graph: Graph) -> tuple[Problem, ...]:
    """Return the nodes without a spiking counterpart, found without samples.

    Of a graph that is not whole, other errors say nothing.
    """
    conversion = Conversion.from_settings(settings)
    try:
        code = stages.make_code(settings, RunSamples(None, None))
        conversion.finish(conversion.prepare(graph, code), code, None)
    except UnsupportedError as error:
        return error.problems
    except SNNToolboxError:
        return ()
    return ()


def _continued(partial: Graph) -> Graph:
    """Return the readable part of a network with weights behind what goes into refused layers, as there may be.

    Without, an activation in front of such a layer would look like one of the output.
    """
    taken = {source for node in partial.nodes for source in node.inputs}
    refused = set(partial.attributes["refused"].split("\n"))
    if not refused & taken:  # they come last
        return partial
    ends = [node.name for node in partial.nodes if node.name not in taken.union(partial.outputs)]
    weights = [Node(f"{name} (goes on)", Dense(np.zeros((partial.shapes[name][-1], 1))), (name,)) for name in ends]
    return partial.with_nodes([*partial.nodes, *weights], [*partial.outputs, *(node.name for node in weights)])


def _neurons(graph: Graph, spiking: Graph) -> dict[str, int]:
    """Return how many neurons each node of the parsed network gets; those of an output belong to its last layer."""
    counts: dict[str, int] = {}
    for name in spiking.neurons:
        place = name if name in graph else name.removesuffix("_potential")
        counts[place] = counts.get(place, 0) + spiking.size(name)
    return counts


def _diagnose(settings: Settings, converted: tuple[Graph, Graph], samples: RunSamples) -> tuple[Problem, ...]:
    """Return what will probably hurt the accuracy, by weights and by activations of a few samples."""
    normalized, spiking = converted
    activity = calibrate(normalized, [samples.compared], channel_wise=True).layers
    firing = [op.model for op in (spiking[name].op for name in spiking.neurons) if isinstance(op, Spiking)]
    thresholds = [float(np.max(model.threshold)) for model in firing if hasattr(model, "threshold")]
    clamp = max((int(getattr(model, "clamp_steps", 0)) for model in firing), default=0)
    return diagnose(normalized, activity, settings.simulation.num_steps, max(thresholds, default=1.0), clamp)
