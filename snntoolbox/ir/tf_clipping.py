"""A network whose rectifiers are clipped at ceilings that grow by what they clip, in TensorFlow; arrays in and out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from snntoolbox.ir.graph import Graph
from snntoolbox.ir.ops import Input, Op, Relu
from snntoolbox.ir.tf_ops import apply_op

__all__ = ["GrowingCeilings", "apply_over_time"]


class GrowingCeilings:
    """Ceilings of all rectifiers, from 0 on.

    In each round, first to last: ceiling += 2 mean(max(|a| - ceiling, 0)), and the layer passes on min(a, ceiling).
    """

    def __init__(self, graph: Graph, channel_wise: bool) -> None:
        """Compile the network.

        Args:
            graph: A graph without neurons.
            channel_wise: Whether each channel has a ceiling of its own.
        """
        self._graph = graph
        shapes = {
            node.name: graph.shapes[node.name][-1:] if channel_wise else ()
            for node in graph.nodes
            if isinstance(node.op, Relu)
        }
        self._ceilings = {name: tf.zeros(shape, tf.float32) for name, shape in shapes.items()}
        signature = (
            {name: tf.TensorSpec((None, *graph.shapes[name]), tf.float32) for name in graph.inputs},
            {name: tf.TensorSpec(shape, tf.float32) for name, shape in shapes.items()},
        )
        self._step = tf.function(self._round, autograph=False).get_concrete_function(*signature)

    @property
    def ceilings(self) -> dict[str, NDArray[np.float64]]:
        """Name of each rectifier -> ceiling, shape (channels,) or ()."""
        return {name: ceiling.numpy().astype(np.float64) for name, ceiling in self._ceilings.items()}

    def grow(self, samples: Mapping[str, NDArray[Any]]) -> None:
        """Do one round with a batch of samples."""
        inputs = {name: tf.constant(values, tf.float32) for name, values in samples.items()}
        self._ceilings = self._step(inputs, self._ceilings)

    def _round(self, inputs: dict[str, tf.Tensor], ceilings: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        known, after = dict(inputs), {}
        for node in self._graph.nodes:
            if isinstance(node.op, Input):
                continue
            value = apply_op(node.op, *(known[source] for source in node.inputs))
            if node.name in ceilings:
                before = ceilings[node.name]
                axes = tuple(range(value.shape.rank - 1)) if before.shape.rank else None
                after[node.name] = before + 2 * tf.reduce_mean(tf.nn.relu(tf.abs(value) - before), axis=axes)
                value = tf.clip_by_value(value, -after[node.name], after[node.name])
            known[node.name] = value
        return after


def apply_over_time(op: Op, *inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute an op without state for all steps at once; arrays of shape (steps, batch, *shape)."""
    steps, batch = inputs[0].shape[:2]
    value = apply_op(op, *(tf.constant(x.reshape(-1, *x.shape[2:])) for x in inputs)).numpy()
    return np.asarray(value.reshape(steps, batch, *value.shape[1:]), np.float32)
