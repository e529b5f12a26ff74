"""A spiking network simulated layer by layer for all time steps, so that a layer can be corrected before the next one.

The network has no loops: what a layer sends in all steps depends only on what the layers before it sent. The linear ops
between neurons are computed for all steps at once, as if time were a part of the batch; neurons take their defining
NumPy step. Memory: the messages of layers that are still needed, ``4 * num_steps`` bytes for each neuron and sample.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.codes import Stimulus
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.evaluate import Evaluator
from snntoolbox.neurons import Clock, IntegrateAndFire, NeuronModel
from snntoolbox.neurons.noise import stream_key

__all__ = ["Arrange", "Layer", "Visit", "walk_layers"]

Array = NDArray[Any]
_ROWS = 512
"""Samples times steps for which linear ops are computed at a time."""
_BLOCK = 2**16
"""Neurons times samples that are taken through all steps at a time: what fits into a core's cache."""


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of neurons and what arrives at it.

    Attributes:
        name: Name of the layer.
        model: The neurons.
        currents: Input charge in each step, shape (steps, batch, *shape); one step stands for all if it is constant.
        num_steps: Number of steps.
        key: Noise key of the layer.
        sample_ids: Index of each sample, shape (batch,).
    """

    name: str
    model: NeuronModel
    currents: Array
    num_steps: int
    key: int
    sample_ids: NDArray[np.integer[Any]]

    def of(self, samples: NDArray[np.integer[Any]]) -> Layer:
        """Return the layer for some of the samples, by their numbers in the batch."""
        return replace(self, currents=self.currents[:, samples], sample_ids=self.sample_ids[samples])

    def fire(self, model: NeuronModel | None = None, shift: Array | float = 0.0) -> Array:
        """Return the message of each step, shape (steps, batch, *shape), float32.

        Args:
            model: Neurons to take instead of the layer's own.
            shift: Charge that is added in each step; broadcasts against the shape of the layer.
        """
        messages = np.zeros((self.num_steps, *self.currents.shape[1:]), np.float32)

        def keep(rows: slice, step: int, message: Array) -> None:
            messages[step - 1, rows] = message

        self._run(model, shift, keep)
        return messages

    def rates(self, model: NeuronModel | None = None, shift: Array | float = 0.0) -> Array:
        """Return the mean message of the steps in which the neurons are free, shape (batch, *shape), float32.

        That is what stands for the activation. It takes less memory and time than to `fire`.

        Args:
            model: Neurons to take instead of the layer's own.
            shift: Charge that is added in each step; broadcasts against the shape of the layer.
        """
        sums = np.zeros(self.currents.shape[1:], np.float32)

        def add(rows: slice, _: int, message: Array) -> None:
            sums[rows] += message

        self._run(model, shift, add)
        return sums / np.float32(self.num_steps - self.clamped(model))

    def clamped(self, model: NeuronModel | None = None) -> int:
        """Return the number of first steps in which neurons are held, so that nothing is sent; at most all but one."""
        model = self.model if model is None else model
        return min(int(getattr(model, "clamp_steps", 0)), self.num_steps - 1)

    def _run(self, model: NeuronModel | None, shift: Array | float, take: Callable[[slice, int, Array], None]) -> None:
        """Hand over what some samples send in each step: samples, step, messages. Each core takes other samples."""
        model = self.model if model is None else model
        simple = type(model) is IntegrateAndFire and model.reset == "subtract" and model.leak_factor == 1
        run: Any = _simple_steps if simple and not getattr(model, "refractory_steps", 0) else _steps
        shift, batch, shape = np.asarray(shift, np.float32), self.currents.shape[1], self.currents.shape[2:]
        some = max(_BLOCK // max(int(np.prod(shape)), 1), 1)

        def block(first: int) -> None:
            rows = slice(first, first + some)
            currents, ids = self.currents[:, rows], self.sample_ids[rows]
            charges = (currents[min(step, len(currents) - 1)] for step in range(self.num_steps))
            shifted = (charge + shift for charge in charges) if shift.any() else charges
            for number, message in enumerate(run(model, shifted, self.key, ids, (len(ids), *shape))):
                take(rows, number + 1, message)

        with ThreadPoolExecutor(os.cpu_count()) as cores:  # NumPy lets go of the interpreter while it computes
            list(cores.map(block, range(0, batch, some)))


def _steps(model: Any, currents: Iterable[Array], key: int, ids: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """Yield the messages of each step, as the neurons define them."""
    state = model.init_state(shape, np.float32)
    for number, current in enumerate(currents):
        emission, state = model.step(state, current, Clock(number + 1, key, ids))
        yield emission.message


def _simple_steps(
    model: IntegrateAndFire, currents: Iterable[Array], key: int, ids: Array, shape: tuple[int, ...]
) -> Iterator[Array]:
    """Yield the same for neurons without leak, refractory period and other resets, in place: several times faster.

    What is yielded is overwritten in the next step.
    """
    potential = model.init_state(shape, np.float32)["potential"]
    threshold = np.ascontiguousarray(np.broadcast_to(np.asarray(model.threshold, np.float32), shape[1:]))
    size = threshold if model.amplitude is None else np.asarray(np.broadcast_to(model.amplitude, shape[1:]), np.float32)
    spikes, message = np.zeros(shape, bool), np.zeros(shape, np.float32)
    for number, current in enumerate(currents):
        if number >= model.clamp_steps:
            np.add(potential, current, out=potential)
            np.greater_equal(potential, threshold, out=spikes)
            np.multiply(spikes, threshold, out=message)
            np.subtract(potential, message, out=potential)
            if size is not threshold:
                np.multiply(spikes, size, out=message)
        yield message


Visit = Callable[[Layer], Array | None]
"""Called with each layer in order; returns the messages that go on, or None where nothing comes after it."""


Arrange = Callable[[str, Graph, Mapping[str, Array]], Graph]
"""Called before each layer with its name, the linear ops in front of it as a graph, and the messages that enter them
(entrance -> shape (steps or 1, batch, *shape)); returns the ops that are to be computed, with the same names."""


def walk_layers(
    graph: Graph,
    stimuli: Mapping[str, Stimulus],
    num_steps: int,
    visit: Visit,
    *,
    arrange: Arrange | None = None,
    seed: int = 0,
) -> None:
    """Simulate a spiking network layer by layer.

    Args:
        graph: The spiking network.
        stimuli: Input node -> its input.
        num_steps: Number of steps.
        visit: Called with each layer of neurons; what it returns is what the layer sends.
        arrange: Called before with the linear ops in front of the layer, if there are any, to change them.
        seed: Seed of stochastic input and neurons.

    Raises:
        ConversionError: Max-pooling estimates rates, which needs the steps in order.
    """
    trains: dict[str, Array] = {}
    ids = np.asarray(next(iter(stimuli.values())).sample_ids)
    ends = {node.name: _last_use(graph, node) for node in graph.nodes if _is_source(node)}
    for number, node in enumerate(graph.nodes):
        if isinstance(node.op, ops.Input):
            trains[node.name] = _frames(stimuli[node.name], num_steps, seed)
        elif isinstance(node.op, ops.Spiking):
            currents = _currents(graph, node.inputs[0], trains, arrange and partial(arrange, node.name))
            sent = visit(Layer(node.name, node.op.model, currents, num_steps, stream_key(seed, node.name), ids))
            if sent is not None:
                trains[node.name] = sent
        elif isinstance(node.op, ops.SpikingMaxPool):
            trains[node.name] = _pooled(graph, node, node.op, trains)
        for name in [one for one in trains if ends[one] <= number]:
            del trains[name]


def _is_source(node: Node) -> bool:
    return isinstance(node.op, ops.Input | ops.Spiking | ops.SpikingMaxPool)


def _last_use(graph: Graph, node: Node) -> int:
    """Return the position of the last layer or pool that a node's messages reach through linear ops."""
    reached, last = {node.name}, -1
    for number, other in enumerate(graph.nodes):
        if reached.intersection(other.inputs):
            if _is_source(other):
                last = number
            else:
                reached.add(other.name)
    return last


