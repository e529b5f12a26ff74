"""One time step of max-pooling of input that arrives over time; the equations are in `SpikingMaxPool`."""

from __future__ import annotations

import tensorflow as tf

from snntoolbox.backends.tensorflow import windows
from snntoolbox.backends.tensorflow.neurons import State, Tick
from snntoolbox.ir import tf_windows
from snntoolbox.ir.ops import MaxPool, Shape, SpikingMaxPool

__all__ = ["pool_state", "pool_step"]


def pool_state(op: SpikingMaxPool, batch: int, shape: Shape, dtype: str) -> dict[str, tf.Tensor]:
    """Return the state before the first step for an input of ``shape`` (without batch)."""
    state = {"estimate": tf.zeros((batch, *shape), dtype)}
    if op.method == "cumulative":
        state["pooled"] = tf.zeros((batch, *op.infer(shape)), dtype)
    return state


def pool_step(op: SpikingMaxPool, state: State, x: tf.Tensor, tick: Tick, *, fused: bool) -> tuple[tf.Tensor, State]:
    """Return the message of a step and the state after it.

    Args:
        op: The pooling op.
        state: ``estimate``: the running sum, or the estimate of the rate; ``pooled``: the pooled sum before.
        x: Input of this step, shape (batch, *spatial, channels).
        tick: The step.
        fused: Whether XLA compiles the step, which does best with slices.
    """
    estimate = _estimate(op, state["estimate"], x, tick.number)
    if op.method == "cumulative":
        plain = MaxPool(op.pool, op.strides, op.padding)
        pooled = windows.max_pool(op, estimate) if fused else tf_windows.max_pool(plain, estimate)
        return pooled - state["pooled"], {"estimate": estimate, "pooled": pooled}
    return windows.pick_winner(op, estimate, x), {"estimate": estimate}


def _estimate(op: SpikingMaxPool, before: tf.Tensor, x: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    if op.method == "exp_max":
        return before + (x - before) / tf_windows.constant(op.time_constant, x)
    return before + (x / tf.cast(number, x.dtype) if op.method == "fir_max" else x)
