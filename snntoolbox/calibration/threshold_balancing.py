"""Threshold balancing: each threshold is the largest weighted input that spikes of the layers before cause in one step.

Source: Sengupta et al. 2019, "Going deeper in spiking neural networks"; Datta et al. 2021, section III, with the scaled
form. A spike carries its layer's threshold, so biases and branches need no rescaling; without both this is the same as
spikes of size one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.codes.stimulus import PoissonSpikes
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Input, MaxPool, Relu
from snntoolbox.ir.samples import Samples, named_samples
from snntoolbox.neurons import Clock, IntegrateAndFire, NeuronModel, SignedIntegrateAndFire

__all__ = ["balance_by_spikes"]

_BYTES = 1 << 29
"""Input over time of the largest layer; limits the number of samples."""

Array = NDArray[np.float32]


def balance_by_spikes(
    graph: Graph, samples: Samples, *, num_steps: int, factor: float, start: float, channel_wise: bool
) -> dict[str, NDArray[np.float64]]:
    """Return the threshold of each rectifier.

    Layer by layer: Poisson spikes of the samples go through the layers that are settled already; the largest input of
    the next layer in any step, times ``factor``, becomes its threshold.

    Args:
        graph: The graph as it will be converted.
        samples: As many of them are used as fit into memory (0.5 GB for the largest layer).
        num_steps: Number of time steps.
        factor: 1 for the baseline; 0.2 to 0.4 for thresholds that need fewer steps and clip more.
        start: Initial potential as a fraction of the threshold.
        channel_wise: Whether each channel gets a threshold of its own.

    Returns:
        Name of each rectifier -> threshold, shape (channels,) or (); 0 where there was no input.

    Raises:
        ConversionError: Number of steps or factor are not positive.
        DataError: There are no samples.
    """
    if num_steps < 1 or not factor > 0:
        raise ConversionError(
            f"threshold balancing: expected at least one step and a factor > 0, got {num_steps} and {factor}"
        )
    arrays = named_samples({name: graph.shapes[name] for name in graph.inputs}, samples)
    if not len(next(iter(arrays.values()))):
        raise DataError("threshold balancing: expected at least one sample, got none")
    return _Walk(graph, arrays, num_steps, factor, start, channel_wise).run()


class _Walk:
    """Messages of all steps, node after node."""

    def __init__(
        self,
        graph: Graph,
        arrays: Mapping[str, NDArray[Any]],
        num_steps: int,
        factor: float,
        start: float,
        channel_wise: bool,
    ) -> None:
        self._graph, self._steps, self._factor, self._start = graph, num_steps, factor, start
        self._channel_wise = channel_wise
        largest = max(graph.size(node.name) for node in graph.nodes)
        count = max(1, _BYTES // (4 * num_steps * largest))
        self._arrays = {name: values[:count] for name, values in arrays.items()}
        self._left = Counter(source for node in graph.nodes for source in node.inputs)
        self._values: dict[str, Array] = {}
        self.thresholds: dict[str, NDArray[np.float64]] = {}

    def run(self) -> dict[str, NDArray[np.float64]]:
        """Settle one layer after the other; values that nothing needs any more are dropped."""
        rectifiers = [number for number, node in enumerate(self._graph.nodes) if isinstance(node.op, Relu)]
        for node in self._graph.nodes[: max(rectifiers, default=-1) + 1]:
            self._values[node.name] = self._compute(node)
            for source in node.inputs:
                self._left[source] -= 1
                if not self._left[source]:
                    del self._values[source]
        return self.thresholds

    def _compute(self, node: Node) -> Array:
        """Return the value of a node in every step, shape (steps, batch, *shape)."""
        if isinstance(node.op, Input):
            values = self._arrays[node.name]
            peak = float(np.abs(values).max()) or 1.0
            frames = PoissonSpikes(values.astype(np.float32), 1.0, peak).frames(self._steps)
            return np.stack([np.asarray(frame, np.float32) for frame in frames])
        inputs = [self._values[source] for source in node.inputs]
        if isinstance(node.op, Relu):
            return self._fire(node, node.op, inputs[0])
        if isinstance(node.op, MaxPool):  # of running sums, as spiking max-pooling is
            pooled = _apply(node, np.cumsum(inputs[0], axis=0, dtype=np.float32))
            return np.diff(pooled, axis=0, prepend=np.zeros_like(pooled[:1]))
        return _apply(node, *inputs)

    def _fire(self, node: Node, op: Relu, current: Array) -> Array:
        """Settle the threshold of a layer, and return what its neurons send."""
        rectified = np.abs(_apply(node, current))
        axes = tuple(range(rectified.ndim - 1)) if self._channel_wise else None
        found = np.asarray(rectified.max(axis=axes) * self._factor, np.float64)
        self.thresholds[node.name] = found
        size = np.where(found > 0, found, found.max() or 1.0).astype(np.float32)
        model: NeuronModel = IntegrateAndFire(size, initial_potential=self._start * size)
        if op.leaky:
            model = SignedIntegrateAndFire(size, None, op.negative_slope, self._start * size)
        state, sent = model.init_state(current.shape[1:], np.float32), np.empty_like(current)
        for step, charge in enumerate(current, start=1):
            emission, state = model.step(state, charge, Clock(step))
            sent[step - 1] = emission.message
        return sent


def _apply(node: Node, *inputs: Array) -> Array:
    from snntoolbox.ir.tf_clipping import apply_over_time

    return apply_over_time(node.op, *inputs)
