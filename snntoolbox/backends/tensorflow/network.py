"""The compiled network: what is computed once, and the loop over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import tensorflow as tf

from snntoolbox.backends.tensorflow.plan import Segment
from snntoolbox.backends.tensorflow.pooling import pool_state
from snntoolbox.backends.tensorflow.regular import clipped, regular_count, regular_potential
from snntoolbox.backends.tensorflow.schedule import Leg
from snntoolbox.backends.tensorflow.segment import (
    Fixed,
    Rows,
    States,
    Values,
    apply_alone,
    loop,
    no_rows,
    row_specs,
    run_steps,
)
from snntoolbox.backends.tensorflow.setup import Setup, Wanted
from snntoolbox.ir import Node
from snntoolbox.ir.ops import Input, MaxPool, Spiking, SpikingMaxPool
from snntoolbox.ir.tf_ops import apply_op
from snntoolbox.ir.tf_windows import max_pool

__all__ = ["Network"]


class Network:
    """TensorFlow functions of one graph, for one batch size and one way of feeding and recording.

    Attributes:
        setup: What it is specialised for.
        leg: (leg) -> function that simulates its steps:
            (fixed, frames, states, first) -> (fixed, states, rows, spike counts of regular layers).
            In the first leg of a run, ``states`` are those that differ from initial ones.
        regular_states: (fixed, step) -> states of regular layers after a step.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.leg = cache(self._leg)
        self.regular_states = tf.function(self._regular_states, autograph=False)

    def _leg(self, leg: Leg) -> Any:
        def run(fixed: Fixed, frames: Values, states: States, first: tf.Tensor) -> tuple[Fixed, States, Rows, Values]:
            if leg.opens:
                fixed, states = self._prepare(fixed), self._start(states)
            done, parts = leg.num_steps - leg.rest, []
            if leg.chunks:
                states, rows = self._chunks(leg, fixed, frames, states, first)
                parts.append(rows)
            if leg.rest:
                left = {name: frame[done:] for name, frame in frames.items()}
                states, rows = self._chunk(leg.rest)(fixed, left, states, first + done)
                parts.append(rows)
            rows = tf.nest.map_structure(lambda *part: tf.concat(part, 0), *parts)
            return fixed, states, rows, self._regular_counts(fixed, first + (leg.num_steps - 1))

        return tf.function(run, autograph=False)

    def _prepare(self, fixed: Fixed) -> Fixed:
        """Compute what is constant, and keep what is used later."""
        plan, values = self.setup.plan, dict(fixed["constant"])
        for node in plan.body.nodes:
            if node.name in plan.constant and not isinstance(node.op, Input):
                values[node.name] = _constant_value(node, [values[source] for source in node.inputs])
        charges = {name: (_model(plan.body[name]), values[plan.body[name].inputs[0]]) for name in plan.regular}
        used = {source for segment in plan.segments for source in segment.takes}
        return {
            **fixed,
            "constant": {name: value for name, value in values.items() if name in used},
            "clipped": {name: clipped(model, charge) for name, (model, charge) in charges.items()},
        }

    def _start(self, carried: States) -> States:
        """Return the states before the first step; ``carried`` ones replace initial ones."""
        states = {node.name: self._state(node) for segment in self.setup.plan.segments for node in segment.nodes}
        return {name: {**state, **carried.get(name, {})} for name, state in states.items() if state}

    def _state(self, node: Node) -> dict[str, tf.Tensor]:
        batch, plan, op = self.setup.batch, self.setup.plan, node.op
        if isinstance(op, Input):
            limited = self.setup.sources[node.name].max_events is not None
            return {"sent": tf.zeros((batch,), tf.int32)} if limited else {}
        if isinstance(op, SpikingMaxPool):
            return pool_state(op, batch, plan.body.shapes[node.inputs[0]], self.setup.dtype)
        if not isinstance(op, Spiking) or node.name in plan.regular:
            return {}
        shape = plan.body.shapes[node.name]
        one = op.model.init_state((1, *shape), self.setup.dtype)
        state = {name: tf.tile(value, (batch, *(1,) * len(shape))) for name, value in one.items()}
        if op.model.spiking:
            state["count"] = tf.zeros((batch, *shape), self.setup.dtype)
        if op.model.emits != "spikes":
            state["net"] = tf.zeros((batch, *shape), self.setup.dtype)
        return state

    def _regular_counts(self, fixed: Fixed, step: tf.Tensor) -> Values:
        body = self.setup.plan.body
        return {name: regular_count(_model(body[name]), c, step) for name, c in fixed["clipped"].items()}

    def _regular_states(self, fixed: Fixed, step: tf.Tensor) -> States:
        body, states = self.setup.plan.body, {}
        for name, count in self._regular_counts(fixed, step).items():
            charge = fixed["constant"][body[name].inputs[0]]
            states[name] = {"potential": regular_potential(_model(body[name]), charge, count, step)}
        return states

    def _chunks(self, leg: Leg, fixed: Fixed, frames: Values, states: States, first: tf.Tensor) -> tuple[States, Rows]:
        size, chunk = leg.chunk, self._chunk(leg.chunk)
        if leg.chunks == 1:
            return chunk(fixed, {name: frame[:size] for name, frame in frames.items()}, states, first)

        def body(i: tf.Tensor, states: States) -> tuple[States, Rows]:
            now = {name: frame[i * size : (i + 1) * size] for name, frame in frames.items()}
            now = {name: tf.ensure_shape(frame, (size, *frame.shape[1:])) for name, frame in now.items()}
            return chunk(fixed, now, states, first + i * size)

        specs = row_specs(self.setup, self.setup.plan.body.nodes)
        specs = tf.nest.map_structure(lambda spec: tf.TensorSpec((size, *spec.shape), spec.dtype), specs)
        states, rows = loop(leg.chunks, states, specs, body)
        return states, tf.nest.map_structure(lambda row: tf.reshape(row, (-1, *row.shape[2:])), rows)

    def _with_decisions(self, fixed: Fixed, states: States) -> Fixed:
        """Add which samples go on, before a step."""
        decided = [_all_decided(states[name]["decision"]) for name in self.setup.plan.deciding]
        if not decided:
            return fixed
        return {**fixed, "going_on": tf.cast(~tf.reduce_all(tf.stack(decided), 0), self.setup.dtype)}

    def _chunk(self, size: int) -> Callable[[Fixed, Values, States, tf.Tensor], tuple[States, Rows]]:
        """Return a function that simulates ``size`` steps of the whole network."""
        runs = [(segment, _run_steps(setup, segment, size)) for setup, segment in _tasks(self.setup)]

        def chunk(fixed: Fixed, frames: Values, states: States, first: tf.Tensor) -> tuple[States, Rows]:
            values, states, rows = dict(frames), dict(states), no_rows()
            fixed = self._with_decisions(fixed, states)
            for segment, run in runs:
                if segment.alone:
                    values |= apply_alone(segment.nodes[0], values, size)
                    continue
                own = [node.name for node in segment.nodes]
                takes = {name: values[name] for name in (*segment.takes, *own) if name in values}
                mine = {name: states[name] for name in own if name in states}
                given, after, recorded = run(_share(fixed, segment), takes, mine, first)
                values |= given
                states |= after
                for kind, entries in recorded.items():
                    rows[kind] |= entries
            rows["totals"] = {
                n: tf.reduce_sum(part, tuple(range(2, part.shape.rank))) for n, part in rows["totals"].items()
            }
            return states, rows

        return chunk


