"""Corrections of layers, one after the other, each kept only if it helps on samples that it was not fitted on.

Source: Li et al. 2021, "A free lunch from ANN: towards efficient, accurate spiking neural networks calibration" (bias
and potential); Hu et al. 2018, section 3.3 (compensation factor).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration.layerwise import Layer
from snntoolbox.calibration.trial import Outcome, TrialSet
from snntoolbox.errors import GraphError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking
from snntoolbox.neurons import NeuronModel
from snntoolbox.passes.adjust_neurons import CompensateRates, SetPotentials, compensated, started
from snntoolbox.passes.base import Pass
from snntoolbox.passes.shift_biases import ShiftBiases

__all__ = ["Attempt", "Corrections", "correct_layers"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Attempt:
    """One correction of one layer.

    Attributes:
        layer: Name of the layer.
        kind: ``compensation``, ``bias`` or ``potential``.
        before, after: Mean squared error of the layer's rates on held-out samples, without and with it.
    """

    layer: str
    kind: str
    before: float
    after: float

    @property
    def helps(self) -> bool:
        """Whether it makes the error smaller, and so is kept."""
        return self.after < self.before


@dataclass(frozen=True, eq=False)
class Corrections:
    """What was found for a network.

    Attributes:
        factors: Layer -> compensation factor.
        shifts: Layer -> charge to add in each step, one value a channel.
        potentials: Layer -> initial potentials.
        attempts: All that was tried on single layers.
    """

    factors: Mapping[str, float] = field(default_factory=dict)
    shifts: Mapping[str, Array] = field(default_factory=dict)
    potentials: Mapping[str, Array] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()

    def passes(self) -> tuple[Pass, ...]:
        """Return the passes that apply the corrections, in order."""
        found: list[tuple[Mapping[str, Any], type[Any]]] = [
            (self.factors, CompensateRates),
            (self.shifts, ShiftBiases),
            (self.potentials, SetPotentials),
        ]
        return tuple(kind(values) for values, kind in found if values)

    def apply(self, graph: Graph) -> Graph:
        """Return the spiking network with all corrections."""
        for one in self.passes():
            graph = one(graph)
        return graph


def correct_layers(
    graph: Graph, trials: TrialSet, *, limit: float = 1.0, bias: bool = False, potential: bool = False
) -> tuple[Corrections, Outcome]:
    """Correct one layer after the other, those before it corrected already.

    With activation a and rate r of a neuron, means over the samples to fit on:

    * compensation: ζ = mean(a r) / mean(r²) over the layer, between 1 and ``limit``;
    * bias: b += mean(a - r) over samples and positions, for each channel;
    * potential: V(0) += T mean(a - r) over samples, for each neuron.

    Steps in which a layer is clamped are left out of its rates and of T.

    Args:
        graph: The spiking network.
        trials: Samples and activations.
        limit: Largest compensation factor; 1 for none.
        bias: Whether to correct biases.
        potential: Whether to correct initial potentials.

    Returns:
        The corrections that were kept, and what the corrected network answers.
    """
    work = _Work(trials, limit, bias, potential)
    outcome = trials.run(graph, work.visit)
    outputs = {**outcome.outputs, **(work.correct_readouts(graph, outcome) if bias else {})}
    found = Corrections(work.factors, work.shifts, work.potentials, tuple(work.attempts))
    return found, Outcome(outputs, outcome.largest_rate)


@dataclass(eq=False)
class _Candidate:
    """A layer as it stands: neurons, charge added in each step, and what it sends."""

    model: NeuronModel
    shift: Array | float
    messages: Array

    @property
    def clamped(self) -> int:
        """Number of first steps in which the neurons are held, so that nothing is sent; at most all but one."""
        return min(int(getattr(self.model, "clamp_steps", 0)), len(self.messages) - 1)

    @property
    def rates(self) -> Array:
        """Mean message of the steps in which the neurons are free: what stands for the activation."""
        return np.asarray(self.messages[self.clamped :].mean(axis=0))


@dataclass(eq=False)
class _Change:
    """A layer with a correction, and where that is noted if it is kept."""

    candidate: _Candidate
    kept_in: dict[str, Any]
    value: Any


class _Work:
    """Goes through the layers and collects what is kept."""

    def __init__(self, trials: TrialSet, limit: float, bias: bool, potential: bool) -> None:
        self._trials, self._limit = trials, limit
        self._bias, self._potential = bias, potential
        self.factors: dict[str, float] = {}
        self.shifts: dict[str, Array] = {}
        self.potentials: dict[str, Array] = {}
        self.attempts: list[Attempt] = []

    def visit(self, layer: Layer) -> Array:
        """Return what the corrected layer sends."""
        now = _Candidate(layer.model, 0.0, layer.fire())
        if layer.name not in self._trials.targets or not hasattr(layer.model, "threshold"):
            return now.messages
        if self._limit > 1:
            now = self._attempt(layer, now, "compensation", self._compensate)
        if self._bias:
            now = self._attempt(layer, now, "bias", self._shift)
        if self._potential:
            now = self._attempt(layer, now, "potential", self._start)
        return now.messages

    def _attempt(self, layer: Layer, now: _Candidate, kind: str, change: Callable[..., _Change | None]) -> _Candidate:
        """Return the changed layer if it is better on held-out samples, else the layer as it is."""
        try:
            changed = change(layer, now)
        except GraphError:
            return now  # the neurons do not take such a parameter
        if changed is None:
            return now
        part = self._trials.held_out
        before, after = (self._trials.error(layer.name, one.rates, part) for one in (now, changed.candidate))
        self.attempts.append(Attempt(layer.name, kind, before, after))
        if not self.attempts[-1].helps:
            return now
        changed.kept_in[layer.name] = changed.value
        return changed.candidate

    def _compensate(self, layer: Layer, now: _Candidate) -> _Change | None:
        rates, wanted = now.rates[self._trials.fit], self._trials.targets[layer.name][self._trials.fit]
        power = float(np.mean(np.square(rates)))
        factor = float(np.clip(np.mean(rates * wanted) / power, 1.0, self._limit)) if power else 1.0
        if factor == 1:
            return None
        changed = _Candidate(compensated(now.model, factor), now.shift, now.messages * np.float32(factor))
        return _Change(changed, self.factors, factor)

    def _shift(self, layer: Layer, now: _Candidate) -> _Change:
        missing = self._missing(layer, now)
        shift = _charge(now.model) * missing.reshape(-1, missing.shape[-1]).mean(axis=0)
        return _Change(_Candidate(now.model, shift, layer.fire(now.model, shift)), self.shifts, shift)

    def _start(self, layer: Layer, now: _Candidate) -> _Change:
        steps = layer.num_steps - now.clamped
        extra = steps * _charge(now.model) * self._missing(layer, now).mean(axis=0)
        start = np.asarray(getattr(now.model, "initial_potential", 0.0) + extra, np.float32)
        model = started(now.model, start)
        return _Change(_Candidate(model, now.shift, layer.fire(model, now.shift)), self.potentials, start)

    def _missing(self, layer: Layer, now: _Candidate) -> Array:
        """Return activation minus rate of each neuron for the samples to fit on."""
        part = self._trials.fit
        return np.asarray(self._trials.targets[layer.name][part] - now.rates[part], np.float64)

    def correct_readouts(self, graph: Graph, outcome: Outcome) -> dict[str, Array]:
        """Correct the biases of layers that accumulate; return their values where that helps."""
        better = {}
        for name, values in outcome.outputs.items():
            op = graph[name].op
            if not isinstance(op, Spiking) or op.model.readout != "potential":
                continue
            part = self._trials.fit
            missing = np.asarray(self._trials.targets[name][part] - values[part], np.float64)
            shift = missing.reshape(-1, missing.shape[-1]).mean(axis=0)
            errors = [self._trials.error(name, one, self._trials.held_out) for one in (values, values + shift)]
            self.attempts.append(Attempt(name, "bias", *errors))
            if self.attempts[-1].helps:
                self.shifts[name], better[name] = shift, values + shift
        return better


def _charge(model: NeuronModel) -> Any:
    """Return the charge that a message of 1 takes away: threshold / size of a message."""
    return np.asarray(getattr(model, "threshold", 1.0)) / np.asarray(getattr(model, "message_size", 1.0))
