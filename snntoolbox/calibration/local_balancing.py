"""Local threshold balancing: each threshold grows towards what it would clip, by as much as it would clip.

Source: Bu et al. 2025, "Inference-scale complexity in ANN-SNN conversion for high-performance and low-power
applications".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Input, Relu
from snntoolbox.ir.samples import Samples, named_samples

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["balance_locally"]

BATCH = 32
"""Samples of one round."""


def balance_locally(
    graph: Graph, batches: Sequence[Samples], *, rounds: int, channel_wise: bool
) -> dict[str, NDArray[np.float64]]:
    """Return the scale of each rectifier after some rounds.

    From 0, each round of `BATCH` samples raises a threshold by twice the mean of what exceeds it, and passes on
    activations clipped at it, so that later layers adapt to what earlier ones clip. Scales grow with the rounds towards
    the largest activation, hence few rounds suit few time steps.

    Args:
        graph: The graph as it will be normalised.
        batches: Samples, gone through again and again.
        rounds: Number of updates.
        channel_wise: Whether each channel gets a scale of its own.

    Returns:
        Name of each rectifier -> scale, shape (channels,) or (); 0 where nothing was active.

    Raises:
        ConversionError: There are no rounds.
    """
    if rounds < 1:
        raise ConversionError(f"local balancing: expected at least one round, got {rounds}")
    import tensorflow as tf

    shapes = {name: graph.shapes[name] for name in graph.inputs}
    samples = [named_samples(shapes, batch) for batch in batches]
    names = [node.name for node in graph.nodes if isinstance(node.op, Relu)]
    channels = {name: graph.shapes[name][-1:] if channel_wise else () for name in names}
    scales = {name: tf.zeros(shape, tf.float32) for name, shape in channels.items()}
    step = _step(graph, shapes, channels)
    parts = [part for sample in samples for part in _parts(sample)]
    for part in islice(cycle(parts), rounds):
        scales = step({name: tf.constant(values, tf.float32) for name, values in part.items()}, scales)
    return {name: scale.numpy().astype(np.float64) for name, scale in scales.items()}


def _parts(samples: Mapping[str, NDArray[Any]]) -> list[dict[str, NDArray[Any]]]:
    count = len(next(iter(samples.values())))
    return [{name: x[i : i + BATCH] for name, x in samples.items()} for i in range(0, count, BATCH)]


def _step(graph: Graph, shapes: Mapping[str, tuple[int, ...]], channels: Mapping[str, tuple[int, ...]]) -> Any:
    """Return a function (samples, scales) -> scales after one round."""
    import tensorflow as tf

    from snntoolbox.ir.tf_ops import apply_op

    last = max((number for number, node in enumerate(graph.nodes) if node.name in channels), default=-1)

    def step(inputs: dict[str, tf.Tensor], scales: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        known, after = dict(inputs), {}
        for node in graph.nodes[: last + 1]:
            if isinstance(node.op, Input):
                continue
            value = apply_op(node.op, *(known[source] for source in node.inputs))
            if node.name in channels:
                axes = tuple(range(value.shape.rank - 1)) if channels[node.name] else None
                beyond = tf.reduce_mean(tf.nn.relu(tf.abs(value) - scales[node.name]), axis=axes)
                after[node.name] = scales[node.name] + 2 * beyond
                value = tf.clip_by_value(value, -after[node.name], after[node.name])
            known[node.name] = value
        return after

    signature = (
        {name: tf.TensorSpec((None, *shape), tf.float32) for name, shape in shapes.items()},
        {name: tf.TensorSpec(shape, tf.float32) for name, shape in channels.items()},
    )
    return tf.function(step, autograph=False).get_concrete_function(*signature)
