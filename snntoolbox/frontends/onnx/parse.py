"""From a model in which every shape is known to a graph: translate, simplify, name."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.onnx.calls import title
from snntoolbox.frontends.onnx.constants import StaticModel
from snntoolbox.frontends.onnx.inputs import InputLayout
from snntoolbox.frontends.onnx.layout import Builder
from snntoolbox.frontends.onnx.names import name_nodes, scopes
from snntoolbox.frontends.onnx.simplify import simplify
from snntoolbox.frontends.onnx.staircases import refuse_floors
from snntoolbox.frontends.onnx.walk import Translation, attempt
from snntoolbox.ir import Graph

__all__ = ["parse"]

logger = logging.getLogger("snntoolbox")


def parse(model: StaticModel, layout: InputLayout) -> Graph:
    """Return the graph of a model.

    Raises:
        UnsupportedError: Nodes that cannot be translated, all of them.
    """
    translation = attempt(model, layout)
    if translation.refusal is not None:
        partial = _graph(model, translation) if translation.outputs else None
        raise UnsupportedError(translation.refusal.summary, translation.refusal.problems, partial)
    return _graph(model, translation)


def _graph(model: StaticModel, translation: Translation) -> Graph:
    """Return the graph; where nodes were refused, of what could be translated."""
    builder = translation.builder
    attributes = {"frontend": "onnx", "model": model.source.graph.name, "producer": model.source.producer_name}
    places = scopes(model.source, model.nodes, model.constants)
    removed = ", ".join(places[node.output[0]].layer or title(node) for node in translation.removed)
    if removed:
        logger.info("removed nodes that do nothing after training: %s", removed)
        attributes["removed"] = removed
    outputs = [tensor.node for tensor in translation.outputs]
    # What goes into refused nodes leads to no output, but is to be seen.
    ends = _ends(builder, outputs) if translation.refusal else []
    graph = Graph(tuple(builder.nodes.values()), (*outputs, *ends), attributes)
    graph, origins = simplify(graph, builder.origins)
    refuse_floors(graph)
    entrances = {tensor.node for tensor in translation.inputs.values()}
    named = name_nodes(graph, origins, places)
    if translation.refusal is None:
        return named
    both = zip(graph.inputs, named.inputs, strict=True)
    refused = "\n".join(name for provisional, name in both if provisional not in entrances)
    return named.with_nodes(named.nodes, named.outputs[: len(outputs)]).with_attributes(refused=refused)


def _ends(builder: Builder, outputs: Sequence[str]) -> list[str]:
    taken = {source for node in builder.nodes.values() for source in node.inputs}
    return [name for name in builder.nodes if name not in taken.union(outputs)]
