"""A segment in some steps at once: an op alone as for a larger batch, fused ones step after step.

Between segments, values that change over time have shape (steps, batch, *shape).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from snntoolbox.backends.tensorflow import windows
from snntoolbox.backends.tensorflow.neurons import Tick, parameter, step
from snntoolbox.backends.tensorflow.plan import Segment
from snntoolbox.backends.tensorflow.pooling import pool_step
from snntoolbox.backends.tensorflow.regular import regular_count, regular_potential
from snntoolbox.backends.tensorflow.schedule import UNROLLED
from snntoolbox.backends.tensorflow.setup import Setup
from snntoolbox.backends.tensorflow.stimuli import poisson_step
from snntoolbox.backends.tensorflow.totals import partial_shape, partial_sums
from snntoolbox.codes.stimulus import INPUT_STREAM
from snntoolbox.ir import Node
from snntoolbox.ir.ops import AveragePool, Input, MaxPool, Spiking, SpikingMaxPool
from snntoolbox.ir.tf_ops import apply_op
from snntoolbox.neurons import NeuronModel
from snntoolbox.neurons.noise import stream_key

__all__ = ["Fixed", "Rows", "States", "Values", "apply_alone", "loop", "no_rows", "row_specs", "run_steps"]

Values = dict[str, tf.Tensor]
"""Node -> value in a step, shape (batch, *shape), or in some steps, shape (steps, batch, *shape)."""
States = dict[str, dict[str, tf.Tensor]]
"""Node -> state variable -> tensor of shape (batch, ...)."""
Rows = dict[str, dict[str, tf.Tensor]]
"""Kind of record, as `RawRecord` names it -> node -> what is recorded in a step or in some steps."""
Fixed = dict[str, Any]
"""What does not change during a run: ``constant`` (values of nodes), ``clipped`` (currents of regular layers),
``poisson`` (numbers of Poisson inputs), ``weights`` (of totals), each by node; and ``sample_ids``. In a step of a
network whose output decides also ``going_on``: 1 for samples that are not decided, else 0."""


def apply_alone(node: Node, values: Values, size: int) -> Values:
    """Compute one op for ``size`` steps at once."""
    (x,) = (values[source] for source in node.inputs)
    y = apply_op(node.op, tf.reshape(x, (-1, *x.shape[2:])))
    return {node.name: tf.reshape(y, (size, -1, *y.shape[1:]))}


def run_steps(
    setup: Setup, segment: Segment, size: int, fixed: Fixed, values: Values, states: States, first: tf.Tensor
) -> tuple[Values, States, Rows]:
    """Compute the nodes of a segment for some steps, one step after the other.

    Args:
        setup: What the network is.
        segment: The nodes.
        size: Number of steps.
        fixed: What does not change over time.
        values: What the segment takes, and frames of inputs that are fed, shape (size, batch, *shape).
        states: States of its nodes.
        first: Number of the first step, counted from 1.

    Returns:
        Values that the segment gives in each step, the states afterwards, and what is recorded in each step; totals
        as partial sums.
    """

    def one(tick: Any, states: States) -> tuple[States, tuple[Values, Rows]]:
        now = _Step(setup, fixed, {name: value[tick] for name, value in values.items()}, states, first + tick)
        for node in segment.nodes:
            now.compute(node)
        return now.states, ({name: now.values[name] for name in segment.gives}, now.rows)

    if size <= UNROLLED or not setup.xla:
        kept = []
        for tick in range(size):
            states, made = one(tick, states)
            kept.append(made)
        given, rows = tf.nest.map_structure(lambda *each: tf.stack(each), *kept)
        return given, states, rows
    shapes = {name: (setup.batch, *setup.plan.body.shapes[name]) for name in segment.gives}
    rows_of_step = row_specs(setup, segment.nodes)
    rows_of_step["totals"] = {
        name: tf.TensorSpec((setup.batch, *partial_shape(setup.plan.body.shapes[name])), setup.dtype)
        for name in rows_of_step["totals"]
    }
    specs = ({name: tf.TensorSpec(s, setup.dtype) for name, s in shapes.items()}, rows_of_step)
    states, (given, rows) = loop(size, states, specs, one)
    return given, states, rows


def loop(
    size: int, states: States, specs: Any, body: Callable[[tf.Tensor, States], tuple[States, Any]]
) -> tuple[States, Any]:
    """Run ``body`` some times, from the states that it returned before.

    Args:
        size: How often.
        states: The first states.
        specs: Shape and dtype of what ``body`` keeps.
        body: (number of the turn from 0, states) -> (states, what is kept).

    Returns:
        The last states, and what was kept, each with a leading axis of ``size``.
    """
    logs = tf.nest.map_structure(lambda spec: tf.TensorArray(spec.dtype, size, element_shape=spec.shape), specs)

    def turn(i: tf.Tensor, states: States, logs: Any) -> tuple[tf.Tensor, States, Any]:
        states, kept = body(i, states)
        return i + 1, states, tf.nest.map_structure(lambda log, value: log.write(i, value), logs, kept)

    _, states, logs = tf.while_loop(
        lambda i, *_: i < size, turn, (tf.constant(0), states, logs), parallel_iterations=1, maximum_iterations=size
    )
    return states, tf.nest.map_structure(lambda log: log.stack(), logs)


def no_rows() -> Rows:
    """Return an empty record of a step."""
    return {"readouts": {}, "spike_trains": {}, "potentials": {}, "totals": {}}


def row_specs(setup: Setup, nodes: Iterable[Node]) -> dict[str, dict[str, tf.TensorSpec]]:
    """Return shape and dtype of what is recorded of ``nodes`` in one step, in the form of `Rows`."""
    wanted, body = setup.wanted, setup.plan.body
    layers = {node.name: (setup.batch, *body.shapes[node.name]) for node in nodes if isinstance(node.op, Spiking)}
    kinds = {
        "readouts": (body.outputs if wanted.curve else (), setup.dtype),
        "spike_trains": (wanted.spikes, "int8"),
        "potentials": (wanted.potentials, setup.dtype),
        "totals": (wanted.totals, setup.dtype),
    }
    return {
        kind: {
            name: tf.TensorSpec(shape[:1] if kind == "totals" else shape, dtype)
            for name, shape in layers.items()
            if name in names
        }
        for kind, (names, dtype) in kinds.items()
    }


class _Step:
    """Values, states and records while the nodes of a segment are computed for one step."""

    def __init__(self, setup: Setup, fixed: Fixed, values: Values, states: States, number: tf.Tensor) -> None:
        self.setup, self.fixed, self.number = setup, fixed, number
        self.values: Values = {**fixed["constant"], **values}
        self.states: States = dict(states)
        self.rows = no_rows()

    def compute(self, node: Node) -> None:
        """Compute one node."""
        inputs = [self.values[source] for source in node.inputs]
        match node.op:
            case Input():
                self._input(node.name)
            case Spiking(model=model):
                self._spiking(node.name, model, *inputs)
            case SpikingMaxPool():
                before, tick = self.states[node.name], self._tick(node.name)
                message, state = pool_step(node.op, before, inputs[0], tick, fused=self.setup.xla)
                self.values[node.name], self.states[node.name] = message, dict(state)
            case AveragePool() if self.setup.xla:
                self.values[node.name] = windows.average_pool(node.op, *inputs)
            case MaxPool() if self.setup.xla:
                self.values[node.name] = windows.max_pool(node.op, *inputs)
            case _:
                self.values[node.name] = apply_op(node.op, *inputs)

    def _input(self, name: str) -> None:
        source = self.setup.sources[name]
        if source.kind == "poisson":
            drawn, tick = self.fixed["poisson"][name], self._tick(INPUT_STREAM)
            frame, state = poisson_step(drawn, self.states.get(name, {}), source.max_events, tick)
            self.values[name] = tf.cast(frame, self.setup.dtype)
            if state:
                self.states[name] = dict(state)

    def _spiking(self, name: str, model: NeuronModel, charge: tf.Tensor) -> None:
        advance = self._regular if name in self.setup.plan.regular else self._irregular
        spikes = advance(name, model, charge)
        wanted, seen = self.setup.wanted, self._seen(model, charge, spikes)
        if name in wanted.spikes:
            self.rows["spike_trains"][name] = tf.cast(seen, tf.int8)
        if name in wanted.totals:
            weighted = seen * self.fixed["weights"][name] if name in wanted.weighted else seen
            self.rows["totals"][name] = partial_sums(weighted)
        if model.emits == "held":
            self.values[name] = tf.sign(self.states[name]["time"])
        elif spikes is not None:
            self.values[name] = _messages(model, spikes)

    def _seen(self, model: NeuronModel, charge: tf.Tensor, spikes: tf.Tensor | None) -> tf.Tensor:
        """Return how many events each neuron sent, as far as they count."""
        return tf.zeros_like(charge) if spikes is None else self._going_on(_events(model, spikes))

    def _going_on(self, x: tf.Tensor) -> tf.Tensor:
        """Return x where the output has not decided before this step, else 0."""
        going_on = self.fixed.get("going_on")
        return x if going_on is None else x * tf.reshape(going_on, (-1, *(1,) * (x.shape.rank - 1)))

    def _regular(self, name: str, model: Any, charge: tf.Tensor) -> tf.Tensor:
        c = self.fixed["clipped"][name]
        count = regular_count(model, c, self.number)
        if name in self.setup.wanted.potentials:
            self.rows["potentials"][name] = regular_potential(model, charge, count, self.number)
        return count - regular_count(model, c, self.number - 1)

    def _irregular(self, name: str, model: NeuronModel, charge: tf.Tensor) -> tf.Tensor | None:
        before = self.states[name]
        spikes, state = step(model, before, charge, self._tick(name))
        after = dict(state)
        if "count" in before:
            after["count"] = before["count"] + self._seen(model, charge, spikes)
        if "net" in before:
            after["net"] = before["net"] + self._going_on(spikes)
        self.states[name] = after
        if name in self.setup.wanted.potentials:
            self.rows["potentials"][name] = after["potential"]
        if self.setup.wanted.curve and name in self.setup.plan.body.outputs:
            potential = model.readout == "potential"
            sent = after.get("net", after.get("count"))
            self.rows["readouts"][name] = after["potential"] if potential else _messages(model, sent)
        return spikes

    def _tick(self, stream: str) -> Tick:
        return Tick(self.number, stream_key(self.setup.seed, stream), self.fixed["sample_ids"])


def _events(model: NeuronModel, spikes: tf.Tensor) -> tf.Tensor:
    """Return how many events a neuron sent, of whatever sign and size."""
    if model.emits == "graded":
        return tf.cast(spikes != 0, spikes.dtype)
    return tf.abs(spikes) if model.emits in ("signed", "held") else spikes


def _messages(model: NeuronModel, spikes: tf.Tensor) -> tf.Tensor:
    """Return spikes times what one of them carries."""
    size = getattr(model, "message_size", 1.0)
    return spikes if np.ndim(size) == 0 and size == 1 else spikes * parameter(size, spikes)
