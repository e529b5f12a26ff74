"""Which axis of an input holds its channels, which a file does not say."""

from __future__ import annotations

from typing import Literal

from snntoolbox.frontends.onnx.constants import StaticModel
from snntoolbox.frontends.onnx.layout import Layout

__all__ = ["InputLayout", "input_layout"]

InputLayout = Literal["auto", "channels_first", "channels_last"]

_SPATIAL = (
    "AveragePool",
    "BatchNormalization",
    "Conv",
    "ConvTranspose",
    "DepthToSpace",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "InstanceNormalization",
    "LRN",
    "MaxPool",
    "SpaceToDepth",
)
"""Ops of which axis 1 is the channels'."""

_SAME_AXES = (
    "Add",
    "Cast",
    "Clip",
    "Div",
    "Dropout",
    "Identity",
    "LeakyRelu",
    "Mul",
    "Pad",
    "PRelu",
    "Relu",
    "Resize",
    "Slice",
    "Sub",
    "Upsample",
)
"""Ops that leave axes where they are."""


def input_layout(model: StaticModel, name: str, layout: InputLayout = "auto") -> Layout:
    """Return for each axis of a sample, channels last, which axis of the file's input it is.

    "auto" follows the input to the first op that knows its channels, through transposes. Without one, axes stay as they
    are, but for images of PyTorch, which are channels-first always.

    Args:
        model: The model.
        name: Name of the input.
        layout: Where the channels of inputs with space are: "channels_first" is (batch, channels, ...).
    """
    rank = len(model.inputs[name])
    as_it_is, first_to_last = tuple(range(1, rank)), (*range(2, rank), 1)
    if rank < 3 or layout == "channels_last":
        return as_it_is
    if layout == "channels_first":
        return first_to_last
    found = _demanded(model, name)
    if found is None and rank == 4 and model.source.producer_name == "pytorch":
        return first_to_last
    return found or as_it_is


def _demanded(model: StaticModel, name: str) -> Layout | None:
    """The layout that the first op with channels asks for, if it is the input with its axes reordered."""
    rank = len(model.inputs[name])
    # For each tensor that is the input but for the order of its axes: which axis of the input each axis is.
    followed = {name: tuple(range(rank))}
    for node in model.nodes:
        source = next((n for n in node.input if n in followed), None)
        if source is None:
            continue
        axes = followed[source]
        if node.op_type in _SPATIAL and source == node.input[0]:
            wanted = tuple(axes[axis] for axis in (*range(2, rank), 1))
            return None if 0 in wanted else wanted
        if node.op_type == "Transpose":
            perm = next((a.ints for a in node.attribute if a.name == "perm"), range(rank)[::-1])
            followed[node.output[0]] = tuple(axes[axis] for axis in perm)
        elif node.op_type in _SAME_AXES and len(model.shapes.get(node.output[0], ())) == rank:
            followed[node.output[0]] = axes
    return None