def _frames(stimulus: Stimulus, num_steps: int, seed: int) -> Array:
    steps = 1 if stimulus.constant else num_steps
    return np.stack([np.asarray(frame, np.float32) for frame in stimulus.frames(steps, seed)])


def _currents(
    graph: Graph,
    name: str,
    trains: Mapping[str, Array],
    arrange: Callable[[Graph, Mapping[str, Array]], Graph] | None = None,
) -> Array:
    """Return the value of a node that depends on messages through linear ops, shape (steps or 1, batch, *shape)."""
    if name in trains:
        return trains[name]
    part = _linear_part(graph, name)
    sources = {source: trains[source] for source in part.inputs}
    part = part if arrange is None else arrange(part, sources)
    steps, batch = max(len(one) for one in sources.values()), len(next(iter(sources.values()))[0])
    flat = {
        source: np.broadcast_to(one, (steps, *one.shape[1:])).reshape(-1, *one.shape[2:])
        for source, one in sources.items()
    }
    return Evaluator(part, (name,)).all(flat, _ROWS)[name].reshape(steps, batch, *graph.shapes[name])


def _linear_part(graph: Graph, name: str) -> Graph:
    """Return the ops between the nearest layers, pools and entrances and a node; these are the part's inputs."""
    needed, nodes = {name}, []
    for node in reversed(graph.nodes):
        if node.name in needed:
            source = _is_source(node)
            nodes.append(Node(node.name, ops.Input(graph.shapes[node.name])) if source else node)
            needed.update(() if source else node.inputs)
    return Graph(tuple(reversed(nodes)), (name,))


def _pooled(graph: Graph, node: Node, op: ops.SpikingMaxPool, trains: Mapping[str, Array]) -> Array:
    """Return what max-pooling of the sums up to each step adds in that step."""
    currents = _currents(graph, node.inputs[0], trains)
    if len(currents) > 1 and op.method != "cumulative":
        raise ConversionError(
            f"node {node}: layers can be calibrated one by one only with maxpool_type = cumulative, got {op.method}"
        )
    pool = ops.MaxPool(op.pool, op.strides, op.padding)
    part = Graph((Node("x", ops.Input(currents.shape[2:])), Node("y", pool, ("x",))), ("y",))
    sums = np.cumsum(currents, axis=0)
    flat = sums.reshape(-1, *sums.shape[2:])
    pooled = Evaluator(part).all({"x": flat}, _ROWS)["y"].reshape(*sums.shape[:2], *graph.shapes[node.name])
    return np.diff(pooled, axis=0, prepend=np.zeros_like(pooled[:1]))
