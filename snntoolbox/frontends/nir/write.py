"""Graph -> NIR. Sums become edges that meet, heads become metadata, all else is a node; see `write_ops`.

NIR is channels-first, its tensors have no order of elements of their own after flattening, and it has no sum, no
softmax, no initial potential and no refractory period. What is only a start value is kept as metadata, which other
tools ignore; what would change every step is refused.
"""

from __future__ import annotations

from typing import Any

from snntoolbox.errors import Problem, UnsupportedError
from snntoolbox.frontends.nir.files import library, make_graph
from snntoolbox.frontends.nir.write_ops import Tensor, Writer, write_op
from snntoolbox.ir.graph import Graph, Node
from snntoolbox.ir.ops import Add, Input, Softmax, Spiking
from snntoolbox.neurons import Accumulator

__all__ = ["to_nir"]


def to_nir(graph: Graph, *, dt: float = 1.0, integrators: bool = True) -> Any:
    """Return a ``nir.NIRGraph``; see `snntoolbox.frontends.nir.export_nir`.

    Raises:
        UnsupportedError: The graph is not of the rate code, or holds nodes that NIR has no words for; all are listed.
    """
    library()
    if graph.attributes.get("spike_code") != "rate":
        raise UnsupportedError("NIR takes converted networks of the rate code; call convert() first")
    body, head = _split(graph)
    outputs = head[0].inputs if head else graph.outputs
    writer, problems = Writer(dt), []
    tensors: dict[str, Tensor] = {}
    for node in body:
        if any(source not in tensors for source in node.inputs):
            continue  # What it comes from is refused already.
        try:
            inputs = [tensors[source] for source in node.inputs]
            if node.name in outputs:
                inputs = [writer.in_order(node.name, tensor) for tensor in inputs]
            tensors[node.name] = _write(writer, graph, node, inputs, integrators)
        except UnsupportedError as error:
            problems.append(Problem(f"node {node}", str(error)))
    if problems:
        raise UnsupportedError("NIR cannot say what these nodes do:", problems)
    for number, name in enumerate(outputs):
        writer.output("output" if number == 0 else f"output_{number}", tensors[name])
    metadata = {"writer": "snntoolbox", "spike_code": "rate", "dt": dt} | ({"head": "softmax"} if head else {})
    return make_graph(writer.nodes, writer.edges, metadata)


def _write(writer: Writer, graph: Graph, node: Node, inputs: list[Tensor], integrators: bool) -> Tensor:
    if isinstance(node.op, Input):
        return writer.input(node.name, node.op.shape)
    if isinstance(node.op, Add):
        return writer.add(node.name, inputs)
    if isinstance(node.op, Spiking) and isinstance(node.op.model, Accumulator) and not integrators:
        return inputs[0]
    return write_op(node.op, writer, node.name, inputs, graph.shapes[node.name])


def _split(graph: Graph) -> tuple[list[Node], list[Node]]:
    """Return the nodes up to the last layers of neurons, and a softmax after them.

    Raises:
        UnsupportedError: Something else follows the last layer of neurons.
    """
    needed: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, Spiking) or node.name in needed:
            needed.update((node.name, *node.inputs))
    head = [node for node in graph.nodes if node.name not in needed]
    wrong = [Problem(f"node {n}", "it is computed outside of the spiking network") for n in head if not _is_head(n)]
    if wrong or (head and len(graph.outputs) > 1):
        raise UnsupportedError("NIR has no words for what follows the last neurons but one softmax:", wrong)
    return [node for node in graph.nodes if node.name in needed], head


def _is_head(node: Node) -> bool:
    return isinstance(node.op, Softmax)
