"""Evaluation of whole graphs: values, batches, inputs and outputs, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.errors import DataError, GraphError
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.evaluate import Evaluator, evaluate, max_relative_deviation
from snntoolbox.ir.ops import Add, Affine, Dense, Input, Relu, Spiking
from snntoolbox.neurons import IntegrateAndFire

W = np.array([[1.0, -1.0], [2.0, 0.5], [-1.0, 3.0]])


def one_layer():
    return Graph((Node("in", Input((3,))), Node("fc", Dense(W), ("in",)), Node("relu", Relu(), ("fc",))), ("relu",))


def two_inputs():
    nodes = (
        Node("a", Input((2,))),
        Node("b", Input((2,))),
        Node("sum", Add(), ("a", "b")),
        Node("twice", Affine(np.array(2.0)), ("sum",)),
    )
    return Graph(nodes, ("sum", "twice"))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_values_do_not_depend_on_the_batch_size(batch_size, rng):
    x = rng.normal(size=(7, 3))
    y = evaluate(one_layer(), x, batch_size=batch_size)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, np.maximum(x @ W, 0), rtol=1e-5, atol=1e-6)


def test_double_precision(rng):
    x = rng.normal(size=(7, 3))
    y = evaluate(one_layer(), x, dtype="float64")
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, np.maximum(x @ W, 0), rtol=1e-14)


def test_no_samples_give_no_values():
    assert evaluate(one_layer(), np.zeros((0, 3))).shape == (0, 2)


def test_only_requested_nodes_are_returned(rng):
    x = rng.normal(size=(4, 3)).astype(np.float32)
    values = evaluate(one_layer(), x, nodes=["fc", "in"])
    assert list(values) == ["fc", "in"]
    np.testing.assert_array_equal(values["in"], x)
    np.testing.assert_allclose(values["fc"], x @ W, rtol=1e-5, atol=1e-6)


def test_several_inputs_and_outputs():
    values = evaluate(two_inputs(), {"b": np.ones((5, 2), np.uint8), "a": np.full((5, 2), 3)}, batch_size=2)
    np.testing.assert_array_equal(values["sum"], np.full((5, 2), 4.0))
    np.testing.assert_array_equal(values["twice"], np.full((5, 2), 8.0))


def test_an_evaluator_is_compiled_once_for_all_batch_sizes(monkeypatch):
    from snntoolbox.ir import tf_ops

    applied = []
    monkeypatch.setattr(
        tf_ops, "apply_op", lambda op, *x, apply=tf_ops.apply_op: applied.append(op.kind) or apply(op, *x)
    )
    evaluator = Evaluator(one_layer())
    for batch_size in (1, 2, 5):
        assert evaluator(np.zeros((batch_size, 3)))["relu"].shape == (batch_size, 2)
    assert applied == ["Dense", "Relu"]


def test_nodes_that_are_not_needed_are_not_computed(monkeypatch):
    from snntoolbox.ir import tf_ops

    applied = []
    monkeypatch.setattr(
        tf_ops, "apply_op", lambda op, *x, apply=tf_ops.apply_op: applied.append(op.kind) or apply(op, *x)
    )
    Evaluator(one_layer(), ["fc"])(np.zeros((1, 3)))
    assert applied == ["Dense"]


def test_a_stream_is_lazy():
    drawn = []

    def batches():
        for number in range(3):
            drawn.append(number)
            yield np.full((2, 3), number)

    stream = Evaluator(one_layer(), ["fc"]).stream(batches())
    np.testing.assert_array_equal(next(stream)["fc"], np.zeros((2, 2)))
    assert drawn == [0]
    assert len(list(stream)) == 2


def test_a_spiking_network_is_refused():
    graph = Graph((Node("in", Input((3,))), Node("n", Spiking(IntegrateAndFire()), ("in",))), ("n",))
    with pytest.raises(GraphError, match=r"spiking network \('n' \(Spiking\)\); use `simulate`"):
        evaluate(graph, np.zeros((1, 3)))


def test_an_unknown_node_is_refused():
    with pytest.raises(GraphError, match="no node 'nowhere'"):
        Evaluator(one_layer(), ["nowhere"])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((5, 4)), r"input 'in': expected numbers of shape \(num_samples, 3\), got float64 \(5, 4\)"),
        (np.zeros(3), r"got float64 \(3,\)"),
        (np.array(["a"]), "expected numbers"),
        ({"other": np.zeros((5, 3))}, r"expected samples for the inputs \['in'\], got \['other'\]"),
    ],
)
def test_samples_that_do_not_fit(x, message):
    with pytest.raises(DataError, match=message):
        evaluate(one_layer(), x)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((5, 2)), "2 inputs: expected a mapping"),
        ({"a": np.zeros((5, 2))}, r"expected samples for the inputs \['a', 'b'\], got \['a'\]"),
        ({"a": np.zeros((5, 2)), "b": np.zeros((4, 2))}, "equally many samples"),
    ],
)
def test_samples_that_do_not_fit_several_inputs(x, message):
    with pytest.raises(DataError, match=message):
        evaluate(two_inputs(), x)


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(DataError, match="batch_size: expected a whole number >= 1, got 0"):
        evaluate(one_layer(), np.zeros((2, 3)), batch_size=0)


@pytest.mark.parametrize(
    ("expected", "received", "deviation"),
    [
        (np.array([0.0, 4.0]), np.array([0.1, 4.0]), 0.025),
        (np.array([-4.0, 1.0]), np.array([-4.0, 0.0]), 0.25),
        (np.zeros(2), np.array([0.0, 0.5]), 0.5),
        (np.array([np.nan, 1.0]), np.array([np.nan, 1.0]), 0.0),
        (np.array([1.0]), np.array([np.nan]), np.inf),
        (np.array([np.nan]), np.array([1.0]), np.inf),
        (np.array([np.inf, 1.0]), np.array([np.inf, 1.0]), 0.0),
        (np.array([np.inf, 2.0]), np.array([np.inf, 3.0]), 0.5),
        (np.array([np.nan, 2.0]), np.array([np.nan, 3.0]), 0.5),
        (np.array([1.0, 2.0]), np.array([np.inf, 2.0]), np.inf),
        (np.zeros((0, 2)), np.zeros((0, 2)), 0.0),
        ([np.ones(2), np.full(2, 10.0)], [np.ones(2), np.full(2, 11.0)], 0.1),
        ({"a": np.ones(2)}, np.full(2, 1.5), 0.5),
    ],
)
def test_max_relative_deviation(expected, received, deviation):
    assert max_relative_deviation(expected, received) == pytest.approx(deviation)


def test_deviation_of_different_shapes_is_no_number():
    with pytest.raises(DataError, match="differ in shape"):
        max_relative_deviation(np.zeros((2, 3)), np.zeros((2, 1)))
