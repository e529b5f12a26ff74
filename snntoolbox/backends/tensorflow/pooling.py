"""One time step of max-pooling of input that arrives over time; the equations are in `SpikingMaxPool`."""

from __future__ import annotations

import tensorflow as tf

from snntoolbox.backends.tensorflow.neurons import State, Tick
from snntoolbox.backends.tensorflow.windows import max_pool, pick_winner
from snntoolbox.ir.ops import Shape, SpikingMaxPool
from snntoolbox.ir.tf_windows import constant

__all__ = ["pool_state", "pool_step"]


def pool_state(op: SpikingMaxPool, batch: int, shape: Shape, dtype: str) -> dict[str, tf.Tensor]:
    """Return the state before the first step for an input of ``shape`` (without batch)."""
    state = {"estimate": tf.zeros((batch, *shape), dtype)}
    if op.method == "cumulative":
        state["pooled"] = tf.zeros((batch, *op.infer(shape)), dtype)
    return state


def pool_step(op: SpikingMaxPool, state: State, x: tf.Tensor, tick: Tick) -> tuple[tf.Tensor, State]:
    """Return the message of a step and the state after it.

    Args:
        op: The pooling op.
        state: ``estimate``: the running sum, or the estimate of the rate; ``pooled``: the pooled sum before.
        x: Input of this step, shape (batch, *spatial, channels).
        tick: The step.
    """
    estimate = _estimate(op, state["estimate"], x, tick.number)
    if op.method == "cumulative":
        pooled = max_pool(op, estimate)
        return pooled - state["pooled"], {"estimate": estimate, "pooled": pooled}
    return pick_winner(op, estimate, x), {"estimate": estimate}


def _estimate(op: SpikingMaxPool, before: tf.Tensor, x: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    if op.method == "exp_max":
        return before + (x - before) / constant(op.time_constant, x)
    return before + (x / tf.cast(number, x.dtype) if op.method == "fir_max" else x)
