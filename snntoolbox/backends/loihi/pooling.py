"""Neurons behind average-pooling: fewer synapses and axons lead on from it, for one more layer of spikes.

Average-pooling is linear, so a layer behind it can take the spikes in front of it: that costs no neurons and no time.
But each of its neurons then has as many sources as there are in all windows together: synapses and operations multiply
by the size of the window, and a core needs an input axon for each source. Neurons of the pooling's own, as in Rueckauer
2020, section 3.2.1, avoid that. In front of a readout there is little to save, and the average is exact without them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np

from snntoolbox.backends.connections import connect, is_population
from snntoolbox.backends.head import split_head
from snntoolbox.backends.loihi.limits import LOIHI
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import fresh_name, insert_after
from snntoolbox.neurons import IntegrateAndFire

__all__ = ["PoolingNeurons", "largest_fan_in", "with_pooling_neurons"]

PoolingNeurons = Literal["auto", "yes", "no"]


def with_pooling_neurons(graph: Graph, wanted: PoolingNeurons) -> Graph:
    """Return a converted graph with neurons behind average-pooling of spikes.

    Args:
        graph: A converted graph.
        wanted: ``yes``: behind all. ``no``: behind none. ``auto``: in front of layers that fire, and of readouts where
            a neuron would otherwise have more sources than a core has input axons.
    """
    models = {node.name: model for node in graph.nodes if (model := _source_model(graph, node)) is not None}
    if wanted == "no" or not models:
        return graph
    chosen = set(models)
    if wanted == "auto":
        body = split_head(graph).body
        behind = {name: found for name in body.neurons if (found := _between(body, name, chosen))}
        chosen = {
            pool for name, pools in behind.items() if _fires(body[name]) or _is_crowded(body, name) for pool in pools
        }
    for name in chosen:
        neurons = Node(fresh_name(graph, f"{name}_spikes"), ops.Spiking(_pooling_model(models[name])), (name,))
        graph = insert_after(graph, name, neurons)
    return graph


def _fires(node: Node) -> bool:
    return isinstance(node.op, ops.Spiking) and isinstance(node.op.model, IntegrateAndFire)


def _is_crowded(graph: Graph, target: str) -> bool:
    return largest_fan_in(graph, target) > LOIHI.input_axons  # a readout has no axons of its own


def largest_fan_in(graph: Graph, target: str) -> int:
    """Return the largest number of sources of a neuron of a population."""
    counts = np.zeros(graph.size(target), np.int64)
    for synapses in connect(graph, target):
        counts += np.bincount(synapses.post, minlength=len(counts))
    return int(counts.max(initial=0))


def _source_model(graph: Graph, node: Node) -> IntegrateAndFire | None:
    """Return the neurons whose spikes a node averages; None if it averages something else, or nothing."""
    if not isinstance(node.op, ops.AveragePool):
        return None
    before = graph[node.inputs[0]]
    while isinstance(before.op, ops.Pad | ops.AveragePool):
        before = graph[before.inputs[0]]
    model = before.op.model if isinstance(before.op, ops.Spiking) else None
    return model if isinstance(model, IntegrateAndFire) else None


def _pooling_model(model: IntegrateAndFire) -> IntegrateAndFire:
    """Return neurons that fire in every step if all of their sources do."""
    message, share = _a_channel(model.message_size), _a_channel(model.initial_potential) / _a_channel(model.threshold)
    return replace(
        model, threshold=message, amplitude=None, initial_potential=share * message, leak_factor=1.0, refractory_steps=0
    )


def _a_channel(value: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return a parameter as a scalar or as one value a channel, since pooling changes the axes before."""
    array = np.asarray(value, np.float64)
    return array if array.ndim < 2 else array.reshape(-1, array.shape[-1]).max(axis=0)


def _between(graph: Graph, target: str, pools: set[str]) -> list[str]:
    """Return the poolings between a population and those that reach it."""

    def walk(name: str) -> Iterator[str]:
        for source in graph[name].inputs:
            if not is_population(graph[source]):
                if source in pools:
                    yield source
                yield from walk(source)

    return list(dict.fromkeys(walk(target)))
