"""NIR -> graph: the structure. Edges that meet become sums, the nodes themselves are read in `read_nodes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snntoolbox.errors import GraphError, Problem, UnsupportedError
from snntoolbox.frontends.nir.read_nodes import Builder, read_node
from snntoolbox.ir.graph import Graph
from snntoolbox.ir.ops import Add, Softmax, Spiking
from snntoolbox.neurons import Accumulator
from snntoolbox.neurons.integrate_and_fire import Reset

__all__ = ["read_graph"]


def read_graph(model: Any, reset: Reset = "zero", dt: float = 1.0) -> Graph:
    """Return the spiking graph of a NIR graph; see `snntoolbox.frontends.nir.NirFrontend`.

    An output that is no layer of neurons gets one that sums its input, so that it can be read.

    Raises:
        UnsupportedError: The graph holds nodes or cycles that cannot be taken; all are listed.
    """
    sources: dict[str, list[str]] = {name: [] for name in model.nodes}
    for before, after in model.edges:
        sources[after].append(before)
    order = _order(sources)
    builder, problems = Builder(reset, float(model.metadata.get("dt", dt))), []
    ends: dict[str, str] = {}
    refused: set[str] = set()
    found: dict[str, str] = {}
    for name in order:
        node, kind = model.nodes[name], type(model.nodes[name]).__name__
        if refused & set(sources[name]):
            refused.add(name)
            continue
        try:
            inputs = [ends[source] for source in sources[name]]
            joined = inputs[0] if len(inputs) == 1 else builder.add(f"{name}.sum", Add(), *inputs) if inputs else ""
            if kind == "Output":
                found[name] = _readable(builder, joined)
            else:
                ends[name] = read_node(kind, builder, name, node, joined)
        except (UnsupportedError, GraphError) as error:
            problems.append(Problem(f"node '{name}' ({kind})", str(error)))
            refused.add(name)
    if problems:
        raise UnsupportedError("these nodes of the NIR graph cannot be taken:", problems)
    outputs = [found[name] for name in sorted(found, key=lambda name: (len(name), name))]  # output_2 before output_10
    if _text(model.metadata, "head") == "softmax":
        outputs = [builder.add("softmax", Softmax(), outputs[0])]
    return Graph(tuple(builder.nodes), tuple(outputs), {"spike_code": "rate"})


def _order(sources: Mapping[str, list[str]]) -> list[str]:
    """Return the nodes in an order in which each comes after its sources.

    Raises:
        UnsupportedError: There is a cycle.
    """
    order: list[str] = []
    waiting = dict(sources)
    while waiting:
        ready = [name for name, before in waiting.items() if not set(before) & waiting.keys()]
        if not ready:
            raise UnsupportedError(f"the NIR graph is recurrent: {', '.join(waiting)} wait for each other")
        order += ready
        waiting = {name: before for name, before in waiting.items() if name not in ready}
    return order


def _readable(builder: Builder, name: str) -> str:
    if isinstance(builder.op(name), Spiking):
        return name
    return builder.add(f"{name}.sum_over_time", Spiking(Accumulator()), name)


def _text(metadata: Mapping[str, Any], key: str) -> str:
    value = metadata.get(key, "") if isinstance(metadata, Mapping) else ""
    return value.decode() if isinstance(value, bytes) else str(value)
