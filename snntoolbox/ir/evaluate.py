"""Run a graph as the ordinary network it is: batched, in TensorFlow, keeping only what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from snntoolbox.errors import DataError, GraphError
from snntoolbox.ir.graph import Graph
from snntoolbox.ir.ops import Input, Shape, SpikingMaxPool
from snntoolbox.ir.samples import Array, Samples, named_samples

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Evaluator", "evaluate", "max_relative_deviation"]


class Evaluator:
    """The values of some nodes of a graph, for one batch after the other.

    The graph is compiled once, for every batch size. Nodes that no requested value depends on are left out.

    Attributes:
        graph: The graph.
        nodes: Names of the nodes whose values are returned.
    """

    def __init__(self, graph: Graph, nodes: Sequence[str] | None = None, *, dtype: str = "float32") -> None:
        """Compile the graph.

        Args:
            graph: A graph without spiking neurons.
            nodes: Names of nodes; the graph's outputs if not given.
            dtype: Type in which everything is computed, ``float32`` or ``float64``.

        Raises:
            GraphError: The graph holds neurons, or no node of that name.
        """
        _refuse_neurons(graph)
        self.graph = graph
        self.nodes = tuple(graph.outputs if nodes is None else nodes)
        self._dtype = np.dtype(dtype)
        self._function = self._compile()

    def __call__(self, x: Samples) -> dict[str, Array]:
        """Return the value of each node for one batch, shape (batch, *node shape), by name.

        Raises:
            DataError: The samples do not have the shape of the graph's inputs, or an input is missing.
        """
        return self._run(named_samples(_input_shapes(self.graph), x))

    def stream(self, batches: Iterable[Samples]) -> Iterator[dict[str, Array]]:
        """Yield the values for one batch after the other; memory does not grow with their number."""
        for batch in batches:
            yield self(batch)

    def all(self, x: Mapping[str, Array], batch_size: int) -> dict[str, Array]:
        """Return the value of each node for many samples, by name.

        Args:
            x: Input -> samples, shape (num_samples, *input shape).
            batch_size: Samples computed at a time.
        """
        num_samples = len(next(iter(x.values())))
        results = {name: np.empty((num_samples, *self.graph.shapes[name]), self._dtype) for name in self.nodes}

        def compute(start: int) -> None:
            rows = slice(start, start + batch_size)
            for name, value in self._values({key: array[rows] for key, array in x.items()}).items():
                results[name][rows] = memoryview(value)  # numpy() would copy once more

        with ThreadPoolExecutor(2) as threads:  # one copies while the other computes
            list(threads.map(compute, range(0, num_samples, batch_size)))
        return results

    def _run(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {name: value.numpy() for name, value in self._values(arrays).items()}

    def _values(self, arrays: Mapping[str, Array]) -> Any:
        import tensorflow as tf

        return self._function({name: tf.constant(array, self._dtype) for name, array in arrays.items()})

    def _compile(self) -> Any:
        import tensorflow as tf

        from snntoolbox.ir.tf_ops import apply_op

        needed = _ancestors(self.graph, self.nodes)

        def values(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            known, asked = dict(inputs), {}
            for node in self.graph.nodes:
                if node.name in needed and not isinstance(node.op, Input):
                    known[node.name] = apply_op(node.op, *(known[source] for source in node.inputs))
                if node.name in self.nodes:
                    # TensorFlow fuses ops with the rectifier behind them, and trips over those that are also returned.
                    asked[node.name] = known[node.name]
                    known[node.name] = tf.ensure_shape(known[node.name], known[node.name].shape)
            return {name: asked[name] for name in self.nodes}

        signature = {name: tf.TensorSpec((None, *self.graph.shapes[name]), self._dtype) for name in self.graph.inputs}
        # The concrete function, not the function: TensorFlow would warn of the traces of one evaluator after the other.
        return tf.function(values, autograph=False).get_concrete_function(signature)


@overload
def evaluate(
    graph: Graph, x: Samples, *, batch_size: int = ..., nodes: None = ..., dtype: str = ...
) -> Array | dict[str, Array]: ...
@overload
def evaluate(
    graph: Graph, x: Samples, *, batch_size: int = ..., nodes: Sequence[str], dtype: str = ...
) -> dict[str, Array]: ...
def evaluate(
    graph: Graph, x: Samples, *, batch_size: int = 64, nodes: Sequence[str] | None = None, dtype: str = "float32"
) -> Array | dict[str, Array]:
    """Return the outputs of the graph, as an ordinary network, for all samples.

    Args:
        graph: A graph without spiking neurons.
        x: Samples, (num_samples, *input shape), or a mapping from input names to such arrays.
        batch_size: Samples computed at a time; bounds the memory, does not change the values beyond rounding.
        nodes: Names of nodes whose values are wanted instead of the outputs.
        dtype: Type in which everything is computed, ``float32`` or ``float64``.

    Returns:
        Without ``nodes`` and with one output its values, (num_samples, *shape); otherwise a dictionary of such arrays.

    Raises:
        GraphError: The graph holds neurons, or no node of that name.
        DataError: The samples do not have the shape of the graph's inputs, or an input is missing.
    """
    if batch_size < 1:
        raise DataError(f"batch_size: expected a whole number >= 1, got {batch_size}")
    evaluator = Evaluator(graph, nodes, dtype=dtype)
    arrays = named_samples(_input_shapes(graph), x)
    results = evaluator.all(arrays, batch_size)
    return results[graph.outputs[0]] if nodes is None and len(graph.outputs) == 1 else results


def max_relative_deviation(expected: Any, received: Any) -> float:
    """Return the largest |expected - received|, divided by the largest |expected|.

    One scale for a whole output, because values near zero, as of a rectifier, have no relative precision of their own.
    If all expected values are zero, the deviation is the absolute one. A NaN or infinity in only one of the two makes
    it infinite.

    Args:
        expected: Values of the source: an array, or a sequence or mapping of arrays for several outputs.
        received: Values to compare, in the same form; mappings are compared in their order, each output by its scale.

    Raises:
        DataError: Numbers of outputs or shapes differ.
    """
    pairs = _as_list(expected), _as_list(received)
    shapes = tuple([value.shape for value in values] for values in pairs)
    if shapes[0] != shapes[1]:
        raise DataError(f"outputs to compare differ in shape: expected {shapes[0]}, got {shapes[1]}")
    return max((_deviation(a, b) for a, b in zip(*pairs, strict=True)), default=0.0)


def _deviation(expected: Array, received: Array) -> float:
    same = (expected == received) | (np.isnan(expected) & np.isnan(received))
    if same.all():
        return 0.0
    largest = float(np.max(np.abs(expected[~same] - received[~same])))
    scale = float(np.max(np.abs(expected), where=np.isfinite(expected), initial=0.0))
    return largest / (scale or 1.0) if np.isfinite(largest) else float("inf")


def _as_list(values: Any) -> list[Array]:
    if isinstance(values, Mapping):
        values = list(values.values())
    return [np.asarray(v, np.float64) for v in (values if isinstance(values, list | tuple) else [values])]


def _input_shapes(graph: Graph) -> dict[str, Shape]:
    return {name: graph.shapes[name] for name in graph.inputs}


def _refuse_neurons(graph: Graph) -> None:
    stateful = [str(n) for n in graph.nodes if n.name in graph.neurons or isinstance(n.op, SpikingMaxPool)]
    if stateful:
        shown = ", ".join(stateful[:3]) + (f" and {len(stateful) - 3} more" if len(stateful) > 3 else "")
        raise GraphError(f"the graph is a spiking network ({shown}); use `simulate`, or evaluate it before conversion")


def _ancestors(graph: Graph, names: Iterable[str]) -> set[str]:
    """The named nodes and everything they depend on."""
    needed = {graph[name].name for name in names}
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return needed
