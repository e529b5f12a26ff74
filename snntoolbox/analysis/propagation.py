"""Propagation error: what rates lack of their activations, where it comes from, and how it grows with depth.

Source: Hu et al. 2018, "Spiking deep residual network", eq. 9-12. With activation a, rate r and mean input current I of
a neuron, and f its rectifier::

    E = f(I) - r        the neuron's own error: charge that is not yet a spike (V(t) / t in eq. 9), or was lost
    a - f(I)            inherited: errors of the neurons before it, weighted (the other terms of eq. 10)
    Ē = a - r           accumulated propagation error, the sum of both (eq. 11)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snntoolbox.analysis.free_rates import free_rates
from snntoolbox.backends.record import Record
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.evaluate import Evaluator
from snntoolbox.ir.ops import Spiking

__all__ = ["GrowthFit", "LayerError", "Propagation", "PropagationCounter", "fit_growth"]

Array = NDArray[Any]
_FEWEST = 3
"""Depths below which no growth is fitted: a curve of two parameters goes through two points."""


@dataclass(frozen=True)
class GrowthFit:
    """The curve p q^l through errors at depth l (eq. 12), by least squares.

    Attributes:
        p, q: Its constants; above q = 1 the error grows.
        adjusted_r_squared: Goodness of fit, 1 for a perfect one, less than 0 for one worse than a constant.
    """

    p: float
    q: float
    adjusted_r_squared: float


@dataclass(frozen=True, eq=False)
class LayerError:
    """Propagation error of one layer, means over samples and neurons, in units of the rates.

    Attributes:
        depth: Number of layers of neurons up to this one, on the longest way.
        error: Mean of Ē.
        abs_error: Mean of its absolute value.
        own, inherited: Mean absolute values of the two parts.
        largest: Ē of the neuron with the highest rate, the mean over samples.
        largest_rate: Its rate.
        per_neuron: Ē of each neuron, the mean over samples, of the layer's shape.
    """

    depth: int
    error: float
    abs_error: float
    own: float
    inherited: float
    largest: float
    largest_rate: float
    per_neuron: Array = field(metadata={"json": False})


@dataclass(frozen=True, eq=False)
class Propagation:
    """Propagation error of a network.

    Attributes:
        mean: Mean of the absolute value of Ē over all neurons and samples.
        layers: Layer -> its error, in the order of the network.
        growth: Fit of the mean absolute errors of the layers; None for fewer than three depths.
        growth_of_largest: Fit of the errors of the neurons with the highest rates, as in Hu et al. 2018, figure 4.
    """

    mean: float
    layers: Mapping[str, LayerError]
    growth: GrowthFit | None = None
    growth_of_largest: GrowthFit | None = None


def fit_growth(depths: ArrayLike, errors: ArrayLike) -> GrowthFit | None:
    """Fit p q^l by least squares; None for fewer than three depths.

    Args:
        depths: l of each layer.
        errors: Error of each layer, of the same length.
    """
    x, y = np.asarray(depths, np.float64), np.asarray(errors, np.float64)
    if len(np.unique(x)) < _FEWEST:
        return None
    x = x - x.mean()  # keeps powers small; p is moved back at the end

    def best_p(q: float) -> float:
        return float((y @ q**x) / (q ** (2 * x)).sum())

    def loss(log_q: float) -> float:
        q = float(np.exp(log_q))
        return float(np.square(y - best_p(q) * q**x).sum())

    grid = np.linspace(-2.5, 2.5, 501)
    start = int(np.argmin([loss(one) for one in grid]))
    low, high = grid[max(start - 1, 0)], grid[min(start + 1, len(grid) - 1)]
    for _ in range(60):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    q = float(np.exp((low + high) / 2))
    total = float(np.square(y - y.mean()).sum())
    share = loss(np.log(q)) / total if total else 0.0
    shift = float(np.asarray(depths, np.float64).mean())
    return GrowthFit(best_p(q) * q**-shift, q, 1 - share * (len(y) - 1) / (len(y) - 2))


class PropagationCounter:
    """Sums up propagation errors, batch after batch.

    Args:
        graph: The spiking network.
        seed: Seed of the simulation, from which random input is replayed.
    """

    def __init__(self, graph: Graph, seed: int = 0) -> None:
        self._graph, self._seed = graph, seed
        self._layers = tuple(n for n in graph.neurons if _sends_rates(_model(graph, n)) and _has_rates(graph, n))
        self._currents = _current_graph(graph)
        self._evaluator: Evaluator | None = None
        self._depths = _depths(graph)
        self._sums: dict[str, Array] = {}
        self._per_neuron: dict[str, Array] = {}
        self._samples = 0

    def add(self, record: Record, activations: Mapping[str, Array], stimuli: Mapping[str, Stimulus]) -> None:
        """Add a batch: its record, the normalised activations of layers, and its input by input node."""
        known = [name for name in self._layers if name in activations]
        if not known or set(stimuli) != set(self._graph.inputs):
            return
        if self._evaluator is None:
            wanted = dict.fromkeys(self._graph[name].inputs[0] for name in known)
            self._evaluator = Evaluator(self._currents, tuple(wanted))
        sent = {name: free_rates(self._graph, record, name) for name in self._graph.neurons}
        inputs = {name: _mean_input(one, record.num_steps, self._seed) for name, one in stimuli.items()}
        means = {**sent, **inputs}
        currents = self._evaluator({name: means[name] for name in self._currents.inputs})
        self._samples += len(record)
        for name in known:
            self._add(name, activations[name], sent[name], currents[self._graph[name].inputs[0]])

    def _add(self, name: str, a: Array, r: Array, current: Array) -> None:
        driven = _rectified(_model(self._graph, name), current)
        batch = len(r)
        error, rates = (a - r).reshape(batch, -1), r.reshape(batch, -1)
        first = np.arange(batch), rates.argmax(axis=1)
        parts = [error, np.abs(error), np.abs(driven - r), np.abs(a - driven)]
        sums = [float(part.sum(dtype=np.float64)) / error.shape[1] for part in parts]
        now = np.array([*sums, float(error[first].sum()), float(rates[first].sum())])
        self._sums[name] = self._sums.get(name, 0.0) + now
        self._per_neuron[name] = self._per_neuron.get(name, 0.0) + (a - r).sum(axis=0, dtype=np.float64)

    def result(self) -> Propagation | None:
        """Return the errors so far; None without samples."""
        if not self._samples:
            return None
        layers = {
            name: _layer_error(self._depths[name], sums / self._samples, self._per_neuron[name] / self._samples)
            for name, sums in self._sums.items()
        }
        sizes = np.array([self._graph.size(name) for name in layers])
        absolute = np.array([one.abs_error for one in layers.values()])
        depths = [one.depth for one in layers.values()]
        return Propagation(
            mean=float(absolute @ sizes / sizes.sum()),
            layers=layers,
            growth=fit_growth(depths, absolute),
            growth_of_largest=fit_growth(depths, [one.largest for one in layers.values()]),
        )


def _layer_error(depth: int, means: Array, per_neuron: Array) -> LayerError:
    error, absolute, own, inherited, largest, rate = (float(one) for one in means)
    return LayerError(depth, error, absolute, own, inherited, largest, rate, per_neuron)


def _model(graph: Graph, name: str) -> Any:
    op = graph[name].op
    return op.model if isinstance(op, Spiking) else None


def _sends_rates(model: Any) -> bool:
    """Whether the mean of what neurons send stands for an activation: not where one spike's time does."""
    return bool(model.spiking and model.emits != "held" and not model.decides)


