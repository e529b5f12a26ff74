"""The neuron of one layer: the code's neuron, with what the layer's rectifier and options ask for."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from snntoolbox.errors import ConversionError, Problem, UnsupportedError
from snntoolbox.ir import Node
from snntoolbox.ir.ops import Relu
from snntoolbox.neurons import NeuronModel

__all__ = ["neuron_for"]


def neuron_for(model: NeuronModel, op: Relu, node: Node, clamp_steps: int) -> NeuronModel:
    """Return the neurons that stand for one rectifier.

    Args:
        model: The code's neuron for a plain rectifier.
        op: The rectifier, in normalised units.
        node: Where it is, for messages.
        clamp_steps: Number of first steps in which the potential is held; 0 for none.

    Raises:
        UnsupportedError: The model cannot stand for a rectifier with a slope below zero.
        ConversionError: The model has no threshold to limit the rate by, or cannot be clamped.
    """
    if op.leaky:
        problem = Problem(f"node {node}", "a slope for negative inputs has no spiking counterpart in this code.")
        raise UnsupportedError("cannot insert neurons:", [problem])
    if op.max_value is not None:
        model = _limit(model, op.max_value, node)
    return _set(model, node, clamp_steps=clamp_steps) if clamp_steps else model


def _limit(model: NeuronModel, ceiling: Any, node: Node) -> NeuronModel:
    """Lower the threshold to the rectifier's ceiling where it is higher: the largest rate is the ceiling then."""
    threshold = getattr(model, "threshold", None)
    if threshold is None:
        raise ConversionError(f"node {node}: {type(model).__name__} cannot keep the ceiling {ceiling}; use ReLU")
    limited = np.minimum(threshold, ceiling)
    if np.all(limited == threshold):
        return model
    share = limited / threshold
    start = np.asarray(getattr(model, "initial_potential", 0.0)) * share
    changed = _set(model, node, threshold=_plain(limited), initial_potential=_plain(start))
    amplitude = getattr(model, "amplitude", None)
    return changed if amplitude is None else _set(changed, node, amplitude=_plain(amplitude * share))


def _plain(value: Any) -> Any:
    array = np.asarray(value, np.float64)
    return float(array) if array.ndim == 0 else array


def _set(model: NeuronModel, node: Node, **values: Any) -> NeuronModel:
    missing = set(values) - {field.name for field in fields(model)}  # type: ignore[arg-type]
    if missing:
        raise ConversionError(f"node {node}: the neuron {type(model).__name__} has no {', '.join(sorted(missing))}")
    changed: NeuronModel = replace(model, **values)  # type: ignore[type-var]
    return changed
