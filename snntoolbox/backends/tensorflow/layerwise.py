"""Networks whose layers send one after the other, computed layer by layer instead of step by step.

A layer sends only after all that reaches it has been sent, and what lies between neurons is linear or a cumulative
max-pool, whose outputs sum up to the maximum of the sums. So the charge of a neuron at the start of its window is the
value of the ops in front of it for the sums of all messages: each is evaluated once a sample, as in the ANN, and the
spikes of a window follow from the charge. What is asked for over time is computed for the steps in which it changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from snntoolbox.backends.tensorflow.patterns import send
from snntoolbox.backends.tensorflow.setup import Wanted
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Input, MaxPool, Spiking, SpikingMaxPool
from snntoolbox.ir.tf_ops import apply_op
from snntoolbox.neurons import WindowedNeuron

__all__ = ["LayerwiseNetwork", "Rows"]

Rows = dict[str, dict[str, tf.Tensor]]
"""Kind of record, as `RawRecord` names it -> node -> value; what goes over time has a leading axis of steps."""


@dataclass(frozen=True, eq=False)
class LayerwiseNetwork:
    """A graph for a number of steps, and what is recorded.

    Attributes:
        body: The part of a graph that is simulated; its neurons are windowed, or accumulators that are read.
        wanted: What is recorded.
        num_steps: Number of steps.
        xla: Whether windows are compiled by XLA.
    """

    body: Graph
    wanted: Wanted
    num_steps: int
    xla: bool

    @cached_property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """Node -> the inputs and layers of neurons whose messages reach its inputs without other neurons between."""
        found: dict[str, tuple[str, ...]] = {}
        for node in self.body.nodes:
            reached = ((name,) if _is_source(self.body[name]) else found[name] for name in node.inputs)
            found[node.name] = tuple(dict.fromkeys(source for group in reached for source in group))
        return found

    @cached_property
    def traced(self) -> frozenset[str]:
        """Sources whose messages are needed step by step."""
        readouts = self.body.outputs if self.wanted.curve else ()
        sums = [source for name in (*readouts, *self.wanted.potentials) for source in self.sources[name]]
        return frozenset([*sums, *readouts])

    def run(self, frames: Mapping[str, tf.Tensor], weights: Mapping[str, tf.Tensor]) -> Rows:
        """Simulate a batch.

        Args:
            frames: Input -> messages of its first steps, shape (steps, batch, *shape); silent afterwards.
            weights: Layer -> weight of each neuron in totals, where it is not 1.
        """
        run = _Run(self, weights)
        for node in self.body.nodes:
            run.compute(node, frames)
        return run.rows


@dataclass(eq=False)
class _Run:
    network: LayerwiseNetwork
    weights: Mapping[str, tf.Tensor]
    values: dict[str, tf.Tensor] = field(default_factory=dict)
    """Node -> its value for the sums of all messages, shape (batch, *shape)."""
    sums: dict[str, tf.Tensor] = field(default_factory=dict)
    """Traced source -> sum of its messages after each step of its window, shape (steps, batch, *shape)."""
    rows: Rows = field(
        default_factory=lambda: {
            kind: {} for kind in ("spike_counts", "messages", "readouts", "spike_trains", "potentials", "totals")
        }
    )

    def compute(self, node: Node, frames: Mapping[str, tf.Tensor]) -> None:
        match node.op:
            case Input():
                self.values[node.name] = tf.reduce_sum(frames[node.name], 0)
                if node.name in self.network.traced:
                    self.sums[node.name] = tf.cumsum(frames[node.name])
            case Spiking(model=WindowedNeuron() as model):
                self._send(node, model)
            case Spiking():
                self._read(node)
            case _:
                self.values[node.name] = _apply(node, self.values)

    def _send(self, node: Node, model: WindowedNeuron) -> None:
        name, wanted, steps = node.name, self.network.wanted, self.network.num_steps
        charge = self.values[node.inputs[0]]
        window = min(model.window, max(steps - model.start, 0))
        keep = {
            "sums": name in self.network.traced,
            "spike_trains": name in wanted.spikes,
            "potentials": name in wanted.potentials,
            "totals": name in wanted.totals,
        }
        weight = self.weights.get(name)

        def fire(charge: tf.Tensor) -> dict[str, tf.Tensor]:
            return _fire(model, charge, window, {kind for kind, is_wanted in keep.items() if is_wanted}, weight)

        if self.network.xla:
            fire = tf.function(fire, autograph=False, jit_compile=True).get_concrete_function(charge)
        made = fire(charge)
        self.values[name] = self.rows["messages"][name] = made["message"]
        self.rows["spike_counts"][name] = made["count"]
        for kind in ("spike_trains", "totals"):
            if kind in made:
                self.rows[kind][name] = _placed(made[kind], model.start, steps)
        if "sums" in made:
            self.sums[name] = made["sums"]
        if name in wanted.potentials:
            before = self._over_time(node.inputs[0], min(model.start, steps))
            inside = made["potentials"]
            after = tf.repeat(inside[-1:], max(steps - model.start - window, 0), axis=0)
            self.rows["potentials"][name] = tf.concat([before, inside, after], 0)
        if name in self.network.body.outputs:
            total = self.values[name][None]
            over_time = self.network.wanted.curve
            self.rows["readouts"][name] = self._over_time(name, steps) if over_time else total

    def _read(self, node: Node) -> None:
        name, source, steps = node.name, node.inputs[0], self.network.num_steps
        potential = self.values[source]
        nothing = tf.zeros_like(potential)
        self.rows["messages"][name] = self.rows["spike_counts"][name] = nothing
        curve = name in self.network.body.outputs and self.network.wanted.curve
        if curve or name in self.network.wanted.potentials:
            over_time = self._over_time(source, steps)
            if name in self.network.wanted.potentials:
                self.rows["potentials"][name] = over_time
        if name in self.network.body.outputs:
            self.rows["readouts"][name] = over_time if curve else potential[None]
        if name in self.network.wanted.spikes:
            self.rows["spike_trains"][name] = tf.zeros((steps, *potential.shape), tf.int8)
        if name in self.network.wanted.totals:
            self.rows["totals"][name] = tf.zeros((steps, potential.shape[0]), tf.float64)

    def _over_time(self, name: str, num_steps: int) -> tf.Tensor:
        """Return the value of a node for the sums of messages after each step, shape (steps, batch, *shape)."""
        body, shape = self.network.body, (self.values[name].shape[0], *self.network.body.shapes[name])
        if num_steps == 0:
            return tf.zeros((0, *shape), self.values[name].dtype)
        sources = (name,) if _is_source(body[name]) else self.network.sources[name]
        starts = {source: getattr(getattr(body[source].op, "model", None), "start", 0) for source in sources}
        ends = {source: starts[source] + self.sums[source].shape[0] for source in sources}
        changes = {1, *(step for s in sources for step in range(starts[s] + 1, ends[s] + 1))}
        steps = sorted(step for step in changes if step <= num_steps)
        path = _path(body, name, sources)
        found = []
        for step in steps:
            now = {s: self._sum(s, step - starts[s]) for s in sources}
            for node in path:
                now[node.name] = _apply(node, now)
            found.append(now[name])
        return tf.gather(tf.stack(found), np.searchsorted(steps, np.arange(1, num_steps + 1), side="right") - 1)

    def _sum(self, source: str, place: int) -> tf.Tensor:
        sums = self.sums[source]
        return (
            sums[min(place, sums.shape[0]) - 1] if place >= 1 and sums.shape[0] else tf.zeros_like(self.values[source])
        )


def _fire(
    model: WindowedNeuron, charge: tf.Tensor, window: int, kept: set[str], weight: tf.Tensor | None
) -> dict[str, tf.Tensor]:
    """Return counts and sums of messages at the end of a window, and what is kept of each step."""
    message = count = tf.zeros_like(charge)
    steps: dict[str, list[tf.Tensor]] = {kind: [] for kind in kept}
    for place, _ in zip(send(model, charge), range(window), strict=False):
        spikes = tf.abs(place.spikes)
        message, count = message + place.message, count + spikes
        made = {"sums": message, "spike_trains": tf.cast(spikes, tf.int8), "potentials": place.left}
        if "totals" in kept:
            weighted = tf.cast(spikes if weight is None else spikes * weight, tf.float64)
            made["totals"] = tf.reduce_sum(weighted, tuple(range(1, len(weighted.shape))))
        for kind in kept:
            steps[kind].append(made[kind])
    empty = {"spike_trains": tf.int8, "totals": tf.float64}
    stacked = {
        kind: tf.stack(rows)
        if rows
        else tf.zeros((0, *charge.shape[: 1 if kind == "totals" else None]), empty.get(kind, charge.dtype))
        for kind, rows in steps.items()
    }
    return {"message": message, "count": count, **stacked}


def _placed(rows: tf.Tensor, start: int, num_steps: int) -> tf.Tensor:
    """Return what happened in a window among all steps: zeros before and after it."""
    before = min(start, num_steps)
    return tf.pad(rows, [(before, num_steps - before - rows.shape[0]), *[(0, 0)] * (len(rows.shape) - 1)])


def _is_source(node: Node) -> bool:
    return isinstance(node.op, Input | Spiking)


def _path(body: Graph, name: str, sources: tuple[str, ...]) -> list[Node]:
    """Return the nodes between sources and a node, the node included, in order."""
    needed = {name} - set(sources)
    for node in reversed(body.nodes):
        if node.name in needed:
            needed.update(source for source in node.inputs if source not in sources)
    return [node for node in body.nodes if node.name in needed]


def _apply(node: Node, values: Mapping[str, Any]) -> tf.Tensor:
    op = node.op
    if isinstance(op, SpikingMaxPool):
        op = MaxPool(op.pool, op.strides, op.padding)
    return apply_op(op, *(values[name] for name in node.inputs))
