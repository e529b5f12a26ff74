"""Weights in a fixed-point format."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.quantize_weights import QuantizeWeights


def network() -> Graph:
    dense = ops.Dense(np.array([[0.3, -0.13], [5.0, 0.12]]), np.array([0.26, -9.0]))
    norm = ops.Affine(np.array([2.0, 1.0]), np.array([0.1, 0.0]))
    return Graph((Node("x", ops.Input((2,))), Node("fc", dense, ("x",)), Node("norm", norm, ("fc",))), ("norm",))


def test_weights_and_biases_become_multiples_within_the_range():
    op = QuantizeWeights("Q1.2")(network())["fc"].op
    assert op.weight.tolist() == [[0.25, -0.25], [1.75, 0.0]]
    assert op.bias.tolist() == [0.25, -1.75]


def test_it_comes_after_batch_norm_is_folded():
    graph = Conversion(weight_format="Q4.2").prepare(network(), RateCode())
    (weighted,) = (node.op for node in graph.nodes if isinstance(node.op, ops.Dense))
    assert weighted.weight.tolist() == [[0.5, -0.25], [10.0, 0.0]]


def test_another_format_is_refused():
    with pytest.raises(ConversionError, match=r"Qm\.f"):
        QuantizeWeights("8 bits")(network())
