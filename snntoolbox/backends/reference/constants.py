"""Ops without what they add to their input, for codes whose layers get biases once instead of in every step."""

from __future__ import annotations

from dataclasses import fields

from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Op

__all__ = ["without_constants"]


def without_constants(body: Graph) -> dict[str, Op]:
    """Return the ops that add something, by name of their node, as they are without it."""
    found: dict[str, Op] = {}
    for node in body.nodes:
        names = {field.name for field in fields(node.op)} & {"bias", "shift"}  # type: ignore[arg-type]
        added = {name: None for name in names if getattr(node.op, name) is not None}
        if added:
            found[node.name] = node.op.replace(**added)
    return found
