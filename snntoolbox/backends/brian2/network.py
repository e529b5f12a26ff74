"""Graph -> Brian2 network for a whole batch: a population for each node that sends messages, and their synapses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import brian2 as b2
import numpy as np

from snntoolbox.backends.brian2.populations import SLOT, SYNAPSES, UPDATE, Population, make_population
from snntoolbox.backends.connections import Synapses, constant_current, is_population
from snntoolbox.backends.events import spread
from snntoolbox.backends.record import Array
from snntoolbox.backends.reference.pooling import MaxPoolState
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking, SpikingMaxPool
from snntoolbox.neurons import IntegrateAndFire, SignedIntegrateAndFire

__all__ = ["BatchNetwork", "State"]

State = Mapping[str, Mapping[str, Array]]
"""Population -> variable -> its value in each neuron."""


class BatchNetwork:
    """A graph for a number of samples side by side: sample b has the neurons from b * N to (b + 1) * N of each layer.

    Attributes:
        batch: Number of samples.
        constant: Inputs that are constant currents and so have no population.
        populations: Name of the node -> population, in the order of the graph.
        network: The Brian2 network.
    """

    def __init__(
        self,
        graph: Graph,
        batch: int,
        dt_ms: float,
        connections: Mapping[str, Sequence[Synapses]],
        constant: frozenset[str],
        prefix: str,
    ) -> None:
        self._graph, self.batch, self.constant = graph, batch, constant
        self._clock = b2.Clock(dt=dt_ms * b2.ms, name=f"{prefix}_clock")
        nodes = [node for node in graph.nodes if is_population(node) and node.name not in constant]
        self.populations: dict[str, Population] = {}
        synapses = []
        for number, node in enumerate(nodes):
            name = f"{prefix}_population_{number}"
            self.populations[node.name] = make_population(graph, node, batch, number, self._clock, name)
            if node.inputs:
                synapses += [
                    self._synapses(one, f"{prefix}_synapses_{number}_{place}")
                    for place, one in enumerate(connections[node.name])
                ]
        groups = [(population.group, population.arrival) for population in self.populations.values()]
        parts = [group for pair in groups for group in pair if group is not None]
        self.network = b2.Network(*parts, *(s for s in synapses if s is not None), name=f"{prefix}_network")

    @property
    def clock(self) -> Any:
        """The clock of all populations."""
        return self._clock

    def _synapses(self, synapses: Synapses, name: str) -> Any:
        """Return the synapses in Brian2; None if all weights are 0."""
        if not len(synapses):
            return None
        graph, source, target = self._graph, self.populations[synapses.source], self.populations[synapses.target]
        weight = synapses.weight
        op = graph[synapses.source].op
        if isinstance(op, Spiking) and isinstance(op.model, IntegrateAndFire | SignedIntegrateAndFire):
            weight = weight * spread(op.model.message_size, graph.shapes[synapses.source])[synapses.pre]
        order = np.argsort(synapses.pre, kind="stable")  # What a spike reaches lies together in memory: twice as fast.
        by_source = replace(synapses, pre=synapses.pre[order], post=synapses.post[order], weight=weight[order])
        many = by_source.repeat(self.batch, graph.size(synapses.source), prod(graph.input_shapes(synapses.target)[0]))
        made = b2.Synapses(
            source.group,
            target.receiver,
            "w : 1 (constant)",
            on_pre="z_post += w * x_pre" if source.graded else "z_post += w",
            clock=self._clock,
            name=name,
        )
        made.pre.when, made.pre.order = SLOT, source.order + SYNAPSES
        made.connect(i=many.pre, j=many.post)
        made.w = many.weight
        return made

    def start(self, state: State, fresh: frozenset[str]) -> None:
        """Put populations into a state that `state` returned; those in ``fresh`` and those missing into their first."""
        for name, population in self.populations.items():
            kept = {} if name in fresh else state.get(name, {})
            for variable, values in population.parameters.items():
                values = kept.get(variable, values)
                setattr(population.group, variable, values if len(values) > 1 else values[0])

    def state(self) -> State:
        """Return what neurons remember from one step to the next."""
        return {
            name: {
                v: np.array(getattr(population.group, v)[:]) for v in ("v", "left", "s") if v in population.parameters
            }
            for name, population in self.populations.items()
        }

    def begin_run(self, inputs: Mapping[str, Array]) -> None:
        """Set the constant current of each population, and what is counted from the beginning of a run."""
        for name, population in self.populations.items():
            variables = population.group.variables
            if "drive" in population.receiver.variables:
                current = constant_current(self._graph, name, inputs)
                population.receiver.drive = np.broadcast_to(current, (self.batch, *current.shape[1:])).ravel()
            for counter in ("count", "net"):
                if counter in variables:
                    setattr(population.group, counter, 0)
            if "begin" in variables:
                population.group.begin = self.network.t

    def python_parts(self, frames: Mapping[str, Iterator[Array]]) -> list[Any]:
        """Return what runs in Python in each step: the frames of the input, and max-pooling."""
        parts = []
        for name, population in self.populations.items():
            op = self._graph[name].op
            if name in frames:
                parts.append(self._operation(population, _feed(population, frames[name])))
            elif isinstance(op, SpikingMaxPool):
                arriving = (self.batch, *self._graph.input_shapes(name)[0])
                parts.append(self._operation(population, _pool(population, arriving, MaxPoolState(op))))
        return parts

    def compiled_parts(self, frames: Mapping[str, Iterator[Array]]) -> dict[str, Any]:
        """Let input populations read their frames from arrays, and return the namespace of these."""
        namespace = {}
        for number, (name, stream) in enumerate(frames.items()):
            values = np.stack([frame.astype(np.float64).ravel() for frame in stream])
            namespace[f"frames_{number}"] = b2.TimedArray(values, dt=self._clock.dt, name=f"frames_{number}")
            population = self.populations[name]
            population.group.run_regularly(
                f"x = frames_{number}(t, i)", clock=self._clock, when=SLOT, order=population.order + UPDATE
            )
        return namespace

    def _operation(self, population: Population, step: Callable[[], None]) -> Any:
        return b2.NetworkOperation(step, clock=self._clock, when=SLOT, order=population.order + UPDATE)


def _array(group: Any, variable: str, shape: tuple[int, ...]) -> Array:
    """Return Brian2's own array of a variable, which may be changed in place, in another shape."""
    values: Array = group.variables[variable].get_value()
    return values.reshape(shape)


def _feed(population: Population, frames: Iterator[Array]) -> Callable[[], None]:
    def step() -> None:
        _array(population.group, "x", population.shape)[...] = next(frames)

    return step


def _pool(population: Population, arriving: tuple[int, ...], state: MaxPoolState) -> Callable[[], None]:
    """Return a step that pools what has arrived, by the same definition as the reference."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1
        z, drive = (_array(population.receiver, name, arriving) for name in ("z", "drive"))
        _array(population.group, "x", population.shape)[...] = state.step(z + drive, count)
        z[...] = 0

    return step
