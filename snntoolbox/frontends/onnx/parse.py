"""From a model in which every shape is known to a graph: translate, simplify, name."""

from __future__ import annotations

import logging

from snntoolbox.frontends.onnx.calls import title
from snntoolbox.frontends.onnx.constants import StaticModel
from snntoolbox.frontends.onnx.inputs import InputLayout
from snntoolbox.frontends.onnx.names import name_nodes, scopes
from snntoolbox.frontends.onnx.simplify import simplify
from snntoolbox.frontends.onnx.walk import translate
from snntoolbox.ir import Graph

__all__ = ["parse"]

logger = logging.getLogger("snntoolbox")


def parse(model: StaticModel, layout: InputLayout) -> Graph:
    """Return the graph of a model.

    Raises:
        UnsupportedError: Nodes that cannot be translated, all of them.
    """
    translation = translate(model, layout)
    builder = translation.builder
    attributes = {"frontend": "onnx", "model": model.source.graph.name, "producer": model.source.producer_name}
    places = scopes(model.source, model.nodes, model.constants)
    removed = ", ".join(places[node.output[0]].layer or title(node) for node in translation.removed)
    if removed:
        logger.info("removed nodes that do nothing after training: %s", removed)
        attributes["removed"] = removed
    graph = Graph(tuple(builder.nodes.values()), tuple(y.node for y in translation.outputs), attributes)
    graph, origins = simplify(graph, builder.origins)
    return name_nodes(graph, origins, places)
