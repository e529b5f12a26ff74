"""A network simulated on samples that are split in two: on one part corrections are fitted, on the other validated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration.layerwise import Arrange, Layer, Visit, walk_layers
from snntoolbox.calibration.readout_start import LEAST_READ
from snntoolbox.codes import SpikeCode, Stimulus
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.ir import Graph
from snntoolbox.ir.evaluate import Evaluator
from snntoolbox.ir.ops import Spiking
from snntoolbox.ir.samples import Samples, named_samples

__all__ = ["Outcome", "TrialSet", "linear_correction", "make_trials"]

Array = NDArray[Any]
_ROWS = 64
"""Samples whose activations are computed at a time."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a network answered to all samples of a trial set.

    Attributes:
        outputs: Readout layer -> decoded value, shape (num_samples, *shape).
        largest_rate: Largest mean message of a neuron of the last spiking layer, the mean over samples.
        start: Step after which outputs are read.
    """

    outputs: Mapping[str, Array]
    largest_rate: float
    start: int = 0


@dataclass(frozen=True, eq=False)
class TrialSet:
    """Samples, and what a spiking network should make of them.

    Attributes:
        stimuli: Input node -> its input, of all samples.
        targets: Layer of neurons -> activations that its rates stand for, (num_samples, *shape); for a layer that
            accumulates, the values that it should decode to.
        num_fit: The first so many samples are for fitting, the others for validation.
        num_steps: Number of steps.
        start: Step after which outputs are read; None to find the one that lets outputs come closest to their targets,
            on the samples to fit on.
        seed: Seed of stochastic input and neurons.
        charges: Layer of neurons -> what enters the rectifier that it stands for, (num_samples, *shape); empty unless
            weights are to be fitted.
    """

    stimuli: Mapping[str, Stimulus]
    targets: Mapping[str, Array]
    num_fit: int
    num_steps: int
    start: int | None = 0
    seed: int = 0
    charges: Mapping[str, Array] = field(default_factory=dict)

    @property
    def fit(self) -> slice:
        """Samples to fit on."""
        return slice(0, self.num_fit)

    @property
    def held_out(self) -> slice:
        """Samples to validate on."""
        return slice(self.num_fit, None)

    def error(self, name: str, values: Array, part: slice) -> float:
        """Return the mean squared difference between the values of a layer, (num_samples, *shape), and its targets."""
        return float(np.mean(np.square(values[part] - self.targets[name][part])))

    def output_error(self, outcome: Outcome, part: slice) -> float:
        """Return the mean squared error of the outputs, relative to the variance of what they should be."""
        errors = [self.error(name, values, part) for name, values in outcome.outputs.items()]
        sizes = [float(np.var(self.targets[name][part])) for name in outcome.outputs]
        return sum(errors) / (sum(sizes) or 1.0)

    def agreement(self, outcome: Outcome, part: slice) -> float | None:
        """Return for which share of samples the first output decides as the ANN; None if it is no row of scores."""
        name, values = next(iter(outcome.outputs.items()))
        if values.ndim != 2 or values.shape[1] < 2:
            return None
        return float(np.mean(values[part].argmax(1) == self.targets[name][part].argmax(1)))

    def some(self, count: int) -> tuple[NDArray[np.int64], TrialSet]:
        """Return at most so many of the samples, evenly from both parts: their numbers, and the smaller trial set."""
        total = len(next(iter(self.targets.values())))
        chosen = np.arange(total)[:: max(math.ceil(total / count), 1)]
        targets = {name: values[chosen] for name, values in self.targets.items()}
        return chosen, replace(self, stimuli={}, targets=targets, num_fit=int((chosen < self.num_fit).sum()))

    def best_start(self, values: Mapping[str, Array], *, corrected: bool = False) -> int:
        """Return the step after which outputs should be read, so that they come closest to their targets.

        Args:
            values: Readout layer -> current or message of each step, shape (steps or 1, num_samples, *shape).
            corrected: Whether scale and mean of the outputs will be corrected, so that they are no error.
        """
        last = max(self.num_steps - LEAST_READ, 0)
        errors = np.zeros(last + 1)
        for name, one in values.items():
            if len(one) > 1:
                wanted = self.targets[name][self.fit]
                sums = np.cumsum(one[::-1, self.fit], axis=0, dtype=np.float64)[::-1]
                for start in range(last + 1):
                    mean = sums[start] / (self.num_steps - start)
                    if corrected:
                        scale, shift = linear_correction(mean, wanted)
                        mean = scale * mean + shift
                    errors[start] += np.mean(np.square(mean - wanted)) / (float(np.var(wanted)) or 1.0)
        return int(errors.argmin())

    def run(
        self, graph: Graph, visit: Visit | None = None, arrange: Arrange | None = None, *, corrected: bool = False
    ) -> Outcome:
        """Simulate a network.

        Args:
            graph: The spiking network.
            visit: Stands in for the layers' own neurons, as in `walk_layers`; not for layers that accumulate.
            arrange: Changes what is in front of layers, as in `walk_layers`.
            corrected: Whether scale and mean of the outputs will be corrected, so that they are no error.
        """
        values: dict[str, Array] = {}
        largest = [0.0]

        def each(layer: Layer) -> Array | None:
            if not layer.model.spiking:
                values[layer.name] = layer.currents
                return None
            messages = layer.fire() if visit is None else visit(layer)
            if messages is None:
                raise ConversionError(f"layer '{layer.name}': expected messages, got none")
            if _is_read(graph, layer.name):
                values[layer.name] = messages
            else:
                rates = messages.mean(axis=0).reshape(messages.shape[1], -1)
                largest[0] = float(rates.max(axis=1).mean())
            return messages

        walk_layers(graph, self.stimuli, self.num_steps, each, arrange=arrange, seed=self.seed)
        values = {name: value for name, value in values.items() if name in self.targets}
        start = self.best_start(values, corrected=corrected) if self.start is None else self.start
        outputs = {name: one[min(start, len(one) - 1) :].mean(axis=0) for name, one in values.items()}
        return Outcome(outputs, largest[0], start)


def make_trials(
    normalized: Graph,
    spiking: Graph,
    code: SpikeCode,
    x: Samples,
    num_steps: int,
    *,
    start: int | None = 0,
    seed: int = 0,
    charges: bool = False,
) -> TrialSet:
    """Return a trial set of samples: the first half is to fit on.

    Args:
        normalized: The network whose activations rates should be.
        spiking: The spiking network.
        code: Encodes the samples.
        x: Samples, as for `snntoolbox.ir.evaluate.evaluate`; at least two.
        num_steps: Number of steps.
        start: Step after which outputs are read, at most so that `LEAST_READ` are; None to find it.
        seed: Seed of stochastic input and neurons.
        charges: Whether to keep what enters the rectifiers, which weights are fitted to.

    Raises:
        DataError: There are fewer than two samples.
    """
    arrays = named_samples({name: normalized.shapes[name] for name in normalized.inputs}, x)
    count = len(next(iter(arrays.values())))
    if count < 2:
        raise DataError(f"calibration: expected at least 2 samples, one to fit and one to validate on, got {count}")
    sources = {name: source for name in spiking.neurons if (source := _target(normalized, spiking, name)) is not None}
    rectified = {
        name: normalized[name].inputs[0]
        for name in sources
        if charges and name in normalized and spiking[name].op.model.spiking  # type: ignore[attr-defined]
    }
    stimuli = {name: code.encode(np.asarray(a)) for name, a in arrays.items()}
    # Not in one go: TensorFlow complains where it would fuse a sum with its rectifier and both are asked for.
    targets, before = (_values(normalized, wanted, arrays) for wanted in (sources, rectified))
    start = None if start is None else max(min(start, num_steps - LEAST_READ), 0)
    return TrialSet(stimuli, targets, count // 2, num_steps, start, seed, before)


def _values(graph: Graph, wanted: Mapping[str, str], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the values of some nodes: key -> name of the node, key -> (num_samples, *shape)."""
    if not wanted:
        return {}
    values = Evaluator(graph, tuple(dict.fromkeys(wanted.values()))).all(arrays, _ROWS)
    return {key: values[name] for key, name in wanted.items()}


def linear_correction(values: Array, wanted: Array, *, scaled: bool = True) -> tuple[float, Array]:
    """Return the factor for all, and the shift of each channel, that bring values closest to what is wanted.

    Args:
        values: Shape (num_samples, *positions, channels).
        wanted: The same shape.
        scaled: Whether there is to be a factor; 1 if not.
    """
    axes = tuple(range(values.ndim - 1))
    middle, center = values.mean(axis=axes), wanted.mean(axis=axes)
    power = float(np.sum(np.square(values - middle)))
    scale = float(np.sum((values - middle) * (wanted - center))) / power if power and scaled else 1.0
    return scale, np.asarray(center - scale * middle)


def _target(normalized: Graph, spiking: Graph, name: str) -> str | None:
    """Return the node of the normalised network that a layer of neurons stands for; None if there is none."""
    if name in normalized:
        return name
    (before,) = spiking[name].inputs
    return before if before in normalized else None


def _is_read(graph: Graph, name: str) -> bool:
    """Whether no layer of neurons comes after this one, so that it is an output."""
    reached = {name}
    for node in graph.nodes:
        if reached.intersection(node.inputs):
            if isinstance(node.op, Spiking):
                return False
            reached.add(node.name)
    return True
