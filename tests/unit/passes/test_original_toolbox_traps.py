"""Networks that the original toolbox converted wrongly, without a warning: their predictions stay what they were."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes.rate import RateCode
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.pipeline import conversion_passes, preparation_passes, run_passes
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.passes import largest_activations

NUM_STEPS = 150
RELU = ops.Relu()


def predictions(graph, x, *, channel_wise=False):
    """Outputs of the network and of its spiking counterpart, and both graphs."""
    code = RateCode()
    prepared = run_passes(graph, preparation_passes(code))
    scales = largest_activations(prepared, {"x": x})
    if channel_wise:
        values = node_values(prepared, {"x": x})
        scales = {name: values[name].reshape(-1, values[name].shape[-1]).max(axis=0) + 1e-3 for name in scales}
    spiking = run_passes(prepared, conversion_passes(code, scales))
    with ReferenceBackend().compile(spiking, batch_size=len(x)) as simulation:
        record = simulation.run(code.encode(x), NUM_STEPS)
    return node_values(graph, {"x": x})[graph.outputs[0]], record.output, prepared, spiking


def decided(outputs):
    """Samples whose first class leads by more than what 150 steps can resolve: a hundredth of the largest output."""
    first, second = np.sort(outputs, axis=-1)[:, :-3:-1].T
    return first - second > 0.01 * np.abs(outputs).max()


def residual(rng):
    """A rectifier behind the sum of a linear branch and a rectified one."""
    weights = [rng.normal(size=shape) for shape in ((3, 3, 2, 4), (3, 3, 4, 4), (1, 1, 2, 4), (64, 3))]
    same = ((1, 1), (1, 1))
    nodes = (
        Node("x", ops.Input((4, 4, 2))),
        Node("c1", ops.Conv(weights[0], padding=same), ("x",)),
        Node("r1", RELU, ("c1",)),
        Node("c2", ops.Conv(weights[1], rng.normal(size=4), padding=same), ("r1",)),
        Node("shortcut", ops.Conv(weights[2]), ("x",)),
        Node("sum", ops.Add(), ("c2", "shortcut")),
        Node("r2", RELU, ("sum",)),
        Node("flat", ops.Reshape((64,)), ("r2",)),
        Node("fc", ops.Dense(weights[3]), ("flat",)),
        Node("out", ops.Softmax(), ("fc",)),
    )
    return Graph(nodes, ("out",))


@pytest.mark.parametrize("channel_wise", [False, True])
def test_a_rectifier_behind_a_sum_with_a_linear_branch(channel_wise, rng):
    graph, x = residual(rng), rng.uniform(size=(60, 4, 4, 2))
    _, snn, prepared, spiking = predictions(graph, x, channel_wise=channel_wise)
    logits = node_values(prepared, {"x": x})["fc"]
    clear = decided(logits)
    assert clear.mean() > 0.8 and len(set(logits.argmax(axis=1))) > 1
    np.testing.assert_array_equal(snn.argmax(axis=1)[clear], logits.argmax(axis=1)[clear])
    assert spiking.neurons == ("r1", "r2", "fc_potential")  # one layer at the sum, none on the linear branch


def test_negative_logits(rng):
    nodes = (
        Node("x", ops.Input((6,))),
        Node("fc1", ops.Dense(rng.normal(size=(6, 10))), ("x",)),
        Node("r", RELU, ("fc1",)),
        Node("out", ops.Dense(rng.normal(size=(10, 4)), np.full(4, -20.0)), ("r",)),
    )
    x = rng.uniform(size=(80, 6))
    ann, snn, _, _ = predictions(Graph(nodes, ("out",)), x)
    clear = decided(ann)
    assert ann.max() < 0 and clear.mean() > 0.8 and len(set(ann.argmax(axis=1))) > 1
    np.testing.assert_array_equal(snn.argmax(axis=1)[clear], ann.argmax(axis=1)[clear])
    np.testing.assert_allclose(snn, ann, atol=0.02 * np.abs(ann).max())


def test_flattening_behind_a_convolution_keeps_the_order_of_channels(rng):
    nodes = (
        Node("x", ops.Input((3, 4, 2))),
        Node("c", ops.Conv(rng.normal(size=(2, 2, 2, 3))), ("x",)),
        Node("r", RELU, ("c",)),
        Node("flat", ops.Reshape((18,)), ("r",)),
        Node("out", ops.Dense(rng.normal(size=(18, 4))), ("flat",)),
    )
    ann, snn, _, _ = predictions(Graph(nodes, ("out",)), rng.uniform(size=(20, 3, 4, 2)), channel_wise=True)
    np.testing.assert_allclose(snn, ann, atol=0.03 * np.abs(ann).max())
