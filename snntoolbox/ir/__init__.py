"""The internal graph: ops, the graph itself, small edits, text, files, and evaluation as an ordinary ANN."""

from snntoolbox.ir.graph import Graph, Node
from snntoolbox.ir.io import load_graph, save_graph

__all__ = ["Graph", "Node", "load_graph", "save_graph"]
