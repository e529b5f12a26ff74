"""Corrections of layers, one after the other, each kept only if it helps on samples that it was not fitted on.

Source: Li et al. 2021, "A free lunch from ANN: towards efficient, accurate spiking neural networks calibration"
(weights, bias and potential); Hu et al. 2018, section 3.3 (compensation factor); Rueckauer 2020, section 2.1.3.3
(voltage clamp).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration.candidate import Candidate, charge_of
from snntoolbox.calibration.layerwise import Layer
from snntoolbox.calibration.trial import Outcome, TrialSet, linear_correction
from snntoolbox.calibration.weights import fit_weights
from snntoolbox.errors import ConversionError, GraphError
from snntoolbox.ir import Graph
from snntoolbox.ir.edit import replace_ops
from snntoolbox.ir.evaluate import Evaluator
from snntoolbox.ir.ops import Spiking
from snntoolbox.passes.adjust_neurons import CompensateRates, HoldLayers, ScaleThresholds, SetPotentials
from snntoolbox.passes.base import Pass
from snntoolbox.passes.change_weights import ChangeWeights, op_to_change, weights_of
from snntoolbox.passes.shift_biases import ShiftBiases

__all__ = ["KINDS", "Attempt", "Corrections", "correct_layers"]

Array = NDArray[Any]
KINDS: Mapping[str, type[Any]] = {
    "weight": ChangeWeights,
    "clamp": HoldLayers,
    "threshold": ScaleThresholds,
    "compensation": CompensateRates,
    "bias": ShiftBiases,
    "potential": SetPotentials,
}
"""Kind of correction -> the pass that applies it, in the order in which they are applied."""
FACTORS = ((0.9, 0.8), (1.1, 1.25))
"""What thresholds are multiplied by, smaller and smaller and then larger and larger, until that makes it worse."""
SAMPLES_TO_COMPARE = 64
"""Samples on which clamps and thresholds are compared; what is chosen is validated on all."""
SMALLEST_ERROR = 1e-9
"""Squared error of what enters a layer, relative to its mean square, below which weights are right as they are."""
ROWS = 512
"""Samples whose mean input is computed at a time."""
STEPS_TO_WAIT = 16
"""A layer is tried to wait 0, 1, 2, 4, ... steps longer than those before it, up to one of so many steps."""


@dataclass(frozen=True)
class Attempt:
    """One correction of one layer.

    Attributes:
        layer: Name of the layer.
        kind: One of `KINDS`.
        before, after: Mean squared error of the layer's rates on held-out samples, without and with it; for weights,
            that of its mean input.
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
        found: Kind of correction -> layer -> its value, as the pass of `KINDS` takes it.
        attempts: All that was tried on single layers.
    """

    found: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()

    def of(self, kind: str) -> Mapping[str, Any]:
        """Return layer -> value of the corrections of a kind."""
        return self.found.get(kind, {})

    def passes(self) -> tuple[Pass, ...]:
        """Return the passes that apply the corrections, in order."""
        return tuple(apply(self.of(kind)) for kind, apply in KINDS.items() if self.of(kind))

    def apply(self, graph: Graph) -> Graph:
        """Return the spiking network with all corrections."""
        for one in self.passes():
            graph = one(graph)
        return graph


def correct_layers(
    graph: Graph, trials: TrialSet, kinds: Collection[str], limit: float = 1.0
) -> tuple[Corrections, Outcome]:
    """Correct one layer after the other, those before it corrected already.

    With activation a and rate r of a neuron, means over the samples to fit on:

    * weight: weights and biases in front of the layer that, for the mean of what arrives at them, come closest to what
      enters the rectifier (`fit_weights`); so all that follows is fitted to these;
    * clamp: potentials are held for as long as those of the layers before, or some steps longer;
    * threshold: thresholds, potentials at the start and messages are multiplied by one factor for the layer, from
      `FACTORS`;
    * compensation: ζ = mean(a r) / mean(r²) over the layer, between 1 and ``limit``;
    * bias: b += mean(a - r) over samples and positions, for each channel;
    * potential: V(0) += T mean(a - r) over samples, for each neuron; the means are drawn to that of the channel as far
      as chance explains their differences.

    Of clamp and threshold, what leaves the least error of the rates once the others are applied. Steps in which a layer
    is clamped are left out of its rates and of T. In layers that accumulate, a potential to start from is the same as a
    bias: where either is wanted, what outputs lack is added to their bias, and with weights, they are scaled as well.

    Args:
        graph: The spiking network.
        trials: Samples and activations.
        kinds: Which of `KINDS`.
        limit: Largest compensation factor.

    Returns:
        The corrections that were kept, and what the corrected network answers.

    Raises:
        ConversionError: There is no such kind.
    """
    if unknown := set(kinds) - set(KINDS):
        raise ConversionError(f"corrections: expected some of {', '.join(KINDS)}, got {', '.join(sorted(unknown))}")
    work = _Work(graph, trials, kinds, limit)
    arrange = work.arrange if "weight" in kinds else None
    outcome = trials.run(graph, work.visit, arrange, corrected="weight" in kinds)
    if {"weight", "bias", "potential"} & set(kinds):
        outcome = work.correct_readouts(outcome)
    return Corrections(work.found, tuple(work.attempts)), outcome


class _Work:
    """Goes through the layers and collects what is kept."""

    def __init__(self, graph: Graph, trials: TrialSet, kinds: Collection[str], limit: float) -> None:
        self._graph, self._kinds, self._trials = graph, kinds, trials
        self._some, compared = trials.some(SAMPLES_TO_COMPARE)
        self._before, self._clamps = _layers_before(graph), dict[str, int]()
        self.found: dict[str, dict[str, Any]] = {}
        self.attempts: list[Attempt] = []
        self._fitter, self._quick = (_Fitter(one, kinds, limit, self.attempts) for one in (trials, compared))

    def arrange(self, name: str, part: Graph, messages: Mapping[str, Array]) -> Graph:
        """Return the ops in front of a layer with weights that suit what arrives while it is free."""
        place = op_to_change(self._graph, name)
        if place is None or name not in self._trials.charges:
            return part
        start = self._clamped_before(name)
        means = {source: one[min(start, len(one) - 1) :].mean(axis=0) for source, one in messages.items()}
        source, (end,) = part[place].inputs[0], part.outputs
        wanted = charge_of(self._graph[name].op.model) * self._trials.charges[name]  # type: ignore[attr-defined]
        values = {**Evaluator(part, tuple({source, end} - set(means))).all(means, ROWS), **means}
        missing = wanted - values[end]
        if np.mean(np.square(missing)) <= SMALLEST_ERROR * np.mean(np.square(wanted)):
            return part
        op = part[place].op
        change = fit_weights(op, values[source], missing, self._trials.num_fit)  # type: ignore[arg-type]
        self.attempts.append(Attempt(name, "weight", change.before, change.after))
        if not self.attempts[-1].helps:
            return part
        self.found.setdefault("weight", {})[name] = change.weight, change.bias
        return replace_ops(part, {place: ChangeWeights.changed(op, change.weight, change.bias)})

    def visit(self, layer: Layer) -> Array:
        """Return what the corrected layer sends."""
        best = Candidate(layer, layer.model)
        if layer.name in self._trials.targets and hasattr(layer.model, "threshold"):
            best, tuned = self._fitter.fitted(best), self._tuned(layer)
            for kind in list(tuned)[-1:]:
                best = self._fitter.better(best, self._fitter.fitted(_changed(layer, tuned)), kind)
        for kind, value in best.found.items():
            self.found.setdefault(kind, {})[layer.name] = value
        self._clamps[layer.name] = layer.clamped(best.model)
        return best.messages

    def _tuned(self, layer: Layer) -> dict[str, Any]:
        """Return the clamp and the threshold that leave a layer the least error, as far as they differ."""
        if not {"clamp", "threshold"} & set(self._kinds):
            return {}
        layer = layer.of(self._some)
        best = self._quick.fitted(Candidate(layer, layer.model))
        if "clamp" in self._kinds:
            for steps in self._waits(layer):
                best = self._quick.better(best, self._quick.fitted(_changed(layer, {"clamp": steps})), "clamp")
        clamp = {kind: value for kind, value in best.found.items() if kind == "clamp"}
        if "threshold" in self._kinds and hasattr(layer.model, "amplitude"):
            for factors in FACTORS:
                for factor in factors:
                    changed = self._quick.fitted(_changed(layer, {**clamp, "threshold": factor}))
                    best = self._quick.better(best, changed, "threshold")
                    if self.attempts[-1].after > self.attempts[-1].before:
                        break
        return {kind: value for kind, value in best.found.items() if kind in ("clamp", "threshold")}

    def _waits(self, layer: Layer) -> list[int]:
        """Return steps for which a layer may wait: as long as those before it, and some steps longer."""
        before = self._clamped_before(layer.name)
        longer, limit = [0, 1], layer.num_steps // STEPS_TO_WAIT
        while 2 * longer[-1] <= limit:
            longer.append(2 * longer[-1])
        steps = [before + one for one in longer if before + one < layer.num_steps and before + one != layer.clamped()]
        return steps if hasattr(layer.model, "clamp_steps") else []

    def _clamped_before(self, name: str) -> int:
        """Return for how many steps the layers before one are held."""
        return max((self._clamps.get(one, 0) for one in self._before[name]), default=0)

    def correct_readouts(self, outcome: Outcome) -> Outcome:
        """Correct biases, and scales, of layers that accumulate; return what the network answers where that helps."""
        part, better = self._trials.fit, dict(outcome.outputs)
        for name, values in outcome.outputs.items():
            model = self._graph[name].op.model  # type: ignore[attr-defined]
            if model.readout != "potential":
                continue
            place = self._weights_to_scale(name)
            scale, shift = linear_correction(values[part], self._trials.targets[name][part], scaled=place is not None)
            corrected = scale * values + shift
            errors = [self._trials.error(name, one, self._trials.held_out) for one in (values, corrected)]
            self.attempts.append(Attempt(name, "bias" if place is None else "weight", *errors))
            if not self.attempts[-1].helps:
                continue
            better[name] = corrected
            if place is None:
                self.found.setdefault("bias", {})[name] = shift
            else:
                weight, bias = weights_of(self._graph[place].op)
                self.found.setdefault("weight", {})[name] = (scale - 1) * weight, (scale - 1) * bias + shift
        return replace(outcome, outputs=better)

    def _weights_to_scale(self, name: str) -> str | None:
        """Return the op whose weights scale all that a layer gets; None if there is none, or if it is to stay."""
        place = op_to_change(self._graph, name) if "weight" in self._kinds else None
        return place if place is not None and self._graph[name].inputs == (place,) else None


class _Fitter:
    """Fits what can be computed from a layer's rates."""

    def __init__(self, trials: TrialSet, kinds: Collection[str], limit: float, attempts: list[Attempt]) -> None:
        self._trials, self._limit, self._attempts = trials, limit, attempts
        changes = {"compensation": self._compensate, "bias": self._shift, "potential": self._start}
        self._changes = {kind: change for kind, change in changes.items() if kind in kinds}

    def fitted(self, now: Candidate) -> Candidate:
        """Return the layer with compensation, bias and potential, as far as they are wanted and help."""
        for kind, change in self._changes.items():
            try:
                changed = change(now)
            except GraphError:
                continue  # the neurons do not take such a parameter
            now = now if changed is None else self.better(now, changed, kind)
        return now

    def better(self, now: Candidate, changed: Candidate, kind: str) -> Candidate:
        """Return the changed layer if it is better on held-out samples, else the layer as it is."""
        part, name = self._trials.held_out, now.layer.name
        before, after = (self._trials.error(name, one.rates, part) for one in (now, changed))
        self._attempts.append(Attempt(name, kind, before, after))
        return changed if self._attempts[-1].helps else now

    def _compensate(self, now: Candidate) -> Candidate | None:
        part = self._trials.fit
        rates, wanted = now.rates[part], self._trials.targets[now.layer.name][part]
        power = float(np.mean(np.square(rates)))
        factor = float(np.clip(np.mean(rates * wanted) / power, 1.0, self._limit)) if power else 1.0
        if factor == 1:
            return None
        return now.changed("compensation", factor, model=CompensateRates.changed(now.model, factor))

    def _shift(self, now: Candidate) -> Candidate:
        missing = self._missing(now)
        shift = now.charge * missing.reshape(-1, missing.shape[-1]).mean(axis=0)
        return now.changed("bias", shift, shift=shift)

    def _start(self, now: Candidate) -> Candidate:
        extra = now.free_steps * now.charge * _shrunk_means(self._missing(now))
        start = np.asarray(getattr(now.model, "initial_potential", 0.0) + extra, np.float32)
        return now.changed("potential", start, model=SetPotentials.changed(now.model, start))

    def _missing(self, now: Candidate) -> Array:
        """Return activation minus rate of each neuron for the samples to fit on."""
        part = self._trials.fit
        return np.asarray(self._trials.targets[now.layer.name][part] - now.rates[part], np.float64)


