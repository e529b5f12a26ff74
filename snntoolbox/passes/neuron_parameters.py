"""The neurons of one layer: the code's neuron, with what the layer's rectifier and the options ask for."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from snntoolbox.ir import Node
from snntoolbox.ir.ops import Relu
from snntoolbox.neurons import (
    BurstIntegrateAndFire,
    ExpectantFirstSpike,
    FirstSpike,
    IntegrateAndFire,
    NeuronModel,
    PayloadIntegrateAndFire,
    SignedIntegrateAndFire,
)

__all__ = ["neuron_for", "why_not"]


def why_not(model: NeuronModel, node: Node, clamp_steps: int, *, scaled: bool = False) -> str:
    """Return why neurons of this model cannot stand for a rectifier, and what to do; empty if they can.

    Args:
        model: The code's neuron for a plain rectifier.
        node: The rectifier.
        clamp_steps: Number of first steps in which the potential is to be held.
        scaled: Whether thresholds are to have the scale of the activations.
    """
    kind, known = type(model).__name__, {field.name for field in fields(model)}  # type: ignore[arg-type]
    if not isinstance(node.op, Relu):
        return "expected a rectifier"
    if node.op.leaky and type(model) is IntegrateAndFire:
        reason = _why_not_signed(model)
        if reason:
            return reason
    elif node.op.leaky and "negative_slope" not in known:
        return f"a slope for negative inputs has no counterpart among neurons {kind}. Train the network with a ReLU."
    if node.op.clamps and not isinstance(model, FirstSpike):
        return f"neurons {kind} cannot leave out small activations. Use spike_code = ttfs_clamped for this network."
    if scaled and model.emits == "held":
        return f"the latency of neurons {kind} stands for normalised activations. Put the scales into the weights."
    if node.op.max_value is not None and isinstance(model, PayloadIntegrateAndFire):
        return f"neurons {kind} send all charge, beyond any ceiling. Train the network with a ReLU without max_value."
    if node.op.max_value is not None and "threshold" not in known:
        return f"neurons {kind} have no threshold to keep the ceiling by. Train the network with a ReLU."
    if scaled and "threshold" not in known:
        return f"neurons {kind} have no threshold to scale. Put the scales into the weights."
    if clamp_steps and "clamp_steps" not in known:
        return f"neurons {kind} cannot be clamped. Leave the layer out of the clamp."
    return ""


def neuron_for(model: NeuronModel, op: Relu, clamp_steps: int, scale: Any = 1.0) -> NeuronModel:
    """Return the neurons that stand for one rectifier; for other arguments see `why_not`.

    Args:
        model: As for `why_not`.
        op: The rectifier.
        clamp_steps: As for `why_not`.
        scale: What thresholds and messages are multiplied by, a scalar or one value a channel: the scale of the
            activation if weights are not normalised, else 1.
    """
    if op.leaky:
        model = _signed(model, op.negative_slope)
    if np.any(np.asarray(scale) != 1):
        model = _multiplied(model, scale)
    if isinstance(model, FirstSpike | ExpectantFirstSpike):
        return model.limited(op.threshold if op.clamps else None, op.max_value)
    if op.max_value is not None:
        model = _limit(model, op.max_value)
    return _with(model, clamp_steps=clamp_steps) if clamp_steps else model


def _signed(model: Any, slope: Any) -> NeuronModel:
    """Return the neurons with a second threshold, for negative spikes."""
    if type(model) is not IntegrateAndFire:
        return _with(model, negative_slope=slope)
    return SignedIntegrateAndFire(model.threshold, model.amplitude, slope, model.initial_potential, model.clamp_steps)


def _why_not_signed(model: IntegrateAndFire) -> str:
    """Return which options of the neurons do not go together with negative spikes; empty if none."""
    refused = [
        what
        for what, is_asked in (
            (f"reset '{model.reset}'", model.reset != "subtract"),
            ("leak", model.leak_factor != 1),
            ("refractory period", model.refractory_steps > 0),
        )
        if is_asked
    ]
    if not refused:
        return ""
    return (
        f"a slope for negative inputs becomes negative spikes, which do not go together with {', '.join(refused)}. "
        "Use reset by subtraction without leak and refractory period, or train the network with a ReLU."
    )


def _limit(model: Any, ceiling: Any) -> NeuronModel:
    """Lower the threshold to the rectifier's ceiling where it is higher: the largest rate is the ceiling then.

    Bursts have as many spikes as fit below the ceiling, so that their rate ends there too.
    """
    if isinstance(model, BurstIntegrateAndFire):  # its ceiling is that of a whole burst
        most = int(np.clip(np.floor(np.min(ceiling / model.threshold) + 1e-6), 1, model.max_spikes))
        model = _with(model, max_spikes=most)
        share = np.minimum(model.threshold, ceiling / most) / model.threshold
    else:
        share = np.minimum(model.threshold, ceiling) / model.threshold
    return model if np.all(share == 1) else _multiplied(model, share)


def _multiplied(model: Any, factor: Any) -> NeuronModel:
    """Return the neurons with other units: thresholds, messages and initial potential times a factor."""
    changed = {"threshold": model.threshold * factor}
    for name in ("amplitude", "initial_potential"):
        value = getattr(model, name, None)
        if value is not None:
            changed[name] = value * factor
    return _with(model, **{name: float(value) if np.ndim(value) == 0 else value for name, value in changed.items()})


def _with(model: NeuronModel, **values: Any) -> NeuronModel:
    changed: NeuronModel = replace(model, **values)  # type: ignore[type-var]
    return changed
