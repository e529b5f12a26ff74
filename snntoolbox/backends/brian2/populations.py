"""Nodes -> Brian2 groups: the equations of each population, and when in a step each part of it runs.

All groups run in the one slot "groups", in the order of the graph, so that a layer has received the spikes of this step
before it decides on its own. Within a population the order is: update, threshold, outgoing synapses, reset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import brian2 as b2
import numpy as np

from snntoolbox.backends.events import spread
from snntoolbox.backends.record import Array
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Input, Spiking, SpikingMaxPool
from snntoolbox.neurons import Accumulator, IntegrateAndFire, SignedIntegrateAndFire

__all__ = ["Population", "make_population"]

SLOT = "groups"
UPDATE, THRESHOLD, SYNAPSES, RESET, PLACES = 0, 1, 2, 3, 4

_RESETS = {"subtract": "v -= theta", "zero": "v = 0", "modulo": "v = v % theta"}


@dataclass(eq=False)
class Population:
    """A group of neurons (or of values that are sent on) for all samples of a batch.

    Attributes:
        name: The node's name.
        shape: Shape (batch, *layer shape).
        group: The Brian2 group that sends.
        order: Where in a step the group's parts run; see `PLACES`.
        parameters: Initial values of the group's variables, set at every fresh start.
        arrival: The group that receives, if it is another: max-pooling receives more values than it sends.
        graded: Whether it sends values of any size, in the variable x, rather than spikes of a fixed size.
    """

    name: str
    shape: tuple[int, ...]
    group: Any
    order: int
    parameters: dict[str, Array] = field(default_factory=dict)
    arrival: Any = None
    graded: bool = False

    @property
    def receiver(self) -> Any:
        """The group on which synapses end, with the variables z (their sum in this step) and drive."""
        return self.group if self.arrival is None else self.arrival

    def get(self, variable: str) -> Array:
        """Return a copy of a variable, shape (batch, *layer shape)."""
        return np.array(getattr(self.group, variable)[:]).reshape(self.shape)


def make_population(graph: Graph, node: Node, batch: int, number: int, clock: Any, name: str) -> Population:
    """Return the population of a node; its initial values are not set yet.

    Args:
        graph: The graph.
        node: Input, neurons or spiking max-pooling.
        batch: Number of samples.
        number: Position of the population among all.
        clock: Clock of the whole network.
        name: Name of the group in Brian2.
    """
    order, shape = number * PLACES, (batch, *graph.shapes[node.name])
    if isinstance(node.op, Spiking) and isinstance(node.op.model, IntegrateAndFire):
        return _integrate_and_fire(node, node.op.model, shape, order, clock, name)
    if isinstance(node.op, Spiking) and isinstance(node.op.model, SignedIntegrateAndFire):
        return _signed(node, node.op.model, shape, order, clock, name)
    if isinstance(node.op, Spiking) and isinstance(node.op.model, Accumulator):
        group = b2.NeuronGroup(prod(shape), "v : 1\nz : 1\ndrive : 1", clock=clock, name=name)
        _update(group, "v = v + (z + drive)\nz = 0", order)
        return Population(node.name, shape, group, order, {"v": np.zeros(1), "z": np.zeros(1)})
    if isinstance(node.op, Input | SpikingMaxPool):
        group = b2.NeuronGroup(prod(shape), "x : 1", threshold="x != 0", reset="", clock=clock, name=name)
        _place(group, order)
        arrival = None
        if isinstance(node.op, SpikingMaxPool):
            size = batch * prod(graph.input_shapes(node.name)[0])
            arrival = b2.NeuronGroup(size, "z : 1\ndrive : 1", clock=clock, name=f"{name}_arrival")
        return Population(node.name, shape, group, order, arrival=arrival, graded=True)
    raise UnsupportedError(f"node {node} has no counterpart in Brian2")


def _integrate_and_fire(
    node: Node, model: IntegrateAndFire, shape: tuple[int, ...], order: int, clock: Any, name: str
) -> Population:
    variables = ["v : 1", "z : 1", "drive : 1", "theta : 1 (constant)", "count : integer"]
    parameters = {
        "v": spread(model.initial_potential, shape),
        "z": np.zeros(1),
        "theta": spread(model.threshold, shape),
        "count": np.zeros(1, np.int32),
    }
    current, threshold, reset, before = "z + drive", "v >= theta", _RESETS[model.reset] + "\ncount += 1", ""
    if model.refractory_steps or model.clamp_steps:
        variables += ["active : 1", "left : 1"]
        parameters |= {"active": np.zeros(1), "left": np.zeros(1)}
        before = f"active = int(left <= 0)\nleft = clip(left - 1, 0, {model.refractory_steps})\n"
        current, threshold = "active * (z + drive)", "v >= theta and active > 0"
        reset += f"\nleft = {model.refractory_steps}"
    update = f"{before}v = {model.leak_factor!r} * v + {current}\nz = 0"
    if model.clamp_steps:
        variables += ["v_first : 1 (constant)", "begin : second (shared)"]
        parameters["v_first"] = spread(model.initial_potential, shape)
        update += f"\nheld = {_held(model.clamp_steps)}"
        update += "\nv = held * v_first + (1 - held) * v\nactive = (1 - held) * active"
    group = b2.NeuronGroup(prod(shape), "\n".join(variables), threshold=threshold, reset=reset, clock=clock, name=name)
    _update(group, update, order)
    _place(group, order)
    return Population(node.name, shape, group, order, parameters)


def _signed(
    node: Node, model: SignedIntegrateAndFire, shape: tuple[int, ...], order: int, clock: Any, name: str
) -> Population:
    """Return neurons that send x = 1 or -1, by the equations of `snntoolbox.neurons.SignedIntegrateAndFire`."""
    variables = ["v : 1", "s : 1", "z : 1", "drive : 1", "x : 1", "count : integer", "net : integer"]
    variables += [f"{constant} : 1 (constant)" for constant in ("theta", "lower", "slope", "v_first")]
    parameters = {variable: np.zeros(1) for variable in ("s", "z", "x")} | {
        variable: spread(value, shape)
        for variable, value in {
            "v": model.initial_potential,
            "v_first": model.initial_potential,
            "theta": model.threshold,
            "lower": model.lower_threshold,
            "slope": model.negative_slope,
        }.items()
    }
    rectified = "(s * int(s > 0) + slope * (s * int(s < 0)))"
    update = f"before = {rectified}\ns = s + (z + drive)\nv = v + ({rectified} - before)\nz = 0"
    if model.clamp_steps:
        variables.append("begin : second (shared)")
        update += f"\nheld = {_held(model.clamp_steps)}\nv = held * v_first + (1 - held) * v\ns = (1 - held) * s"
    update += "\nx = " + ("(1 - held) * " if model.clamp_steps else "") + "(int(v >= theta) - int(v < lower))"
    reset = "v -= theta * x\ncount += 1\nnet += int(x)"
    group = b2.NeuronGroup(prod(shape), "\n".join(variables), threshold="x != 0", reset=reset, clock=clock, name=name)
    _update(group, update, order)
    _place(group, order)
    return Population(node.name, shape, group, order, parameters, graded=True)


def _held(clamp_steps: int) -> str:
    """Return an expression for whether a clamp holds; half a step is added against rounding of the time."""
    return f"int((t - begin) / dt + 0.5 < {clamp_steps})"


def _update(group: Any, code: str, order: int) -> None:
    group.run_regularly(code, clock=group.clock, when=SLOT, order=order + UPDATE)


def _place(group: Any, order: int) -> None:
    """Let the threshold and the reset of a group run at its place in the step."""
    group.thresholder["spike"].when, group.thresholder["spike"].order = SLOT, order + THRESHOLD
    if "spike" in group.resetter:
        group.resetter["spike"].when, group.resetter["spike"].order = SLOT, order + RESET
