"""ONNX files: the topologies that the onnx package ships, and small networks of every exporter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from network_lines.comparison import compared
from onnx import TensorProto, helper, numpy_helper

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.frontends.onnx.constants import static_model
from snntoolbox.frontends.onnx.simplify import simplify
from snntoolbox.ir.text import to_text

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
GOLDEN = Path(__file__).parents[2] / "tests" / "golden"


def light_names() -> list[str]:
    """Names of the networks in the onnx package."""
    return sorted(path.stem.removeprefix("light_") for path in LIGHT.glob("light_*.onnx"))


def torch_names() -> list[str]:
    """Names of PyTorch's files: the network and the exporter."""
    return sorted(path.stem for path in (GOLDEN / "torch").glob("*.onnx"))


def keras_names() -> list[str]:
    """Names of the networks that are there as Keras saves them and as Keras exports them."""
    return sorted(path.stem for path in (GOLDEN / "keras").glob("*.onnx"))


def parse_light(name: str) -> dict[str, Any]:
    """Read one of the onnx package's networks with random weights, and compare it with onnxruntime.

    Networks of 2012 and 2014 have LRN layers, which are refused; they are compared without these.
    """
    source = with_random_weights(onnx.load(LIGHT / f"light_{name}.onnx"), seed=0)
    (shape,) = static_model(source).inputs.values()
    _, channels, *space = shape
    x = np.random.default_rng(1).normal(size=(2, *space, channels)).astype(np.float32)
    try:
        return compared(OnnxFrontend(), source, x)
    except UnsupportedError as error:
        refused = [problem.where for problem in error.problems]
    for node in source.graph.node:
        if node.op_type == "LRN":
            node.op_type = "Identity"
            del node.attribute[:]
    return {**compared(OnnxFrontend(), source, x), "refused": refused, "note": "compared without what is refused"}


def parse_torch(name: str) -> dict[str, Any]:
    """Read a file of PyTorch, and compare it with what PyTorch answered."""
    network = name.rpartition("_")[0]
    with np.load(GOLDEN / "torch" / "outputs.npz") as answers:
        x, expected = (np.moveaxis(answers[f"{network}_{part}"], 1, -1) for part in "xy")
    return compared(OnnxFrontend(), GOLDEN / "torch" / f"{name}.onnx", x, expected)


def parse_export(name: str) -> dict[str, Any]:
    """Read a network from Keras's own file and from Keras's ONNX export: is it the same graph to the letter?"""
    source = GOLDEN / "keras" / f"{name}.onnx"
    graphs = [KerasFrontend().parse(source.with_suffix(".keras")), OnnxFrontend().parse(source)]
    # The export has a layer of padding inside the convolution behind it.
    texts = [to_text(simplify(graph, {node.name: node.name for node in graph.nodes})[0]) for graph in graphs]
    shape = graphs[0].shapes[graphs[0].inputs[0]]
    x = np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    numbers = compared(OnnxFrontend(), source, x)
    return {**numbers, "same_text": texts[0] == texts[1], "passed": numbers["passed"] and texts[0] == texts[1]}


def with_random_weights(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """Return the network with random weights under which activations neither vanish nor explode (He et al. 2015).

    Every value that is used as a weight, a bias or a statistic is drawn; a softmax at the end is left out.
    """
    static = static_model(model)
    rng = np.random.default_rng(seed)
    values = dict(static.constants)
    for node in static.nodes:
        draw = {"Conv": _kernel, "Gemm": _matrix, "BatchNormalization": _statistics}.get(node.op_type, _factor)
        for place, name in enumerate(node.input):
            if name in values and values[name].dtype == np.float32:
                values[name] = draw(rng, place, values[name].shape)
    *nodes, last = static.nodes
    nodes, output = (nodes, last.input[0]) if last.op_type == "Softmax" else ([*nodes, last], last.output[0])
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in static.inputs.items()]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    weights = [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, model.graph.name, inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=8)


def _kernel(rng, place, shape):
    return _normal(rng, shape, np.sqrt(2 / np.prod(shape[1:]))) if place == 1 else _normal(rng, shape, 0.05)


def _matrix(rng, place, shape):
    return _normal(rng, shape, np.sqrt(2 / max(shape))) if place == 1 else _normal(rng, shape, 0.05)


def _statistics(rng, place, shape):
    """Scale, bias, mean and variance."""
    positive = place in (1, 4)
    return rng.uniform(0.5, 1.5, shape).astype(np.float32) if positive else _normal(rng, shape, 0.2)


def _factor(rng, place, shape):
    """What is multiplied or added elsewhere."""
    return rng.uniform(0.5, 1.5, shape).astype(np.float32)


def _normal(rng, shape, deviation):
    return rng.standard_normal(shape, np.float32) * np.float32(deviation)
