"""A voltage clamp that grows with depth, and biases that set in slowly: two ways to get rid of transients."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.ir.evaluate import evaluate
from snntoolbox.neurons import IntegrateAndFire, RelaxingIntegrateAndFire
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.passes.factors import compact

__all__ = ["ClampLayers", "RelaxBiases", "layer_depths"]


@dataclass(frozen=True)
class ClampLayers(Pass):
    """Hold the potentials of each layer for some first steps, the longer the deeper it is.

    Before: layers of neurons. After: layer l, counted from 0, is clamped for N(l) = d l steps, unless it is clamped
    already (Rueckauer 2020, section 2.1.3.3; there layers count from 1, which holds the first one for no reason). Why:
    a layer begins when the rates before it have settled, so that transients, such as those of large biases, leave no
    spikes behind. Rates are lower by the share of the clamped steps: read the output from the end of the clamp on
    (``readout_start``). It costs d steps a layer.

    Attributes:
        delay: d, in steps.

    Raises:
        ConversionError: When called: neurons cannot be clamped.
    """

    name: ClassVar[str] = "clamp_layers"
    preserves: ClassVar[Preserves | None] = "rate"

    delay: float

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with clamped neurons."""
        changed = {}
        for name, depth in layer_depths(graph).items():
            model: Any = graph[name].op.model  # type: ignore[attr-defined]
            steps = round(self.delay * depth)
            if steps and not any(field.name == "clamp_steps" for field in fields(model)):
                raise ConversionError(f"node {graph[name]}: its neurons cannot be clamped; set clamp_delay = 0")
            if steps and not model.clamp_steps:
                changed[name] = ops.Spiking(replace(model, clamp_steps=steps))
        return replace_ops(graph, changed)


@dataclass(frozen=True)
class RelaxBiases(Pass):
    """Let the biases of a layer grow from 0 to their values, the slower the deeper it is.

    Before: integrate-and-fire neurons whose current holds a bias. After: in layer l, counted from 0, the share
    t / (r l) of the bias acts in step t, all of it from step r l on (bias relaxation; Rueckauer 2020, section 2.1.3.3,
    tried it as a cure of transients). Why: a bias acts at once, the spikes that it is to be weighed against come later.
    It costs a bias that changes for the first steps, which hardware with constant biases does not have.

    Attributes:
        steps: r, in steps a layer.

    Raises:
        ConversionError: When called: other neurons than integrate-and-fire.
    """

    name: ClassVar[str] = "relax_biases"
    preserves: ClassVar[Preserves | None] = "rate"

    steps: float

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with neurons that know their biases."""
        depths = {name: depth for name, depth in layer_depths(graph).items() if round(self.steps * depth)}
        biases, changed = _currents_at_rest(graph, list(depths)), {}
        for name, depth in depths.items():
            model = graph[name].op.model  # type: ignore[attr-defined]
            if type(model) is not IntegrateAndFire:
                what = f"node {graph[name]}: only the bias of integrate_and_fire neurons can relax"
                raise ConversionError(f"{what}, not that of {type(model).__name__}; set relaxation_steps = 0")
            values = {field.name: getattr(model, field.name) for field in fields(model)}
            relaxing = RelaxingIntegrateAndFire(**values, bias=biases[name], relaxation_steps=round(self.steps * depth))
            changed[name] = ops.Spiking(relaxing)
        return replace_ops(graph, changed)


def layer_depths(graph: Graph) -> dict[str, int]:
    """Return for each layer of spiking neurons how many others are before it, on the longest path."""
    before: dict[str, int] = {}
    depths = {}
    for node in graph.nodes:
        depth = max((before[source] for source in node.inputs), default=0)
        spikes = isinstance(node.op, ops.Spiking) and node.op.model.spiking
        if spikes:
            depths[node.name] = depth
        before[node.name] = depth + spikes
    return depths


def _currents_at_rest(graph: Graph, layers: list[str]) -> dict[str, float | NDArray[np.floating[Any]]]:
    """Return what flows into each layer while nothing is sent and the input is 0, in its smallest form."""
    silent = []
    for node in graph.nodes:
        op = node.op
        if isinstance(op, ops.SpikingMaxPool):
            op = ops.MaxPool(op.pool, op.strides, op.padding)
        if isinstance(op, ops.Spiking):
            silent.append(Node(node.name, ops.Input(graph.shapes[node.name])))
        else:
            silent.append(Node(node.name, op, node.inputs))
    at_rest = Graph(tuple(silent), graph.outputs)
    sources = {name: graph[name].inputs[0] for name in layers}
    samples = {name: np.zeros((1, *at_rest.shapes[name]), np.float32) for name in at_rest.inputs}
    values = evaluate(at_rest, samples, nodes=tuple(dict.fromkeys(sources.values()))) if layers else {}
    small = {name: compact(values[source][0], at_rest.shapes[source]) for name, source in sources.items()}
    return {name: float(bias) if bias.ndim == 0 else bias for name, bias in small.items()}
