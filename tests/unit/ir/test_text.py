"""The printed form: one line a node, short, and free of what everybody expects."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire


def test_graph(branching):
    assert str(branching) == (
        "in: Input(shape=(4,4,2)) -> (4, 4, 2)\n"
        "conv: Conv(kernel=3x3x2x3, bias=3, strides=(1,1), padding=((1,1),(1,1))) <- in -> (4, 4, 3)\n"
        "relu: Relu() <- conv -> (4, 4, 3)\n"
        "half: Affine(scale=0.5) <- relu -> (4, 4, 3)\n"
        "sum: Add() <- relu, half -> (4, 4, 3)\n"
        "flat: Reshape(shape=(48,)) <- sum -> (48,)\n"
        "fc: Dense(weight=48x5) <- flat -> (5,)\n"
        "outputs: fc"
    )


@pytest.mark.parametrize(
    ("op", "shape", "text"),
    [
        (ops.Conv(np.ones((3, 3, 1, 4)), groups=2), (4, 4, 2), "Conv(kernel=3x3x1x4, strides=(1,1), groups=2)"),
        (
            ops.Conv(np.ones((3, 2, 4)), dilation=(2,), strides=(3,)),
            (9, 2),
            "Conv(kernel=3x2x4, strides=(3,), dilation=(2,))",
        ),
        (
            ops.ConvTranspose(np.ones((2, 1, 1)), output_padding=(1,), strides=(2,)),
            (4, 1),
            "ConvTranspose(kernel=2x1x1, strides=(2,), output_padding=(1,))",
        ),
        (ops.Relu(6.0), (3,), "Relu(max_value=6)"),
        (ops.Relu(negative_slope=0.1), (3,), "Relu(negative_slope=0.1)"),
        (ops.Relu(negative_slope=np.ones(3)), (3,), "Relu(negative_slope=3)"),
        (
            ops.AveragePool((2, 2), count_padding=True),
            (4, 4, 1),
            "AveragePool(pool=(2,2), strides=(2,2), count_padding=True)",
        ),
        (ops.Concat(0), (3,), "Concat(axis=0)"),
        (ops.Activation("tanh"), (3,), "Activation(function=tanh)"),
        (ops.Spiking(Accumulator()), (3,), "Spiking(model=Accumulator())"),
    ],
)
def test_op(op, shape, text):
    inputs = ("in", "in") if op.arity is None else ("in",)
    graph = Graph((Node("in", ops.Input(shape)), Node("op", op, inputs)), ("op",))
    assert str(graph).splitlines()[1].startswith(f"op: {text} <- in")


def test_neurons_print_their_parameters():
    model = IntegrateAndFire(threshold=np.ones(3), reset="zero", initial_potential=0.5)
    line = str(Graph((Node("in", ops.Input((3,))), Node("n", ops.Spiking(model), ("in",))), ("n",))).splitlines()[1]
    assert "threshold=3" in line
    assert "reset=zero" in line
    assert "initial_potential=0.5" in line


def test_node_in_a_message():
    assert str(Node("conv1", ops.Relu())) == "'conv1' (Relu)"
