"""The search itself: trials in rounds, on more and more samples, within a time limit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.operations import operation_weights
from snntoolbox.api import load_backend, simulate
from snntoolbox.backends.base import Backend
from snntoolbox.backends.record import Probes, Record
from snntoolbox.calibration import Calibration
from snntoolbox.codes.base import SpikeCode
from snntoolbox.config.load import load, replace
from snntoolbox.config.settings import Settings
from snntoolbox.conversion import Conversion
from snntoolbox.errors import ConversionError, SNNToolboxError
from snntoolbox.ir.evaluate import evaluate
from snntoolbox.ir.graph import Graph
from snntoolbox.passes.pipeline import run_passes
from snntoolbox.registry import CODES
from snntoolbox.search.duration import expected_seconds
from snntoolbox.search.goal import Goal
from snntoolbox.search.space import Round, rounds
from snntoolbox.search.trial import Trial, make_trial

__all__ = ["Search", "SearchResult"]

Array = NDArray[Any]
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]
_LOG = logging.getLogger(__name__)
_COMPARE, _NUM_SAMPLES = "calibration.compare", "calibration.num_samples"
HELD_OUT_EVERY = 3
"""Every third sample is held out to compare trials on; the others are for calibration."""


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What a search found.

    Attributes:
        goal: What was searched for.
        best: The best trial, on all held-out samples.
        trials: All trials, in order; trials of early rounds are on fewer samples.
        stopped: Whether the time limit ended it before all rounds were done.
    """

    goal: Goal
    best: Trial
    trials: tuple[Trial, ...]
    stopped: bool = False

    @property
    def pareto(self) -> list[tuple[float, int, float, Trial]]:
        """Agreement, steps, operations and trial of all points that no other one beats in all three.

        Only trials on the most samples are compared: the others' numbers are too rough.
        """
        most = max(trial.num_samples for trial in self.trials)
        points = [
            (float(trial.agreement[step]), step + 1, float(trial.operations[step]), trial)
            for trial in self.trials
            if trial.num_samples == most
            for step in range(trial.num_steps)
        ]
        return _undominated(points)


def _undominated(points: Sequence[tuple[float, int, float, Trial]]) -> list[tuple[float, int, float, Trial]]:
    """Return the points for which no other has at least the agreement with no more steps and no more operations."""
    ordered = sorted(points, key=lambda point: (point[1], point[2], -point[0]))
    kept: list[tuple[float, int, float, Trial]] = []
    for point in ordered:  # a point that dominates this one has no more steps, so it came before
        if not any(other[0] >= point[0] and other[2] <= point[2] for other in kept):
            kept.append(point)
    return kept


