"""The same network, whatever file it comes from.

The files are made by `make_onnx_fixtures.py`: with Keras and its ONNX export, and with both exporters of PyTorch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.frontends.onnx.simplify import simplify
from snntoolbox.ir.edit import rename
from snntoolbox.ir.evaluate import max_relative_deviation
from snntoolbox.ir.text import to_text
from snntoolbox.passes.fold_batch_norm import FoldBatchNorm
from snntoolbox.testing.evaluation import node_values

FOLDER = Path(__file__).parent
KERAS = sorted(path.stem for path in (FOLDER / "keras").glob("*.onnx"))
TORCH = sorted({path.stem.rpartition("_")[0] for path in (FOLDER / "torch").glob("*.onnx")})


def with_padding_folded(graph):
    """The graph with layers of padding inside the convolutions after them, where the export has them."""
    return simplify(graph, {node.name: node.name for node in graph.nodes})[0]


def run(graph, x):
    """The value of the only output for the only input."""
    return node_values(graph, {graph.inputs[0]: x})[graph.outputs[0]]


def without_names(graph):
    """The graph's text with numbers for names; batch normalisation folded, as an exporter may have done."""
    graph = FoldBatchNorm()(graph)
    return to_text(rename(graph, {node.name: f"n{number}" for number, node in enumerate(graph.nodes)}))


@pytest.mark.parametrize("name", KERAS)
def test_keras_and_its_onnx_export_print_the_same_graph(name):
    keras = KerasFrontend().parse(FOLDER / "keras" / f"{name}.keras")
    if any(node.op.kind == "Pad" for node in keras.nodes):
        keras = with_padding_folded(keras)
    onnx = OnnxFrontend().parse(FOLDER / "keras" / f"{name}.onnx")
    assert to_text(onnx) == to_text(keras)
    x = np.random.default_rng(0).normal(size=(3, *keras.shapes[keras.inputs[0]])).astype(np.float32)
    assert max_relative_deviation(run(keras, x), run(onnx, x)) <= 1e-5


@pytest.mark.parametrize("exporter", ["dynamo", "legacy"])
@pytest.mark.parametrize("name", TORCH)
def test_files_of_pytorch_answer_as_pytorch_did(name, exporter):
    path = FOLDER / "torch" / f"{name}_{exporter}.onnx"
    with np.load(FOLDER / "torch" / "outputs.npz") as answers:
        x, y = (_channels_last(answers[f"{name}_{part}"]) for part in "xy")
    assert max_relative_deviation(y, run(OnnxFrontend().parse(path), x)) <= 1e-5
    assert max_relative_deviation(y, OnnxFrontend().reference_outputs(path, x)) <= 1e-5


def _channels_last(x):
    return np.moveaxis(x, 1, -1)


@pytest.mark.parametrize("name", TORCH)
def test_both_exporters_of_pytorch_print_the_same_graph(name):
    graphs = [OnnxFrontend().parse(FOLDER / "torch" / f"{name}_{exporter}.onnx") for exporter in ("dynamo", "legacy")]
    assert without_names(graphs[0]) == without_names(graphs[1])


def test_there_are_files():
    assert len(KERAS) >= 4 and len(TORCH) >= 10