def _tasks(setup: Setup) -> list[tuple[Setup, Segment]]:
    """Return the segments of a step, each with what it records.

    Totals of regular layers are segments of their own: XLA would store spikes that two others read, and that takes
    longer than to compute them twice.
    """
    plan, wanted = setup.plan, setup.wanted
    apart = wanted.totals & plan.regular if setup.xla else frozenset()
    main = replace(setup, wanted=replace(wanted, totals=wanted.totals - apart))
    totals = replace(setup, wanted=Wanted(totals=apart, weighted=wanted.weighted))
    layers = [plan.body[name] for name in sorted(apart)]
    return [(main, s) for s in plan.segments] + [(totals, Segment((n,), n.inputs, ())) for n in layers]


def _run_steps(setup: Setup, segment: Segment, size: int) -> Any:
    def run(fixed: Fixed, values: Values, states: States, first: tf.Tensor) -> tuple[Values, States, Rows]:
        return run_steps(setup, segment, size, fixed, values, states, first)

    return tf.function(run, autograph=False, jit_compile=True) if setup.xla else run


def _all_decided(decision: tf.Tensor) -> tf.Tensor:
    """Return for each sample whether all of its decisions have been made."""
    return tf.reduce_all(tf.reshape(decision > 0, (decision.shape[0], -1)), 1)


def _share(fixed: Fixed, segment: Segment) -> Fixed:
    """Return the part of what does not change that a segment needs."""
    nodes = {node.name for node in segment.nodes}
    share: Fixed = {name: fixed[name] for name in ("sample_ids", "going_on") if name in fixed}
    share["constant"] = {name: value for name, value in fixed["constant"].items() if name in segment.takes}
    for kind in ("clipped", "poisson", "weights"):
        share[kind] = {name: value for name, value in fixed[kind].items() if name in nodes}
    return share


def _constant_value(node: Node, inputs: list[tf.Tensor]) -> tf.Tensor:
    """Return the value of a node whose inputs do not change."""
    if isinstance(node.op, SpikingMaxPool):
        # Estimates of the rate are in proportion to a constant input, so the winner is its maximum.
        return max_pool(MaxPool(node.op.pool, node.op.strides, node.op.padding), *inputs)
    return apply_op(node.op, *inputs)


def _model(node: Node) -> Any:
    return node.op.model  # type: ignore[attr-defined]