@dataclass(eq=False)
class Search:
    """A search over options of the config file for one network.

    Attributes:
        graph: The parsed network.
        x: Samples that neither training nor test uses, shape (num_samples, *sample shape).
        settings: What all trials share; what is varied is laid over it. The defaults unless given.
        goal: What is searched for; the most agreement after ``[simulation] duration`` unless given.
        backend: What the result is to run on; options that it refuses are left out. Simulates the trials as well.
        progress: Shows the progress of an iterable: (items, number of items, label) -> items.
    """

    graph: Graph
    x: Array
    settings: Settings = field(default_factory=load)
    goal: Goal | None = None
    backend: str | Backend = "tensorflow"
    progress: Progress | None = None

    def __post_init__(self) -> None:
        """Split the samples, and compute what the ANN answers.

        Raises:
            ConversionError: There are too few samples.
        """
        if len(self.x) < 2 * HELD_OUT_EVERY:
            raise ConversionError(
                f"a search holds out every {HELD_OUT_EVERY}rd sample: expected at least {2 * HELD_OUT_EVERY} samples, "
                f"got {len(self.x)}; several hundred are needed to tell options apart"
            )
        self.wanted = self.goal or Goal("accuracy", self.settings.simulation.num_steps)
        self._batch_size = self.settings.simulation.batch_size
        held_out = np.arange(len(self.x)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        self._calibration, self._held_out = self.x[~held_out], self.x[held_out]
        self._reference = np.asarray(evaluate(self.graph, self._held_out, batch_size=self._batch_size))
        self._backend = load_backend(self.backend)
        self._known: dict[tuple[int, str], Trial] = {}
        self._scales: dict[str, Calibration] = {}
        self._start = time.perf_counter()

    def run(self, plan: Sequence[Round] | None = None) -> SearchResult:
        """Go through the rounds, compare the best on all held-out samples, and return the result.

        Args:
            plan: The rounds; `snntoolbox.search.rounds` unless given.

        Raises:
            ConversionError: No set of options could be converted and simulated.
        """
        self._start = time.perf_counter()
        plan = rounds(self.settings.search.neurons) if plan is None else plan
        best: list[Mapping[str, Any]] = [{}]
        stopped = False
        for one in plan:
            varied = ({**kept, **variation} for kept in best for variation in ({}, *one.variations))
            candidates = _distinct([self._changed(options) for options in varied])
            trials, stopped = self._round(one, candidates)
            best = [trial.options for trial in self.wanted.ranked(trials)[: one.keep]] or best
            if stopped:
                best = best[:1]
                break
        final = [trial for trial in (self.trial(options) for options in best) if trial is not None]
        if not final:
            raise ConversionError("the search found no set of options that can be converted and simulated")
        return SearchResult(self.wanted, self.wanted.ranked(final)[0], tuple(self._known.values()), stopped)

    def _round(self, one: Round, candidates: list[Mapping[str, Any]]) -> tuple[list[Trial], bool]:
        shown = candidates if self.progress is None else self.progress(candidates, len(candidates), one.name)
        trials: list[Trial] = []
        passed_over = 0
        for number, options in enumerate(shown):
            needed = self._needed(options, one.share)
            if needed and time.perf_counter() - self._start + needed > self.settings.search.time_limit:
                if number == 0:  # the best so far, which the others would have to be compared with
                    passed_over = len(candidates)
                    break
                passed_over += 1  # one that takes less time may still come
                continue
            trial = self.trial(options, one.share)
            if trial is not None:
                trials.append(trial)
        if passed_over:
            _LOG.warning(
                "the search's time is up in round '%s': %d of %d sets of options would have taken too long, and the "
                "best of what was tried is taken. Raise [search] time_limit to try more",
                *(one.name, passed_over, len(candidates)),
            )
        return trials, bool(passed_over)

    def _needed(self, options: Mapping[str, Any], share: float) -> float:
        """Return seconds that a trial may take, and the last one, if it is another, on all samples; 0 if it is done."""
        if (self._count(share), _key(options)) in self._known:
            return 0.0
        known, calibrated = self._known.values(), self._calibrated_on(options)
        needed = expected_seconds(known, self._count(share), calibrated)
        return needed if share >= 1 else needed + expected_seconds(known, len(self._held_out), calibrated)

    def _count(self, share: float) -> int:
        """Return the number of held-out samples that are a share of them."""
        return max(min(round(share * len(self._held_out)), len(self._held_out)), 1)

    def trial(self, options: Mapping[str, Any], share: float = 1.0) -> Trial | None:
        """Convert and simulate with one set of options; None if that cannot be done, with a note in the log.

        Args:
            options: ``{"section.option": value}``, laid over the settings.
            share: Share of the held-out samples to simulate.
        """
        count = self._count(share)
        key = count, _key(options)
        if key not in self._known:
            try:
                self._known[key] = self._try(options, count)
            except SNNToolboxError as error:
                _LOG.info("left out: %s (%s)", options, error)
                return None
        return self._known[key]

    def convert(self, options: Mapping[str, Any]) -> Graph:
        """Return the spiking network of one set of options, calibrated on the samples that are not held out.

        Args:
            options: ``{"section.option": value}``, laid over the settings.

        Raises:
            SNNToolboxError: It cannot be converted so.
        """
        settings = replace(self.settings, options)
        conversion, code = Conversion.from_settings(settings), self._code(settings)
        spiking = conversion.run(self.graph, self._calibration, code, self._scales).spiking
        return run_passes(spiking, self._backend.passes())

    def simulate(self, spiking: Graph, x: Array) -> Record:
        """Return what a spiking network does with some samples, synaptic operations included."""
        return simulate(
            spiking,
            x,
            backend=self._backend,
            num_steps=self.wanted.num_steps,
            batch_size=self._batch_size,
            dt_ms=self.settings.simulation.dt,
            seed=self.settings.simulation.seed,
            probes=Probes(totals=operation_weights(spiking)),
        )

    def _changed(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return those of some options that make a difference, so that nothing is tried twice.

        Calibrations are compared by the search itself: their options say so, so that what is chosen is what was tried.
        """
        if self._calibrated_on(options):
            options = {**options, _COMPARE: False}
        else:
            options = {name: value for name, value in options.items() if name not in (_COMPARE, _NUM_SAMPLES)}
        return {name: value for name, value in options.items() if not self._given(name, value)}

    def _calibrated_on(self, options: Mapping[str, Any]) -> int:
        """Return the number of samples that options calibrate on, 0 if they calibrate nothing."""
        try:
            wanted = Conversion.from_settings(replace(self.settings, options)).refinement
        except SNNToolboxError:
            return 0  # they are left out as soon as they are tried
        return min(wanted.num_samples, len(self._calibration)) if wanted.calibrates else 0

    def _given(self, name: str, value: Any) -> bool:
        section, _, option = name.partition(".")
        return bool(getattr(getattr(self.settings, section, None), option, None) == value)

    def _try(self, options: Mapping[str, Any], count: int) -> Trial:
        start = time.perf_counter()
        spiking = self.convert(options)
        converted = time.perf_counter()
        record = self.simulate(spiking, self._held_out[:count])
        operations = sum(record.totals.values()) if record.totals else np.zeros((self.wanted.num_steps, count))
        seconds = time.perf_counter() - start
        trial = make_trial(
            options,
            record.output_over_time,
            self._reference[:count],
            np.asarray(operations),
            seconds=seconds,
            conversion_seconds=converted - start,
            num_calibrated=self._calibrated_on(options),
        )
        _LOG.info("%.1f %% agree (%d samples, %.0f s): %s", 100 * trial.agreement[-1], count, seconds, trial.name)
        return trial

    def _code(self, settings: Settings) -> SpikeCode:
        kind: type[SpikeCode] = CODES.load(settings.conversion.spike_code)
        return kind.from_settings(settings, float(np.abs(self._calibration).max()) or 1.0)


def _key(options: Mapping[str, Any]) -> str:
    """Return what tells sets of options apart, in whatever order they are given."""
    return repr(sorted(options.items()))


def _distinct(candidates: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the candidates without repetitions."""
    return list({_key(one): one for one in candidates}.values())
