"""Converted graph -> layers in units of the threshold: what is left to do is rounding.

A layer's threshold is 1, a weight is the charge of one spike of its source, and a bias is the charge of a step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.connections import connect, constant_current, depths
from snntoolbox.backends.head import split_head
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking
from snntoolbox.neurons import IntegrateAndFire

__all__ = ["NEGATIVE", "FloatLayer", "float_layers", "input_layers"]

Array = NDArray[Any]
NEGATIVE = "/negative"
"""What is added to the name of an input for the neurons of its negative values."""


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """One layer before rounding.

    Attributes:
        name, shape: Of the node.
        kind: Input, neurons, or readout (accumulator).
        weights: Source -> CSR array (source size, size), float64, in thresholds for each spike.
        bias: In thresholds a step, shape (n,).
        threshold: In the graph's units, shape (n,); 1 for a readout.
        message: What a spike carries in the graph's units, shape (n,).
        reset: Soft (by subtraction) or hard (to zero).
        refractory: Dead steps after a spike.
        leak: What is left of the voltage after a step.
        initial: Voltage at the start, in thresholds, shape (n,).
        depth: Steps until the input reaches the layer.
        clamp: Steps from then on for which the voltage is held.
    """

    name: str
    shape: tuple[int, ...]
    kind: Literal["input", "neurons", "readout"]
    weights: dict[str, Any]
    bias: Array
    threshold: Array
    message: Array
    reset: Literal["soft", "hard"] = "soft"
    refractory: int = 0
    leak: float = 1.0
    initial: Array | float = 0.0
    depth: int = 0
    clamp: int = 0

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.bias)

    def with_gain(self, gain: float) -> FloatLayer:
        """Return the layer with its threshold, and what its spikes carry, ``gain`` times as large."""
        weights = {source: matrix / gain for source, matrix in self.weights.items()}
        return replace(
            self, weights=weights, bias=self.bias / gain, threshold=self.threshold * gain, message=self.message * gain
        )

    def with_source_gain(self, source: str, gain: float) -> FloatLayer:
        """Return the layer for spikes of ``source`` that are worth ``gain`` times as much."""
        if source not in self.weights or gain == 1:
            return self
        return replace(self, weights={**self.weights, source: self.weights[source] * gain})

    def charge(self, rates: dict[str, Array]) -> Array:
        """Return the mean charge a step for mean spike rates of the sources, shape (batch, n)."""
        total = np.zeros((1, self.size)) + self.bias
        for source, matrix in self.weights.items():
            total = total + (matrix.T @ rates[source].T).T
        return np.asarray(total)


def input_layers(
    graph: Graph, peak: float, *, signed: bool, initial: float = 0.5, soft: bool = True
) -> list[FloatLayer]:
    """Return a layer for each input of the graph, and one more for its negative values if ``signed``."""
    layers = []
    for name in graph.inputs:
        size = graph.size(name)
        ones = np.ones(size)
        for suffix, sign in (("", 1.0), (NEGATIVE, -1.0))[: 1 + signed]:
            layers.append(
                FloatLayer(
                    name + suffix, graph.shapes[name], "input", {}, np.zeros(size), peak * ones, sign * peak * ones,
                    reset="soft" if soft else "hard", initial=initial,
                )
            )  # fmt: skip
    return layers


def float_layers(
    graph: Graph, peak: float, *, signed: bool = False, reset: Literal["auto", "soft", "hard"] = "auto"
) -> list[FloatLayer]:
    """Return the layers of a converted graph, in order.

    Args:
        graph: A converted graph of integrate-and-fire neurons and accumulators.
        peak: Input value for which an input neuron fires in every step.
        signed: Whether negative inputs have neurons of their own.
        reset: Reset of all layers; ``auto`` takes that of each.

    Raises:
        ConversionError: The graph has no neurons.
    """
    body = split_head(graph).body
    models = {node.name: node.op.model for node in body.nodes if isinstance(node.op, Spiking)}
    if not models:
        raise ConversionError("the graph has no layers of neurons: convert it first")
    steps = depths(body)
    hard = reset == "hard" or (reset == "auto" and all(getattr(m, "reset", "zero") == "zero" for m in models.values()))
    layers = {layer.name: layer for layer in input_layers(body, peak, signed=signed, soft=not hard)}
    for name, model in models.items():
        layers[name] = _layer(body, name, model, steps[name], reset, layers)
    return list(layers.values())


def _layer(graph: Graph, name: str, model: Any, depth: int, reset: str, before: dict[str, FloatLayer]) -> FloatLayer:
    from scipy import sparse

    shape, fires = graph.shapes[name], isinstance(model, IntegrateAndFire)

    def spread(value: Any) -> Array:
        return np.broadcast_to(np.asarray(value, np.float64), shape).reshape(-1)

    threshold = spread(model.threshold if fires else 1.0)
    weights: dict[str, Any] = {}
    for synapses in connect(graph, name):
        for suffix in ("", NEGATIVE):
            source = before.get(synapses.source + suffix)
            if source is None:
                continue
            values = synapses.weight * source.message[synapses.pre] / threshold[synapses.post]
            matrix = sparse.csr_array((values, (synapses.pre, synapses.post)), shape=(source.size, len(threshold)))
            matrix.sort_indices()
            weights[source.name] = matrix
    bias = constant_current(graph, name).reshape(-1) / threshold
    if not fires:
        return FloatLayer(name, shape, "readout", weights, bias, threshold, np.zeros_like(threshold), depth=depth)
    own = "soft" if model.reset == "subtract" else "hard"
    return FloatLayer(
        name, shape, "neurons", weights, bias, threshold, spread(model.message_size),
        reset=own if reset == "auto" else reset,  # type: ignore[arg-type]
        refractory=model.refractory_steps, leak=model.leak_factor,
        initial=spread(model.initial_potential) / threshold, depth=depth, clamp=model.clamp_steps,
    )  # fmt: skip
