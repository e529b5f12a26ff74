"""Input that is drawn inside the compiled network."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from snntoolbox.backends.tensorflow.neurons import State, Tick
from snntoolbox.backends.tensorflow.noise import uniform

__all__ = ["poisson_step"]


def poisson_step(
    drawn: Mapping[str, tf.Tensor], state: State, max_events: int | None, tick: Tick
) -> tuple[tf.Tensor, State]:
    """Return the spikes of a step times their message, as `snntoolbox.codes.PoissonSpikes` defines them.

    Args:
        drawn: ``probability`` and ``message``, float32, shape (batch, *shape).
        state: With a limit, ``sent``: number of spikes of each sample so far, int32, shape (batch,).
        max_events: The limit, or None.
        tick: The step.
    """
    probability, message = drawn["probability"], drawn["message"]
    spikes = uniform(tick.key, tick.sample_ids, tick.number, tuple(probability.shape[1:])) < probability
    if max_events is not None:
        axes = tuple(range(1, spikes.shape.rank))
        spikes &= tf.reshape(state["sent"] < max_events, (-1, *(1,) * len(axes)))
        state = {"sent": state["sent"] + tf.reduce_sum(tf.cast(spikes, tf.int32), axes)}
    return tf.where(spikes, message, tf.zeros((), tf.float32)), state
