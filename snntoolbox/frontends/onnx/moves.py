"""Nodes that move, cut, join or repeat elements, and those that do nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from onnx import helper

from snntoolbox.frontends.onnx.arithmetic import broadcast_to
from snntoolbox.frontends.onnx.calls import Call
from snntoolbox.frontends.onnx.layout import Tensor
from snntoolbox.ir.ops import Concat, Pad, Shape, Slice

__all__ = [
    "cast",
    "concat",
    "depth_to_space",
    "expand",
    "gather",
    "identity",
    "pad",
    "reshape",
    "slice_",
    "space_to_depth",
    "split",
    "tile",
    "transpose",
]


def identity(call: Call) -> Tensor:
    """Identity, and Dropout once the network is trained."""
    return call.tensor()


def cast(call: Call) -> Tensor:
    """Another type of floating-point number; everything is computed in float32 here."""
    kind = helper.tensor_dtype_to_np_dtype(call.attribute("to"))
    if not (kind.kind == "f" or kind.name.startswith("bfloat")):
        call.refuse(f"rounds to {kind.name}.", "Only floating-point numbers can be taken.")
    return call.tensor()


def transpose(call: Call) -> Tensor:
    """Another order of the axes: nothing moves."""
    x = call.tensor()
    return x.transposed([int(a) for a in call.attribute("perm", reversed(range(len(x.shape))))])


def reshape(call: Call) -> Tensor:
    """Reshape, Flatten, Squeeze and Unsqueeze, whose result onnx tells."""
    return call.reshape(call.tensor(), call.shape())


def expand(call: Call) -> Tensor:
    """Repetition along axes of size 1."""
    return broadcast_to(call, call.tensor(), call.shape())


def concat(call: Call) -> Tensor:
    """Tensors joined along an axis."""
    if any(call.is_constant(index) for index in range(call.num_inputs)):
        call.refuse("joins a tensor with a constant.", "Give the constant as an input of the network.")
    tensors = [call.tensor(index) for index in range(call.num_inputs)]
    rank = len(tensors[0].shape)
    axis = int(call.attribute("axis", 1)) % rank
    if len(tensors) == 1:
        return tensors[0]
    if axis == 0:
        call.refuse("joins along the batch (axis = 0).", "Samples are independent: use another axis.")
    layout = max(tensors, key=lambda x: len(x.layout)).layout
    if axis not in layout:
        layout = tuple(sorted((*layout, axis)))
    tensors = [call.align(x, layout) for x in tensors]
    place = layout.index(axis)
    node = call.add(Concat(-1 if place == len(layout) - 1 else place), *tensors)
    return call.result(node, layout)


def split(call: Call) -> Sequence[Tensor]:
    """A tensor cut into parts along one axis."""
    x = call.tensor()
    axis = int(call.attribute("axis", 0)) % len(x.shape)
    results, start = [], 0
    for index, name in enumerate(call.node.output):
        size = call.shape(index)[axis] if name else 0
        results.append(_block(call, x, {axis: (start, start + size, 1)}) if name else x)
        start += size
    return results


def slice_(call: Call) -> Tensor:
    """A block with fixed bounds."""
    x = call.tensor()
    starts, stops = call.setting("starts", 1), call.setting("ends", 2)
    axes = call.setting("axes", 3) or range(len(starts))
    steps = call.setting("steps", 4) or [1] * len(starts)
    bounds = {}
    for start, stop, axis, step in zip(starts, stops, axes, steps, strict=True):
        if step < 1:
            call.refuse(f"takes elements in steps of {step}.", "Only steps forward can be taken.")
        bounds[axis % len(x.shape)] = slice(start, stop, step).indices(x.shape[axis])
    return _block(call, x, bounds)


def gather(call: Call) -> Tensor:
    """One element, or a row of neighbours, along an axis."""
    if call.is_constant(0):
        call.refuse("looks up rows of a table.", "An embedding has no counterpart: convert what follows it.")
    x = call.tensor()
    axis = int(call.attribute("axis", 0)) % len(x.shape)
    wanted = call.constant(1, "places")
    places = wanted.reshape(-1) % x.shape[axis]
    step = int(places[1] - places[0]) if places.size > 1 else 1
    if wanted.ndim > 1 or not places.size or step < 1 or np.any(np.diff(places) != step):
        call.refuse("picks elements in an order of its own.", "Only elements at equal distances can be taken.")
    block = _block(call, x, {axis: (int(places[0]), int(places[-1]) + 1, step)})
    return call.reshape(block, call.shape()) if wanted.ndim == 0 else block


def _block(call: Call, x: Tensor, bounds: dict[int, tuple[int, int, int]]) -> Tensor:
    """Elements start <= i < stop in steps, along some axes of the file's tensor."""
    every = [bounds.get(axis, (0, size, 1)) for axis, size in enumerate(x.shape)]
    shape = tuple(len(range(*b)) for b in every)
    if not all(shape):
        call.refuse(f"cuts nothing out of {x.shape}.", "Correct its bounds.")
    if shape == x.shape:
        return x
    stored = [every[axis] for axis in x.layout]
    # Slice wants stop <= size, and start, stop and step of whole numbers.
    start, stop, step = (tuple(int(b[i]) for b in stored) for i in range(3))
    return Tensor(call.add(Slice(start, stop, step), x), x.layout, shape)