def _has_rates(graph: Graph, name: str) -> bool:
    """Whether the layer's mean message stands for its activation."""
    return hasattr(_model(graph, name), "threshold") and hasattr(_model(graph, name), "message_size")


def _rectified(model: Any, current: Array) -> Array:
    """Return the rate that a mean current should give."""
    size = np.asarray(model.message_size) / np.asarray(model.threshold)
    slope = np.asarray(getattr(model, "negative_slope", 0.0))
    return np.asarray(size * (np.maximum(current, 0) + slope * np.minimum(current, 0)))


def _mean_input(stimulus: Stimulus, num_steps: int, seed: int) -> Array:
    steps = 1 if stimulus.constant else num_steps
    return np.asarray(sum(np.asarray(frame, np.float64) for frame in stimulus.frames(steps, seed)) / steps)


def _current_graph(graph: Graph) -> Graph:
    """Return the linear ops of a spiking network: mean messages go in, mean currents come out.

    Max-pooling of messages passes on the maximum of their sums, so of their means.
    """
    nodes = []
    for node in graph.nodes:
        if isinstance(node.op, Spiking):
            node = Node(node.name, ops.Input(graph.shapes[node.name]))
        elif isinstance(node.op, ops.SpikingMaxPool):
            node = Node(node.name, ops.MaxPool(node.op.pool, node.op.strides, node.op.padding), node.inputs)
        nodes.append(node)
    return graph.with_nodes(nodes)


def _depths(graph: Graph) -> dict[str, int]:
    """Return for each node how many layers of neurons there are up to it, on the longest way."""
    depths: dict[str, int] = {}
    for node in graph.nodes:
        before = max((depths[source] for source in node.inputs), default=0)
        depths[node.name] = before + isinstance(node.op, Spiking)
    return depths
