"""One time step of every neuron model in TensorFlow, for a whole batch.

The equations are those of `snntoolbox.neurons`; what a model does not use (leak, refractory period, clamp) leaves no
trace in the compiled graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import singledispatch
from typing import Any

import numpy as np
import tensorflow as tf

from snntoolbox.backends.tensorflow.noise import uniform
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir.tf_windows import constant
from snntoolbox.neurons import (
    Accumulator,
    BinaryNeuron,
    BurstIntegrateAndFire,
    ExpectantFirstSpike,
    ExpectantReadout,
    FirstSpike,
    FirstSpikeReadout,
    GradedIntegrateAndFire,
    IntegrateAndFire,
    NeuronModel,
    PayloadIntegrateAndFire,
    RelaxingIntegrateAndFire,
    SignedIntegrateAndFire,
    SoftmaxNeuron,
)

__all__ = ["State", "Tick", "parameter", "step"]

State = Mapping[str, tf.Tensor]
"""State variables as `NeuronModel.init_state` names them, each of shape (batch, *shape)."""


@dataclass(frozen=True, eq=False)
class Tick:
    """A time step, and what is needed to draw noise in it.

    Attributes:
        number: Number of the step, counted from 1; an int32 tensor.
        key: Noise key of the layer.
        sample_ids: Index of each sample in the data set, uint32, shape (batch,).
    """

    number: tf.Tensor
    key: int
    sample_ids: tf.Tensor


@singledispatch
def step(model: NeuronModel, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    """Advance a layer of neurons by one step.

    Args:
        model: The neuron model.
        state: Before the step.
        charge: Input of this step, shape (batch, *shape).
        tick: The step.

    Returns:
        The message of each neuron in units of the model's ``message_size`` (1 for a spike, -1 for a negative one), or
        None if the model never fires; and the state after the step.

    Raises:
        UnsupportedError: The model is not defined here.
    """
    raise UnsupportedError(f"neuron model {type(model).__name__} is not defined in TensorFlow")


@step.register
def _(model: Accumulator, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    return None, {"potential": state["potential"] + charge}


@step.register
def _(model: IntegrateAndFire, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    u, ready = state["potential"], None
    if model.leak_factor != 1:
        u = u * model.leak_factor
    if model.refractory_steps:
        ready = state["refractory"] == 0
        charge = tf.where(ready, charge, tf.zeros((), charge.dtype))
    u = u + charge
    if model.clamp_steps:
        free = tick.number > model.clamp_steps
        u = tf.where(free, u, parameter(model.initial_potential, u))
        ready = free if ready is None else ready & free
    fires = u >= parameter(model.threshold, u)
    if ready is not None:
        fires &= ready
    spikes = tf.cast(fires, u.dtype)
    after = {"potential": _after_spike(model, u, fires, spikes)}
    if model.refractory_steps:
        left = tf.maximum(state["refractory"] - 1, 0)
        after["refractory"] = tf.where(fires, tf.cast(model.refractory_steps, u.dtype), left)
    return spikes, after


@step.register
def _(model: RelaxingIntegrateAndFire, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    left = 1 - tf.cast(tick.number, charge.dtype) / constant(np.float32(model.relaxation_steps), charge)
    plain = IntegrateAndFire(**{field.name: getattr(model, field.name) for field in fields(IntegrateAndFire)})
    return step(plain, state, charge - parameter(model.bias, charge) * tf.maximum(left, 0), tick)


def _after_spike(model: IntegrateAndFire, u: tf.Tensor, fires: tf.Tensor, spikes: tf.Tensor) -> tf.Tensor:
    if model.reset == "subtract":
        return u - parameter(model.threshold, u) * spikes
    if model.reset == "zero":
        return u * (1 - spikes)
    return tf.where(fires, tf.math.floormod(u, parameter(model.threshold, u)), u)


@step.register
def _(model: SignedIntegrateAndFire, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    total, u = _integrate(model, state, charge)
    threshold = parameter(model.threshold, u)
    signs = tf.cast(u >= threshold, u.dtype) - tf.cast(u < parameter(model.lower_threshold, u), u.dtype)
    return _clamped(model, tick, signs, {"potential": u - threshold * signs, "charge": total})


@step.register
def _(model: BurstIntegrateAndFire, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    u = state["potential"] + charge
    spikes = tf.clip_by_value(_floor_divide(u, model.threshold), 0, model.max_spikes)
    return _clamped(model, tick, spikes, {"potential": u - parameter(model.threshold, u) * spikes})


@step.register
def _(model: GradedIntegrateAndFire, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    total, u = _integrate(model, state, charge)
    if model.spacing == "uniform":
        k = tf.clip_by_value(_floor_divide(u, model.unit), -model.levels, model.levels)
    else:
        k = tf.zeros_like(u)
        for up, down, grown in model.bounds:
            high, low = parameter(np.multiply(model.unit, up), u), parameter(np.multiply(model.unit, down), u)
            k += grown * (tf.cast(u >= high, u.dtype) - tf.cast(u < low, u.dtype))
    return _clamped(model, tick, k, {"potential": u - parameter(model.unit, u) * k, "charge": total})


def _integrate(model: Any, state: State, charge: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the running sum S and the potential u before reset of a neuron that rectifies the sum."""
    total = state["charge"] + charge
    if not np.any(model.negative_slope):
        return total, state["potential"] + (tf.nn.relu(total) - tf.nn.relu(state["charge"]))
    slope = parameter(model.negative_slope, charge)
    return total, state["potential"] + (_rectify(total, slope) - _rectify(state["charge"], slope))