def _shrunk_means(values: Array) -> Array:
    """Return means over samples, (num_samples, *positions, channels) -> (*positions, channels), drawn to the channel's.

    Few samples leave noise in the means of single neurons; the more of the differences within a channel it explains,
    the nearer they are drawn to the channel's mean (empirical Bayes; James and Stein 1961).
    """
    means = values.mean(axis=0)
    if means.ndim < 2 or len(values) < 2:
        return np.asarray(means)
    positions = tuple(range(means.ndim - 1))
    center, noise = means.mean(axis=positions), values.var(axis=0).mean(axis=positions) / (len(values) - 1)
    spread = np.square(means - center).mean(axis=positions)
    kept = np.divide(np.maximum(spread - noise, 0), spread, out=np.zeros_like(spread), where=spread > 0)
    return np.asarray(center + kept * (means - center))


def _changed(layer: Layer, found: Mapping[str, Any]) -> Candidate:
    """Return a layer with another clamp or threshold."""
    model = layer.model
    for kind, change in (("clamp", HoldLayers.changed), ("threshold", ScaleThresholds.changed)):
        model = change(model, found[kind]) if kind in found else model
    return Candidate(layer, model, found=dict(found))


def _layers_before(graph: Graph) -> dict[str, frozenset[str]]:
    """Return for each layer of neurons those whose messages reach it without passing others."""
    reach: dict[str, frozenset[str]] = {}
    before: dict[str, frozenset[str]] = {}
    for node in graph.nodes:
        reach[node.name] = frozenset().union(*(reach[source] for source in node.inputs))
        if isinstance(node.op, Spiking):
            before[node.name], reach[node.name] = reach[node.name], frozenset({node.name})
    return before
