"""The last stage but one: run the spiking network on all test samples and add up what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.metric import Metric
from snntoolbox.backends.readout import EarlyExit
from snntoolbox.config.settings import Settings
from snntoolbox.errors import RunError
from snntoolbox.ir.evaluate import Evaluator
from snntoolbox.ir.graph import Graph
from snntoolbox.passes.schedule_windows import NUM_STEPS
from snntoolbox.pipeline.console import Console
from snntoolbox.pipeline.networks import Answers, Networks
from snntoolbox.pipeline.reporting import Reporter
from snntoolbox.pipeline.samples import RunSamples
from snntoolbox.pipeline.stages import encoding_code, load_metric, make_backend, normalization_samples

__all__ = ["simulate"]

Array = NDArray[Any]


def simulate(
    settings: Settings, networks: Networks, samples: RunSamples, answers: Answers, console: Console, reporter: Reporter
) -> Collector:
    """Run all test samples, batch after batch; without ``[tools] simulate`` only add up what the ANN answers.

    Args:
        settings: The configuration.
        networks: The network in its forms.
        samples: The samples.
        answers: What the network answers before conversion.
        console: Shows the progress.
        reporter: Says what to record, and gets every batch to write logs.
    """
    options = settings.simulation
    spiking = networks.spiking if settings.tools.simulate else None
    metric = load_metric(settings)
    if metric is not None:
        _try(metric, samples, answers)
    collector = Collector(
        spiking,
        ann=networks.prepared,
        top_k=options.top_k,
        seed=options.seed,
        metric=metric,
        coding_bits=settings.cost.entropy_bits if settings.cost.entropy_codes else 0,
    )
    activations = _Activations(networks)
    if spiking is None:
        _add_answers(
            collector, samples, answers, options.batch_size, activations if settings.cost.entropy_codes else None
        )
        return collector
    if samples.test is None:
        raise RunError("there are no samples to simulate")
    _require_time(settings, spiking)
    count, size = len(samples.test), min(options.batch_size, len(samples.test))
    probes = reporter.probes(spiking)
    counting = collector.probes_for(size, options.num_steps)
    trains = tuple(dict.fromkeys([*probes.spikes, *counting.spikes]))
    probes = replace(probes, spikes=trains, totals={**counting.totals, **probes.totals})
    code = encoding_code(settings, spiking)
    every, rule = options.reset_between_nth_sample, _early_exit(settings)
    if rule is not None:
        collector.expect_early_exit(rule, options.num_steps)
    backend = make_backend(settings)
    with console.steps("compile") as tell:
        backend.prepare(normalization_samples(backend, spiking, samples), tell)
        simulation = backend.compile(spiking, batch_size=size, dt_ms=options.dt, seed=options.seed)
    with simulation:
        batches = console.progress(samples.batches(size), -(-count // size), "samples")
        for number, (ids, x) in enumerate(batches):
            if number == 0 or (every > 0 and number % every == 0):
                simulation.reset()
            stimulus = code.encode(x, ids)
            record = simulation.run(stimulus, options.num_steps, probes, rule)
            batch = replace(
                _expected(samples, answers, ids), record=record, activations=activations(x), stimulus=stimulus
            )
            collector.add(batch)
            reporter.log(number, batch)
        reporter.backend, reporter.details = backend, simulation.details()
    return collector


def _early_exit(settings: Settings) -> EarlyExit | None:
    readout = settings.readout
    return EarlyExit(readout.exit_confidence, readout.exit_patience, readout.exit_stop) if readout.early_exit else None


def _require_time(settings: Settings, spiking: Graph) -> None:
    """Check that the network's layers, where they send one after the other, all have their turn."""
    needed, given = int(spiking.attributes.get(NUM_STEPS, 0)), settings.simulation.num_steps
    if given < needed:
        raise RunError(
            f"[simulation] duration: spike code '{spiking.attributes['spike_code']}' needs {needed} time steps until "
            f"all layers of this network have sent, got {given}; set duration = {needed * settings.simulation.dt:g}"
        )


def _try(metric: Metric, samples: RunSamples, answers: Answers) -> None:
    """Call the user's measure on what the ANN answers, so that its mistakes show before the simulation."""
    ann, test = answers.parsed if answers.ann is None else answers.ann, samples.test
    if ann is not None and test is not None:
        metric(ann, test.targets if test.classes is None else test.classes, ann)


def _add_answers(
    collector: Collector, samples: RunSamples, answers: Answers, batch_size: int, activations: _Activations | None
) -> None:
    """Add up what the network answers before conversion, and its activations if they are looked at."""
    if samples.test is not None and (answers.ann is not None or answers.parsed is not None or activations is not None):
        for ids, x in samples.batches(batch_size):
            found = {} if activations is None else activations(x)
            collector.add(replace(_expected(samples, answers, ids), activations=found))


def _expected(samples: RunSamples, answers: Answers, ids: NDArray[np.int64]) -> Batch:
    """Return what is known of some samples before simulation."""
    test, known = samples.test, answers.at(ids)
    return Batch(
        labels=None if test is None or test.classes is None else test.classes[ids],
        targets=None if test is None or test.targets is None else test.targets[ids],
        ann_outputs=known.ann,
        parsed_outputs=known.parsed,
    )


class _Activations:
    """Activations of the normalised network at the layers of neurons."""

    def __init__(self, networks: Networks) -> None:
        graph: Graph | None = networks.normalized
        layers = networks.compared_layers
        self._evaluator = Evaluator(graph, layers) if graph is not None and layers else None

    def __call__(self, x: Array) -> Mapping[str, Array]:
        return {} if self._evaluator is None else self._evaluator(x)