@step.register
def _(model: FirstSpike, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    u, time = state["potential"] + charge, state["time"]
    threshold = parameter(model.threshold, u)
    signs = tf.cast(u >= threshold, u.dtype)
    if model.signed:
        signs -= tf.cast(u <= -threshold, u.dtype)
    spikes = tf.where(_may_fire(model, tick, time), signs, tf.zeros((), u.dtype))
    return spikes, {"potential": u, "time": time + spikes * tf.cast(tick.number, u.dtype)}


def _may_fire(model: FirstSpike | ExpectantFirstSpike, tick: Tick, time: tf.Tensor) -> tf.Tensor:
    """Return where nothing was sent before, within the first and the last step."""
    number, ready = tf.cast(tick.number, time.dtype), time == 0
    if np.any(model.first_step):
        ready &= number >= parameter(model.first_step, time)
    if isinstance(model, FirstSpike) and np.any(np.isfinite(model.last_step)):
        ready &= number <= parameter(model.last_step, time)
    return ready


@step.register
def _(model: FirstSpikeReadout, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    is_open = state["decision"] == 0
    u = state["potential"] + tf.where(is_open, charge, tf.zeros((), charge.dtype))
    spikes = tf.cast((u >= parameter(model.threshold, u)) & is_open, u.dtype)
    return spikes, {"potential": u, "decision": _decision(state, spikes, tick)}


def _decision(state: State, spikes: tf.Tensor, tick: Tick) -> tf.Tensor:
    decided = tf.reduce_max(spikes, axis=-1, keepdims=True)
    return state["decision"] + decided * tf.cast(tick.number, spikes.dtype)


@step.register
def _(model: ExpectantFirstSpike, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    slope, u, v = _wait(model, state, charge)
    time, announced = tf.split(state["time"], 2, -1)
    signs = tf.cast(v >= parameter(model.threshold, v), v.dtype)
    if model.signed:
        signs *= tf.sign(u)
    spikes = tf.where(_may_fire(model, tick, time), signs, tf.zeros((), v.dtype))
    time += spikes * tf.cast(tick.number, v.dtype)
    expected = (tf.abs(slope) if model.signed else slope) > model.least_slope
    announces = tf.cast(expected | (time != 0), v.dtype)
    changes = tf.where(spikes == 0, tf.abs(announces - announced), tf.zeros((), v.dtype))
    return _join(spikes, changes), {
        "charge": _join(u, tf.zeros_like(u)),
        "potential": _join(v, tf.zeros_like(v)),
        "time": _join(time, announces),
    }


@step.register
def _(model: ExpectantReadout, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    is_open = state["decision"] == 0
    _, u, v = _wait(model, state, charge)
    spikes = _join(tf.cast((v >= parameter(model.threshold, v)) & is_open, v.dtype), tf.zeros_like(v))
    return spikes, {
        "charge": tf.where(is_open, _join(u, tf.zeros_like(u)), state["charge"]),
        "potential": tf.where(is_open, _join(v, tf.zeros_like(v)), state["potential"]),
        "decision": _decision(state, spikes, tick),
    }


def _wait(
    model: ExpectantFirstSpike | ExpectantReadout, state: State, charge: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the slope, the charge, and the potential less what missing input raises the threshold by."""
    slope, missing = tf.split(charge, 2, -1)
    u = tf.split(state["charge"], 2, -1)[0] + slope
    size = tf.abs(u) if isinstance(model, ExpectantFirstSpike) and model.signed else u
    raised = model.raised_by if isinstance(model, ExpectantReadout) else model.patience * model.threshold
    return slope, u, size - raised * missing


def _join(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    return tf.concat([first, second], -1)


def _rectify(x: tf.Tensor, slope: tf.Tensor) -> tf.Tensor:
    return tf.maximum(x, 0) + slope * tf.minimum(x, 0)


def _floor_divide(u: tf.Tensor, unit: Any) -> tf.Tensor:
    if np.ndim(unit) == 0 and np.log2(float(unit)).is_integer():
        return tf.floor(u * (1 / float(unit)))
    # As a constant beside the graph: XLA replaces a division by a known number by a product that is not exact.
    return tf.floor(u / constant(unit, u))


def _clamped(model: Any, tick: Tick, sent: tf.Tensor, after: dict[str, tf.Tensor]) -> tuple[tf.Tensor, State]:
    """Return what is sent and the states, or nothing and initial states while neurons are clamped."""
    if not model.clamp_steps:
        return sent, after
    free, zero = tick.number > model.clamp_steps, tf.zeros((), sent.dtype)
    start = {"potential": parameter(model.initial_potential, sent), "charge": zero}
    return tf.where(free, sent, zero), {name: tf.where(free, value, start[name]) for name, value in after.items()}


@step.register
def _(model: BinaryNeuron, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    total = state["potential"] + charge
    return tf.sign(total) if model.signed else tf.cast(total > 0, total.dtype), {"potential": total}


@step.register
def _(model: PayloadIntegrateAndFire, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    u, unsent = state["potential"] + charge, state["unsent"] + charge
    threshold = parameter(model.threshold, u)
    crossed = u >= threshold
    zero = tf.zeros((), u.dtype)
    message = tf.where(crossed, unsent, zero)
    return message, {"potential": tf.where(crossed, u - threshold, u), "unsent": tf.where(crossed, zero, unsent)}


@step.register
def _(model: SoftmaxNeuron, state: State, charge: tf.Tensor, tick: Tick) -> tuple[tf.Tensor | None, State]:
    potential = state["potential"] + charge
    draw = _draw_clock if model.trigger == "clock" else _draw_poisson
    spikes = draw(model, tf.nn.softmax(potential), tick)
    return tf.cast(spikes, charge.dtype), {"potential": potential}


def _draw_poisson(model: SoftmaxNeuron, probability: tf.Tensor, tick: Tick) -> tf.Tensor:
    noise = uniform(tick.key, tick.sample_ids, tick.number, tuple(probability.shape[1:]))
    return tf.cast(noise, probability.dtype) < probability


def _draw_clock(model: SoftmaxNeuron, probability: tf.Tensor, tick: Tick) -> tf.Tensor:
    # One number decides both: below the rate the generator fires, and what it is below the rate picks the class.
    noise = uniform(tick.key, tick.sample_ids, tick.number, ()) / constant(np.float32(model.rate), tf.zeros(()))
    noise = tf.cast(tf.reshape(noise, (-1, *(1,) * (probability.shape.rank - 1))), probability.dtype)
    inner = tf.cumsum(probability, axis=-1)[..., :-1]
    zero = tf.zeros_like(probability[..., :1])
    return (noise >= tf.concat([zero, inner], -1)) & (noise < tf.concat([inner, zero + 1], -1))


def parameter(value: Any, like: tf.Tensor) -> tf.Tensor:
    """Return a number as part of the compiled graph, and an array as a constant beside it, in the dtype of ``like``."""
    return tf.constant(value, like.dtype) if np.ndim(value) == 0 else constant(value, like)