def pad(call: Call) -> Tensor:
    """Zeros around a tensor; a negative margin cuts."""
    mode, fill = call.attribute("mode", "constant"), call.number("value", 2, 0.0)
    if mode != "constant" or fill != 0:
        what = f"pads with the constant {fill:g}." if mode == "constant" else f"pads by '{mode}'."
        call.refuse(what, "Only zeros can be added: pad with zeros.")
    x = call.tensor()
    rank = len(x.shape)
    given = [int(n) for n in call.setting("pads", 1)]
    axes = [int(a) % rank for a in (call.setting("axes", 3) or range(rank))]
    margins = dict(zip(axes, zip(given[: len(axes)], given[len(axes) :], strict=True), strict=True))
    if any(margins.get(0, (0, 0))):
        call.refuse("pads the batch.", "Samples are independent: pad other axes.")
    cut = {a: (max(-lo, 0), x.shape[a] - max(-hi, 0), 1) for a, (lo, hi) in margins.items()}
    x = _block(call, x, cut)
    wanted = tuple(sorted({*x.layout, *(a for a, (lo, hi) in margins.items() if max(lo, hi) > 0)}))
    x = x if set(wanted) == set(x.layout) else call.align(x, wanted)
    padding = tuple((max(lo, 0), max(hi, 0)) for lo, hi in (margins.get(axis, (0, 0)) for axis in x.layout))
    return call.result(call.add(Pad(padding), x), x.layout) if np.any(padding) else x


def tile(call: Call) -> Tensor:
    """Repetition of a whole axis, which must have size 1."""
    x, shape = call.tensor(), call.shape()
    if any(a != b and a != 1 for a, b in zip(x.shape, shape, strict=True)):
        call.refuse(f"repeats {x.shape} to {shape}.", "Only axes of size 1 can be repeated as a whole: use Upsample.")
    return broadcast_to(call, x, shape)


def depth_to_space(call: Call) -> Tensor:
    """Channels spread over a block of pixels."""
    x, block = call.tensor(), int(call.attribute("blocksize"))
    _, channels, height, width = x.shape
    rest = channels // block**2
    if call.attribute("mode", "DCR") == "DCR":
        x = call.reshape(x, (1, block, block, rest, height, width)).transposed((0, 3, 4, 1, 5, 2))
    else:
        x = call.reshape(x, (1, rest, block, block, height, width)).transposed((0, 1, 4, 2, 5, 3))
    return call.reshape(x, call.shape())


def space_to_depth(call: Call) -> Tensor:
    """A block of pixels gathered in channels."""
    x, block = call.tensor(), int(call.attribute("blocksize"))
    _, channels, height, width = x.shape
    parts: Shape = (1, channels, height // block, block, width // block, block)
    x = call.reshape(x, parts).transposed((0, 3, 5, 1, 2, 4))
    return call.reshape(x, call.shape()) if prod(parts) else x
