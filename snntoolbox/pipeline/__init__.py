"""The stages of a run, in order: this page says what happens between a config file and its results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from snntoolbox.config.load import load, replace
from snntoolbox.config.settings import Settings
from snntoolbox.ir.io import save_graph
from snntoolbox.passes.pipeline import OutputComparison
from snntoolbox.pipeline import stages
from snntoolbox.pipeline.console import Console
from snntoolbox.pipeline.networks import Answers, Networks
from snntoolbox.pipeline.samples import RunSamples, load_samples

if TYPE_CHECKING:
    from snntoolbox.analysis.results import Results

__all__ = ["convert_network", "read_network", "run", "run_once"]


def run(config: str | Path | Settings, overrides: Mapping[str, object] | None = None) -> Results:
    """Take a config through all its stages and return the results, which are also in its run folder.

    Args:
        config: INI file, or settings that were loaded already.
        overrides: ``{"section.option": value}``, over what the file says.

    Returns:
        The numbers of the run; of a parameter sweep those of its last point.

    Raises:
        ConfigError: The config has mistakes; all are listed.
        SNNToolboxError: A stage failed; the message says which input and what to do. The run folder is untouched.
    """
    overrides = overrides or {}
    settings = replace(config, overrides) if isinstance(config, Settings) else load(config, overrides)
    console = Console(settings.output.verbose)
    with console.logging():
        for warning in settings.warnings:
            console.warn(str(warning))
        if settings.parameter_sweep.wanted:
            from snntoolbox.pipeline.sweep import sweep

            return sweep(settings, console)
        return run_once(settings, console)


def run_once(settings: Settings, console: Console) -> Results:
    """Run all stages that are switched on, once, into the run folder of the settings."""
    from snntoolbox.pipeline.reporting import Reporter
    from snntoolbox.pipeline.simulation import simulate

    tools = settings.tools
    with Reporter.open(settings, console) as reporter:
        with console.stage("load"):
            source = stages.find_source(settings) if tools.parse or tools.evaluate_ann else None
        with console.stage("parse"):
            networks, samples = read_network(settings, source, reporter.deviation)
            for problem in stages.left_out_outputs(networks.parsed):
                console.warn(str(problem))
        with console.stage("convert"):
            networks = convert_network(settings, networks, samples, console, reporter.deviation)
        with console.stage("evaluate"):
            answers = _evaluate(settings, source, networks, samples)
        with console.stage("simulate"):
            collector = simulate(settings, networks, samples, answers, console, reporter)
        with console.stage("report"):
            results = reporter.write(collector, networks, samples)
    reporter.summarize(results)
    return results


def read_network(
    settings: Settings, source: stages.Source | None, deviation: dict[str, float]
) -> tuple[Networks, RunSamples]:
    """Read the network into a graph, compare the two on real samples, and save the graph."""
    graph = stages.parse(settings, source)
    samples = load_samples(settings, graph)
    if settings.tools.parse and source is not None and settings.conversion.finetune_clamped:
        source = stages.finetuned(settings, source, samples)
        graph = stages.parse(settings, source)
    if settings.tools.parse:
        if source is not None:
            deviation["parse"] = stages.compare_with_source(settings, source, graph, samples)
        save_graph(graph, settings.paths.filename_parsed_model)
    return Networks(parsed=graph), samples


def convert_network(
    settings: Settings, networks: Networks, samples: RunSamples, console: Console, deviation: dict[str, float]
) -> Networks:
    """Prepare, normalise and convert the network; or read what an earlier run converted."""
    if settings.normalization.method == "auto":
        from snntoolbox.pipeline.search import with_chosen_method

        settings = with_chosen_method(settings, networks.parsed, samples, console)
    code = stages.make_code(settings, samples)
    check = OutputComparison(samples.compared, settings.normalization.tolerance)
    prepared = stages.prepare(settings, networks.parsed, code, check)
    if settings.tools.convert:
        calibration = stages.calibrated(settings, prepared, code, samples, console)
        normalized, spiking = stages.convert(settings, prepared, code, calibration, check, samples)
        networks = Networks(networks.parsed, prepared, normalized, spiking, calibration)
    elif settings.tools.simulate:
        networks = Networks(networks.parsed, prepared, *stages.load_converted(settings))
    else:
        networks = Networks(networks.parsed, prepared)
    deviation.update(check.deviations)
    return networks


def _evaluate(settings: Settings, source: stages.Source | None, networks: Networks, samples: RunSamples) -> Answers:
    """Return what the network answers before conversion: by its own library, and as a prepared graph."""
    if not settings.tools.evaluate_ann or samples.test is None:
        return Answers()
    ann = None if source is None else stages.source_outputs(source, samples.test)
    graph = networks.parsed if networks.prepared is None else networks.prepared
    return Answers(ann, stages.graph_outputs(graph, samples.test, settings.simulation.batch_size))
