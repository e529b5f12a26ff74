"""What comes after the last neurons is applied outside the simulator."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.head import split_head
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Activation, Add, Dense, Input, Relu, Softmax, Spiking
from snntoolbox.neurons import Accumulator, IntegrateAndFire


def network(*head: Node, outputs: tuple[str, ...]) -> Graph:
    nodes = (
        Node("x", Input((2,))),
        Node("fc", Dense(np.eye(2)), ("x",)),
        Node("hidden", Spiking(IntegrateAndFire()), ("fc",)),
        Node("out", Dense(np.eye(2)), ("hidden",)),
        Node("read", Spiking(Accumulator()), ("out",)),
    )
    return Graph((*nodes, *head), outputs, {"spike_code": "rate"})


def test_an_output_layer_of_neurons_has_no_head() -> None:
    split = split_head(network(outputs=("read",)))
    assert split.nodes == ()
    assert split.readouts == ("read",)


def test_activations_behind_the_output_layer_are_the_head() -> None:
    split = split_head(network(Node("p", Softmax(), ("read",)), outputs=("p",)))
    assert split.readouts == ("read",)
    assert "p" not in split.body
    values = split.apply({"read": np.array([[np.log(3.0), 0.0]])})
    assert values["p"] == pytest.approx(np.array([[0.75, 0.25]]))


def test_a_hidden_layer_can_be_read_too() -> None:
    head = (Node("s", Activation("sigmoid"), ("read",)), Node("r", Relu(), ("hidden",)), Node("sum", Add(), ("s", "r")))
    split = split_head(network(*head, outputs=("sum", "hidden")))
    assert split.readouts == ("hidden", "read")
    values = split.apply({"hidden": np.array([[-1.0, 2.0]]), "read": np.array([[0.0, 0.0]])})
    assert values["sum"].tolist() == [[0.5, 2.5]]
    assert values["hidden"].tolist() == [[-1.0, 2.0]]
