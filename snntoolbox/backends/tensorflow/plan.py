"""How a graph is simulated: what is constant over time, what is computed in one go, how many steps at a time.

The network has no loops, so it can be computed layer by layer for some steps at once, like a batch that is as many
times larger; only the neurons go through these steps one by one. No TensorFlow here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

import numpy as np

from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Conv, ConvTranspose, Dense, Reshape, Spiking
from snntoolbox.neurons import IntegrateAndFire, NeuronModel

__all__ = ["Plan", "Segment", "make_plan"]

ALONE = (Conv, ConvTranspose, Dense, Reshape)
"""Ops that are not fused with others: TensorFlow's own kernels compute heavy ones best, and a change of shape costs
nothing but would keep XLA from using vector instructions in the loop that it became part of."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Nodes that are computed one after the other for some steps at once.

    Attributes:
        nodes: One op alone, or any number of others, which are fused.
        takes: Nodes before it whose values it needs.
        gives: Its nodes whose values are needed after it.
    """

    nodes: tuple[Node, ...]
    takes: tuple[str, ...]
    gives: tuple[str, ...]

    @property
    def alone(self) -> bool:
        """Whether this is one op, computed for all steps of a chunk at once."""
        return isinstance(self.nodes[0].op, ALONE)


@dataclass(frozen=True, eq=False)
class Plan:
    """A graph cut into pieces.

    Attributes:
        body: The graph.
        constant: Nodes whose value is the same in every step; computed once.
        regular: Layers of neurons under a constant current whose spikes follow from a formula.
        segments: All other work of a step, in order.
        deciding: Readout layers that end the simulation of a sample.
    """

    body: Graph
    constant: frozenset[str]
    regular: frozenset[str]
    segments: tuple[Segment, ...]
    deciding: tuple[str, ...] = ()


def make_plan(body: Graph, constant_inputs: Iterable[str], *, regular: bool) -> Plan:
    """Cut up the part of a converted graph that is to be simulated.

    Args:
        body: From `snntoolbox.backends.head.split_head`; its outputs are the readout layers.
        constant_inputs: Inputs with the same value in every step.
        regular: Whether the formula for regular layers may be used: they start from their initial state.
    """
    constant = set(constant_inputs)
    for node in body.nodes:
        if node.inputs and not isinstance(node.op, Spiking) and constant.issuperset(node.inputs):
            constant.add(node.name)
    formula = {
        node.name
        for node in body.nodes
        if isinstance(node.op, Spiking)
        and regular
        and node.name not in body.outputs
        and constant.issuperset(node.inputs)
        and _is_regular(node.op.model)
    }
    varying = [node for node in body.nodes if node.name not in constant]
    return Plan(body, frozenset(constant), frozenset(formula), _segments(varying), tuple(_deciding(body)))


def _deciding(body: Graph) -> Iterator[str]:
    for name in body.outputs:
        op = body[name].op
        if isinstance(op, Spiking) and op.model.decides:
            yield name


def _is_regular(model: NeuronModel) -> bool:
    """Whether the formula of `snntoolbox.backends.tensorflow.regular` holds, started from the initial state."""
    return (
        type(model) is IntegrateAndFire
        and model.reset == "subtract"
        and model.leak_factor == 1
        and not model.refractory_steps
        and not model.clamp_steps
        and bool(np.all(np.asarray(model.initial_potential) >= 0))
        and bool(np.all(np.asarray(model.initial_potential) < np.asarray(model.threshold)))
    )


def _segments(nodes: list[Node]) -> tuple[Segment, ...]:
    runs: list[list[Node]] = []
    for node in nodes:
        alone = isinstance(node.op, ALONE)
        if alone or not runs or isinstance(runs[-1][0].op, ALONE):
            runs.append([])
        runs[-1].append(node)
    needed: set[str] = set()
    segments = []
    for run in reversed(runs):
        segments.append(_segment(run, needed))
        needed.update(source for node in run for source in node.inputs)
    return tuple(reversed(segments))


def _segment(run: list[Node], needed: Set[str]) -> Segment:
    own = {node.name for node in run}
    takes = dict.fromkeys(source for node in run for source in node.inputs if source not in own)
    gives = tuple(node.name for node in run if node.name in needed)
    return Segment(tuple(run), tuple(takes), gives)
