"""Thresholds that are balanced, locally or by spikes."""

from __future__ import annotations

import numpy as np
import pytest

import snntoolbox
from snntoolbox.backends import Probes
from snntoolbox.calibration import Balancing, calibrate
from snntoolbox.calibration.local_balancing import BATCH, balance_locally
from snntoolbox.codes import PoissonSpikes
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.testing.evaluation import node_values


def network(pool=False):
    rng = np.random.default_rng(5)
    weights = [rng.normal(size=(3, 3, 2, 4)) * 0.4, rng.uniform(-0.4, 0.5, (3, 3, 4, 3)), rng.normal(size=(48, 2))]
    same = ((1, 1), (1, 1))
    first = "pool" if pool else "r1"
    size = 12 if pool else 48
    nodes = (
        Node("x", ops.Input((4, 4, 2))),
        Node("c1", ops.Conv(np.float32(weights[0]), np.float32([0.1, 0, -0.1, 0.2]), padding=same), ("x",)),
        Node("r1", ops.Relu(), ("c1",)),
        *((Node("pool", ops.MaxPool((2, 2)), ("r1",)),) if pool else ()),
        Node("c2", ops.Conv(np.float32(weights[1]), padding=same), (first,)),
        Node("r2", ops.Relu(), ("c2",)),
        Node("flat", ops.Reshape((size,)), ("r2",)),
        Node("out", ops.Dense(np.float32(weights[2][:size])), ("flat",)),
    )
    return Graph(nodes, ("out",))


@pytest.fixture
def x():
    return np.random.default_rng(0).uniform(0, 1, (2 * BATCH, 4, 4, 2)).astype(np.float32)


@pytest.mark.parametrize("channel_wise", [False, True])
def test_local_balancing_follows_its_equation(channel_wise, x):
    graph = network()
    axes = (0, 1, 2) if channel_wise else None
    expected = {"r1": np.zeros(4 if channel_wise else ()), "r2": np.zeros(3 if channel_wise else ())}
    for part in (x[:BATCH], x[BATCH:], x[:BATCH]):
        first = node_values(graph, {"x": part})["r1"]
        expected["r1"] = expected["r1"] + 2 * np.maximum(first - expected["r1"], 0).mean(axis=axes)
        clipped = np.minimum(first, expected["r1"])
        rest = Graph((Node("r1", ops.Input((4, 4, 4))), *graph.nodes[3:]), ("out",))
        second = node_values(rest, {"r1": clipped})["r2"]
        expected["r2"] = expected["r2"] + 2 * np.maximum(second - expected["r2"], 0).mean(axis=axes)
    found = balance_locally(graph, [x], rounds=3, channel_wise=channel_wise)
    for name, scale in expected.items():
        np.testing.assert_allclose(found[name], scale, rtol=1e-5)


def test_more_rounds_give_larger_scales(x):
    few, many = (
        calibrate(network(), [x], method="local_balancing", balancing=Balancing(rounds=rounds)) for rounds in (3, 100)
    )
    for name, scale in many.scales.items():
        assert few.scales[name] < scale <= many.layers[name].maximum * (1 + 1e-6)


@pytest.mark.parametrize("pool", [False, True])
def test_no_input_exceeds_a_threshold_that_spikes_balanced(pool, x):
    """Simulated with the same spikes, the largest input of a layer in one step is its threshold."""
    options = {"method": "threshold_balancing", "balancing": Balancing(steps=20)}
    graph = network(pool)
    spiking = snntoolbox.convert(graph, x, poisson_rate=1.0, peak=float(x.max()), **options)
    for name, model in ((name, spiking[name].op.model) for name in ("r1", "r2")):
        counts_only = spiking.with_nodes(spiking.nodes)
        record = snntoolbox.simulate(
            counts_only,
            PoissonSpikes(x, 1.0, float(x.max())),
            backend="reference",
            num_steps=20,
            probes=Probes(spikes=(name,), potentials=(name,)),
        )
        size = model.threshold
        after = record.potentials[name] + size * record.spike_trains[name]
        before = np.concatenate([np.full_like(after[:1], model.initial_potential), record.potentials[name][:-1]])
        assert (after - before).max() == pytest.approx(size, rel=1e-4)


def test_weights_stay_and_the_factor_scales_thresholds(x):
    graph = network()
    whole, scaled = (
        snntoolbox.convert(graph, x, method="threshold_balancing", balancing=Balancing(steps=10, factor=factor))
        for factor in (1.0, 0.3)
    )
    for spiking in (whole, scaled):
        np.testing.assert_array_equal(spiking["c2"].op.kernel, graph["c2"].op.kernel)
    assert scaled["r1"].op.model.threshold == pytest.approx(0.3 * whole["r1"].op.model.threshold)


@pytest.mark.parametrize("method", ["local_balancing", "threshold_balancing"])
def test_silent_channels_get_the_scale_of_their_layer(method, x):
    graph = network()
    kernel = graph["c2"].op.kernel.copy()
    kernel[..., 1] = 0
    silent = graph.with_nodes(
        Node(n.name, n.op.replace(kernel=kernel) if n.name == "c2" else n.op, n.inputs) for n in graph.nodes
    )
    balancing = Balancing(rounds=50, steps=10)
    found = calibrate(silent, [x], method=method, channel_wise=True, balancing=balancing)
    assert found.layers["r2"].dead_channels == (1,)
    assert found.scales["r2"][1] == found.scales["r2"].max()


@pytest.mark.parametrize(
    ("method", "balancing", "word"),
    [
        ("local_balancing", Balancing(rounds=0), "round"),
        ("threshold_balancing", Balancing(steps=0), "step"),
        ("threshold_balancing", Balancing(factor=0.0), "factor"),
    ],
)
def test_limits(method, balancing, word, x):
    with pytest.raises(ConversionError, match=word):
        calibrate(network(), [x], method=method, balancing=balancing)
    with pytest.raises(DataError, match="sample"):
        calibrate(network(), [], method=method)
