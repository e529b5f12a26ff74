"""A graph as text: one line a node, the same text for the same network whatever file it came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from snntoolbox.ir.graph import Graph, Node

__all__ = ["to_text"]


def to_text(graph: Graph) -> str:
    """Return one line for each node: ``name: Op(attributes; parameter shapes) <- inputs -> shape``, then the outputs.

    Attributes at their defaults are left out, and parameters appear by name and shape, so the text is short and can
    be compared between frontends.
    """
    lines = [_line(graph, node) for node in graph.nodes]
    return "\n".join([*lines, f"outputs: {', '.join(graph.outputs)}"])


def _line(graph: Graph, node: Node) -> str:
    sources = f" <- {', '.join(node.inputs)}" if node.inputs else ""
    return f"{node.name}: {node.op.kind}({_arguments(node.op)}){sources} -> {graph.shapes[node.name]}"


def _arguments(thing: Any) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in vars(thing).items() if not _is_plain(name, value))


def _is_plain(name: str, value: Any) -> bool:
    """Whether a value is what everybody expects, so that it need not be shown."""
    if value is None or value is False or (isinstance(value, tuple) and not value):
        return True
    if name in ("strides", "dilation") and isinstance(value, tuple):
        return name == "dilation" and set(value) == {1}
    if name in ("padding", "output_padding"):
        return not np.any(value)
    return (
        (name, value) in (("groups", 1), ("negative_slope", 0.0), ("threshold", 0.0)) if np.isscalar(value) else False
    )


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.item():.6g}" if value.ndim == 0 else "x".join(map(str, value.shape))
    if isinstance(value, float):
        return f"{value:.6g}"
    if hasattr(value, "__dataclass_fields__"):
        return f"{type(value).__name__}({_arguments(value)})"
    return str(value).replace(" ", "")
