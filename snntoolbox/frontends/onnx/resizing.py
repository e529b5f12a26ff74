"""Enlarging by repetition: Resize and Upsample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import helper
from onnx.reference import ReferenceEvaluator

from snntoolbox.frontends.onnx.calls import Call
from snntoolbox.frontends.onnx.layout import Tensor, with_axes
from snntoolbox.ir.ops import Upsample

__all__ = ["resize", "upsample"]


def upsample(call: Call) -> Tensor:
    """Upsample of opset 7 and 9; repetition, if by whole numbers."""
    if call.attribute("mode", "nearest") != "nearest":
        call.refuse(f"interpolates by '{call.attribute('mode')}'.", "Use mode='nearest', or ConvTranspose.")
    return _repeated(call, call.tensor(), [float(s) for s in call.setting("scales", 1)])


def resize(call: Call) -> Tensor:
    """Resize, if it repeats every element a whole number of times, whatever its settings call that."""
    if call.opset < 11:
        return upsample(call)
    x, shape = call.tensor(), call.shape()
    for axis, (size, wanted) in enumerate(zip(x.shape, shape, strict=True)):
        if size != wanted and not _repeats(call, axis, size, wanted):
            settings = ", ".join(str(call.attribute(name, default)) for name, default in _DEFAULTS.items())
            call.refuse(
                f"resizes axis {axis} from {size} to {wanted} elements ({settings}), which is no repetition.",
                "Resize by whole numbers with mode='nearest', or use ConvTranspose.",
            )
    return _repeated(call, x, [wanted / size for size, wanted in zip(x.shape, shape, strict=True)])


_DEFAULTS = {
    "mode": "nearest",
    "coordinate_transformation_mode": "half_pixel",
    "nearest_mode": "round_prefer_floor",
}


def _repeats(call: Call, axis: int, size: int, wanted: int) -> bool:
    """Whether the node's settings repeat each element along an axis; tried on a row of numbers, with onnx itself."""
    if wanted % size:
        return False
    axes = list(call.attribute("axes") or range(len(call.tensor().shape)))
    scales = call.constant(2, "scales") if call.has(2) else np.zeros(0)
    row = np.arange(size, dtype=np.float32)
    feeds = {"x": row, "scales": np.zeros(0, np.float32), "sizes": np.array([wanted], np.int64)}
    if scales.size:
        feeds["scales"] = scales[[axes.index(axis)]].astype(np.float32)
    inputs = ["x", "", "scales", ""] if scales.size else ["x", "", "", "sizes"]
    node = helper.make_node("Resize", inputs, ["y"])
    node.attribute.extend(a for a in call.node.attribute if a.name not in ("axes", "keep_aspect_ratio_policy"))
    values = [helper.make_empty_tensor_value_info(name) for name in inputs if name]
    graph = helper.make_graph([node], "row", values, [helper.make_empty_tensor_value_info("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", call.opset)])
    try:
        (y,) = ReferenceEvaluator(model).run(None, {name: feeds[name] for name in inputs if name})
    except (LookupError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False
    return np.array_equal(y, np.repeat(row, wanted // size))


def _repeated(call: Call, x: Tensor, scales: Sequence[float]) -> Tensor:
    if any(scale != int(scale) or scale < 1 for scale in scales) or scales[0] != 1:
        call.refuse(f"resizes by {[round(s, 3) for s in scales]}.", "Use whole numbers, or ConvTranspose.")
    enlarged = [axis for axis, scale in enumerate(scales) if scale != 1]
    rest = [axis for axis in x.layout if axis not in enlarged]
    if not enlarged:
        return x
    layout = with_axes(x.layout, (axis for axis in enlarged if axis not in x.layout))
    if not rest:
        call.refuse("enlarges every axis.", "Only space can be enlarged: keep batch and channels.")
    if layout[-1] in enlarged:
        layout = (*enlarged, *rest)
    x = call.align(x, layout)
    return call.result(call.add(Upsample(tuple(int(scales[axis]) for axis in layout[:-1])), x), layout)
