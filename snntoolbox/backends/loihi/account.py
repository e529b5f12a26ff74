"""What the chip did in all runs of a simulation, step by step, with its energy and time in every profile."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.compiler import Compiled
from snntoolbox.backends.loihi.emulator import Activity, StepResult
from snntoolbox.backends.loihi.energy import EnergyReport, StepClock, load_profile, mean_counts, profile_names, report

__all__ = ["Account", "ChipDetails"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ChipDetails:
    """What a report shows of a network on the chip.

    Attributes:
        compiled: Network, layout and mapping.
        samples: Samples that ran.
        activity: What the chip did for all of them; the counts of each sample are summed, shape (1,) and (1, 2).
        energy: Profile -> energy and time of a sample.
        chosen: The profile of the settings.
        curves: Profile -> energy in microjoule and time in ms of a sample after each step of the output, shape
            (steps, 2).
        decisions: Stage of the discretisation -> class of each sample, shape (samples,), by rates in place of spikes;
            empty unless all input was constant.
    """

    compiled: Compiled
    samples: int
    activity: Activity
    energy: MappingType[str, EnergyReport]
    chosen: str
    curves: MappingType[str, Array]
    decisions: MappingType[str, Array] = field(default_factory=dict)


class Account:
    """Adds up runs of one number of steps; a run of another number begins a new account.

    Args:
        compiled: What runs.
        chosen: Profile of the settings, listed first.
    """

    def __init__(self, compiled: Compiled, chosen: str) -> None:
        names = [chosen, *(name for name in profile_names() if name != chosen)]
        self._compiled, self._profiles = compiled, [load_profile(name) for name in names]
        self._clocks: list[StepClock] = []
        self._run: list[list[Array]] = []
        self._forget()

    def _forget(self) -> None:
        self.samples = 0
        self._activity: Activity | None = None
        self._steps: Array = np.zeros(0)
        self._decisions: list[MappingType[str, Array]] = []

    def start(self, batch: int) -> None:
        """Begin a run of ``batch`` samples."""
        self._clocks = [StepClock(self._compiled.mapping, batch, profile) for profile in self._profiles]
        self._run = []

    def add(self, step: StepResult, activity: Activity) -> None:
        """Count one step; ``activity`` is that of the run so far."""
        fired = self._clocks[0].fired(step)
        for clock in self._clocks:
            clock.add(step, fired)
        counts = mean_counts(activity)
        self._run.append([
            np.array([*counts, clock.compute_ns.mean(), clock.communication_ns.mean()]) for clock in self._clocks
        ])  # fmt: skip

    def finish(self, activity: Activity, batch: int, values: MappingType[str, Array] | None = None) -> None:
        """End a run; ``values`` is its input where that was constant, shape (batch, *shape) for each."""
        steps: Array = np.array(self._run)
        if self._activity is not None and len(steps) != len(self._steps):
            self._forget()
        weight = batch / (self.samples + batch)
        self._steps = steps if self._activity is None else (1 - weight) * self._steps + weight * steps
        self._activity = _summed(activity) if self._activity is None else _added(self._activity, _summed(activity))
        self.samples += batch
        self._decisions.append({} if values is None else self._compiled.decisions(values))

    def latest(self) -> EnergyReport:
        """Return energy and time of a sample of the last run, in the chosen profile."""
        rows = self._run[-1][0]
        return report(self._compiled.mapping, self._profiles[0], len(self._run), tuple(rows[:-2]), rows[-2], rows[-1])

    def reports(self, upto: int | None = None) -> dict[str, EnergyReport]:
        """Return energy and time of a sample in every profile, after ``upto`` steps of the chip or after all."""
        last = len(self._steps) if upto is None else upto
        rows = self._steps[last - 1]
        pairs = zip(self._profiles, rows, strict=True)
        return {p.name: report(self._compiled.mapping, p, last, tuple(row[:-2]), row[-2], row[-1]) for p, row in pairs}

    def details(self) -> ChipDetails | None:
        """Return what is known of all runs; None if there were none."""
        if self._activity is None:
            return None
        depth = max(layer.depth for layer in self._compiled.mapping.layers)
        points = [self.reports(step) for step in range(depth + 1, len(self._steps) + 1)]
        curves = {p.name: np.array([(r[p.name].energy_uj, r[p.name].time_ms) for r in points]) for p in self._profiles}
        known = self._decisions if all(self._decisions) else []
        return ChipDetails(
            self._compiled, self.samples, self._activity, self.reports(), self._profiles[0].name, curves,
            {stage: np.concatenate([one[stage] for one in known]) for stage in (known[0] if known else ())},
        )  # fmt: skip


def _summed(activity: Activity) -> Activity:
    """Return the activity with the counts of all samples in one row."""
    values = {f.name: getattr(activity, f.name) for f in fields(activity)}
    for name in ("operations", "messages", "spikes", "updates", "hops"):
        values[name] = values[name].sum(axis=0, keepdims=True)
    return Activity(**values)


def _added(a: Activity, b: Activity) -> Activity:
    """Return the sum of two runs; steps stay those of one."""
    values = {f.name: getattr(a, f.name) + getattr(b, f.name) for f in fields(a)}
    return Activity(**{**values, "steps": a.steps})
