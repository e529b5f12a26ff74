"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from snntoolbox.analysis.operations import connections
from snntoolbox.analysis.results import Results
from snntoolbox.ir import Graph
from snntoolbox.report.material import Material
from snntoolbox.report.summary import LAYER_COLUMNS, facts, layer_row, network_columns, network_rows
from snntoolbox.report.wording import count

__all__ = ["graph_table", "layer_table", "summary_tables"]


def summary_tables(results: Results) -> list[Table]:
    """Return what is shown at the end of a run: the facts, and the networks side by side."""
    found = Table(title=f"Results of {results.run.label}" if results.run.label else "Results", show_header=False)
    found.add_column(style="bold")
    found.add_column(justify="right")
    found.add_column(style="dim")
    for fact in facts(results):
        found.add_row(fact.name, fact.value, fact.note)
    columns = network_columns(results)
    networks = Table(box=None, pad_edge=False)
    networks.add_column("")
    for name in columns:
        networks.add_column(name, justify="right")
    for what, values in network_rows(results):
        networks.add_row(what, *values)
    return [table for table in (found, networks) if table.row_count]


def layer_table(results: Results, *, simple_labels: bool = True) -> Table:
    """Return how each layer of neurons fired and followed its activations."""
    material = Material(results, simple_labels=simple_labels)
    # What a terminal of 80 characters has room for; the page and layers.csv have all.
    shown = [n for n, name in enumerate(LAYER_COLUMNS) if name not in ("Shape", "Neurons", "Fan-out", "Error")]
    table = Table(title="Layers of neurons", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number in shown:
        table.add_column(
            LAYER_COLUMNS[number], justify="right" if number else "left", overflow="fold", no_wrap=number > 0
        )
    for name, layer in results.layers.items():
        # Text: a name may hold square brackets, which rich would take for markup.
        cells = layer_row(material, name, layer)
        table.add_row(*(Text(cells[number]) for number in shown))
    return table


def graph_table(graph: Graph, title: str = "", neurons: Mapping[str, int] | None = None) -> Table:
    """Return one row for each node of a graph: name, op, output shape, parameters, neurons and connections.

    Args:
        graph: A graph before or after conversion, or the part that a frontend could read.
        title: Title of the table.
        neurons: Number of neurons that a node has or will have; counted in the graph unless given.
    """
    table = Table(title=title or None, show_footer=True)
    neurons = {name: graph.size(name) for name in graph.neurons} if neurons is None else neurons
    links = {node.name: connections(graph, node.name) for node in graph.nodes}
    table.add_column("Node", footer=f"{len(graph.nodes)} nodes", overflow="fold")
    table.add_column("Op", overflow="fold")
    table.add_column("Shape", overflow="fold")
    sums = {
        "Parameters": count(graph.num_parameters()),
        "Neurons": count(sum(neurons.values())) if neurons else "",
        "Connections": count(sum(links.values())),
    }
    for heading, footer in sums.items():
        table.add_column(heading, footer=footer, justify="right", overflow="fold")
    for node in graph.nodes:
        table.add_row(
            Text(node.name),
            Text(_op_name(graph, node.name)),
            "×".join(map(str, graph.shapes[node.name])),
            count(graph.num_parameters(node.name)) if graph.num_parameters(node.name) else "",
            count(neurons[node.name]) if node.name in neurons else "",
            count(links[node.name]) if links[node.name] else "",
        )
    return table


def _op_name(graph: Graph, name: str) -> str:
    """Return the kind of a node's op; of neurons their model as well."""
    op = graph[name].op
    if name in graph.attributes.get("refused", "").split("\n"):
        return "refused"
    model = getattr(op, "model", None)
    return op.kind if model is None else f"{op.kind}({type(model).__name__})"
