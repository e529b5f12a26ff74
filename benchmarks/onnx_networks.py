"""ONNX networks of the size people use, and small ones of every exporter: are they read exactly?

    python benchmarks/onnx_networks.py [--json FILE] [--quick] [--only NAME]

Two groups of rows:

* the networks whose topologies the onnx package ships for tests (ResNet-50, DenseNet-121, Inception, ShuffleNet,
  SqueezeNet, VGG-19, ...), at full resolution. Their weights there are all alike, so they get random ones, with
  batch-norm statistics that are not trivial, and end before their softmax;
* the files of tests/golden: PyTorch by both exporters against its own answers, Keras's export against onnxruntime.

The deviation is the largest difference between the outputs of the graph and those of onnxruntime (or PyTorch), divided
by the largest output. Networks with ops that have no spiking counterpart are refused; the row names these.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).parents[1]))

from snntoolbox import evaluate
from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.frontends.onnx.constants import static_model
from snntoolbox.ir.evaluate import max_relative_deviation

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
GOLDEN = Path(__file__).parents[1] / "tests" / "golden"
TOLERANCE = 1e-4
NUM_SAMPLES = 2
QUICK = ("light shufflenet", "light squeezenet", "light bvlc_alexnet")


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


def measure(name):
    """Return the numbers of one row."""
    group, _, network = name.partition(" ")
    expected = x = None
    if group == "light":
        source = with_random_weights(onnx.load(LIGHT / f"light_{network}.onnx"), seed=0)
    else:
        source = GOLDEN / group / f"{network}.onnx"
    if group == "torch":
        with np.load(GOLDEN / "torch" / "outputs.npz") as answers:
            x, expected = (np.moveaxis(answers[f"{network.rpartition('_')[0]}_{part}"], 1, -1) for part in "xy")
    start = time.perf_counter()
    try:
        graph = OnnxFrontend().parse(source)
    except UnsupportedError as error:
        return {"refused": [f"{problem.where}" for problem in error.problems]}
    seconds = time.perf_counter() - start
    if x is None:
        x = np.random.default_rng(1).normal(size=(NUM_SAMPLES, *graph.shapes[graph.inputs[0]])).astype(np.float32)
    if expected is None:
        expected = OnnxFrontend().reference_outputs(source, x)
    return {
        "input": "x".join(map(str, graph.shapes[graph.inputs[0]])),
        "nodes": len(graph.nodes),
        "parameters": graph.num_parameters(),
        "parse_seconds": seconds,
        "output_spread": float(np.std(expected)),
        "deviation": max_relative_deviation(expected, evaluate(graph, x)),
    }


def rows():
    """Names of all rows."""
    light = sorted(path.stem.removeprefix("light_") for path in LIGHT.glob("light_*.onnx"))
    golden = [
        f"{group} {path.stem}" for group in ("torch", "keras") for path in sorted((GOLDEN / group).glob("*.onnx"))
    ]
    return [*(f"light {name}" for name in light), *golden]


def main():
    """Measure and print; 0 if all deviations are within the tolerance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--quick", action="store_true", help="small networks alone")
    parser.add_argument("--only", default="", help="rows that begin with this")
    options = parser.parse_args()
    quick = [name for name in rows() if not name.startswith("light") or name in QUICK]
    chosen = [name for name in (quick if options.quick else rows()) if name.startswith(options.only)]
    table = Table(title="ONNX networks")
    for column in ("network", "input", "nodes", "parameters", "read in s", "deviation"):
        table.add_column(column, justify="left" if column in ("network", "input") else "right")
    results = {}
    for name in chosen:
        found = results[name] = measure(name)
        print(f"{name}: {found}", file=sys.stderr, flush=True)
        if "refused" in found:
            table.add_row(name, "", "", "", "", f"refused: {', '.join(found['refused'])}")
            continue
        numbers = (
            f"{found['nodes']}",
            f"{found['parameters']:,}",
            f"{found['parse_seconds']:.1f}",
            f"{found['deviation']:.1e}",
        )
        table.add_row(name, found["input"], *numbers)
    Console(width=140).print(table)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0 if all(found.get("deviation", 0.0) <= TOLERANCE for found in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
