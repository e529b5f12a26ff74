"""Scales of rectifiers from samples."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from snntoolbox.calibration import calibrate
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.normalize_activations import NormalizeActivations
from snntoolbox.testing.evaluation import node_values


def network(first=None, relu=None, dtype=np.float32):
    """Two rectified layers of three channels, and an output."""
    rng = np.random.default_rng(3)
    weights = [rng.normal(size=(1, 1, 2, 3)), rng.uniform(-0.3, 1, size=(1, 1, 3, 3)), rng.normal(size=(3, 2))]
    weights[0] = weights[0] if first is None else first
    nodes = (
        Node("x", ops.Input((4, 4, 2))),
        Node("c1", ops.Conv(weights[0].astype(dtype)), ("x",)),
        Node("r1", relu or ops.Relu(), ("c1",)),
        Node("c2", ops.Conv(weights[1].astype(dtype)), ("r1",)),
        Node("r2", ops.Relu(), ("c2",)),
        Node("out", ops.Dense(weights[2].astype(dtype)), ("r2",)),
    )
    return Graph(nodes, ("out",))


def batches(x, size=7):
    return [x[i : i + size] for i in range(0, len(x), size)]


def activations(graph, x, name):
    return node_values(graph, {"x": x})[name]


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(50, 4, 4, 2)).astype(np.float32)


@pytest.mark.parametrize("percentile", [90.0, 99.9])
def test_a_layer_has_the_percentile_of_its_activity(percentile, x):
    graph = network()
    found = calibrate(graph, batches(x), percentile=percentile)
    assert found.num_samples == 50 and found.relative_error == 2**-10
    for name in ("r1", "r2"):
        values = activations(graph, x, name)
        expected = np.percentile(values[values > 0], percentile)
        assert found.scales[name] == pytest.approx(expected, rel=found.relative_error)
        layer = found.layers[name]
        assert layer.percentile == percentile
        assert layer.maximum == pytest.approx(values.max(), rel=1e-6)
        assert layer.active_fraction == pytest.approx((values > 0).mean())
        assert layer.counts.sum() == (values > 0).sum()


@pytest.mark.parametrize("percentile", [90.0, 99.9])
def test_a_channel_has_the_percentile_of_its_own_activity(percentile, x):
    graph = network()
    found = calibrate(graph, batches(x), percentile=percentile, channel_wise=True)
    assert found.relative_error == 2**-6
    for name in ("r1", "r2"):
        values = activations(graph, x, name).reshape(-1, 3)
        expected = [np.percentile(column[column > 0], percentile) for column in values.T]
        np.testing.assert_allclose(found.scales[name], expected, rtol=found.relative_error)


def test_percentile_100_is_the_exact_maximum(x):
    graph = network()
    for channel_wise in (False, True):
        found = calibrate(graph, batches(x), percentile=100, channel_wise=channel_wise)
        assert found.relative_error == 0
        axes = (0, 1, 2) if channel_wise else None
        np.testing.assert_allclose(found.scales["r2"], activations(graph, x, "r2").max(axis=axes), rtol=1e-6)


def test_a_schedule_lowers_the_percentile_with_depth_and_keeps_its_fraction(x):
    found = calibrate(network(), batches(x), percentile=99.9, schedule=True)
    assert [layer.percentile for layer in found.layers.values()] == pytest.approx([99.9, 99.88])


def test_the_batch_size_makes_no_difference(x):
    graph = network()
    assert calibrate(graph, [x]).scales == pytest.approx(calibrate(graph, batches(x, 3)).scales, rel=1e-6)


def test_a_scale_is_at_most_the_ceiling(x):
    for ceiling in (0.5, np.array([0.5, 1.0, 1e3], np.float32)):
        found = calibrate(network(relu=ops.Relu(ceiling)), batches(x), channel_wise=isinstance(ceiling, np.ndarray))
        assert np.all(found.scales["r1"] <= ceiling) and np.isclose(np.min(found.scales["r1"]), 0.5)
    after = NormalizeActivations(found.scales)(network(relu=ops.Relu(ceiling)))
    assert np.all(after["r1"].op.max_value >= 1)


def test_a_leaky_rectifier_counts_by_absolute_value(x):
    graph = network(relu=ops.Relu(negative_slope=0.5))
    expected = np.percentile(np.abs(activations(graph, x, "r1")), 90)
    assert calibrate(graph, batches(x), percentile=90).scales["r1"] == pytest.approx(expected, rel=2**-10)


def test_a_silent_layer_gets_1_and_is_named(x, caplog):
    with caplog.at_level(logging.WARNING):
        found = calibrate(network(first=np.zeros((1, 1, 2, 3))), batches(x), channel_wise=True)
    assert np.all(found.scales["r1"] == 1) and found.layers["r1"].dead_channels == (0, 1, 2)
    assert "without any activity for these samples get the scale 1: r1, r2" in caplog.text


def test_a_silent_channel_gets_the_scale_of_its_layer_and_is_named(x, caplog):
    first = np.array([[[[1.0, 0.0, 1.0], [1.0, 0.0, -1.0]]]])
    with caplog.at_level(logging.WARNING):
        found = calibrate(network(first=first), batches(x), channel_wise=True)
    layer = calibrate(network(first=first), batches(x)).scales["r1"]
    assert found.layers["r1"].dead_channels == (1,)
    assert found.scales["r1"][1] == pytest.approx(layer, rel=2**-6)
    assert "get the scale of their layer: 1 in 1 layers, most in r1 (1 of 3)" in caplog.text


def test_a_hardly_active_channel_gets_a_hundredth_of_its_layer(x):
    first = np.array([[[[1.0, 1e-6, 1.0], [1.0, 1e-6, -1.0]]]])
    found = calibrate(network(first=first), batches(x), channel_wise=True)
    assert found.scales["r1"][1] == pytest.approx(found.scales["r1"][0] / 100, rel=0.2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_activations_that_are_no_numbers_name_the_layer(value):
    x = np.ones((20, 4, 4, 2), np.float32)
    x[15, 0, 0, 0] = value
    first = np.ones((1, 1, 2, 3))
    with pytest.raises(ConversionError, match=r"node 'r1' \(Relu\).*batch that starts at sample 14"):
        calibrate(network(first=first), batches(x))


def test_no_samples_are_refused():
    with pytest.raises(DataError, match="at least one sample"):
        calibrate(network(), [])


@pytest.mark.parametrize("percentile", [0, -1, 100.1, np.nan])
def test_percentiles_out_of_range_are_refused(percentile, x):
    with pytest.raises(ConversionError, match=r"\(0, 100\]"):
        calibrate(network(), batches(x), percentile=percentile)


def test_a_network_without_rectifiers_needs_no_scales(chain_of_one, x):
    assert calibrate(chain_of_one, batches(x)).scales == {}


@pytest.fixture
def chain_of_one():
    nodes = (Node("x", ops.Input((4, 4, 2))), Node("out", ops.Dense(np.ones((2, 2))), ("x",)))
    return Graph(nodes, ("out",))


def test_results_cannot_be_changed(x):
    found = calibrate(network(), batches(x), channel_wise=True)
    with pytest.raises(ValueError, match="read-only"):
        found.scales["r1"][0] = 3
    with pytest.raises(TypeError):
        found.layers["r1"] = None


@pytest.mark.parametrize("channel_wise", [False, True])
def test_robust_scales_count_zeros_as_well(channel_wise, x):
    graph = network()
    found = calibrate(graph, batches(x), method="robust", percentile=95, channel_wise=channel_wise)
    values = activations(graph, x, "r2").reshape(-1, 3)
    expected = np.percentile(values, 95, axis=0 if channel_wise else None)
    np.testing.assert_allclose(found.scales["r2"], expected, rtol=2**-6)
    assert found.scales["r1"] != pytest.approx(calibrate(graph, batches(x), percentile=95).scales["r1"], rel=0.01)


def test_a_percentile_among_the_zeros_is_no_scale():
    found = calibrate(network(first=np.full((1, 1, 2, 3), -1.0)), [np.ones((3, 4, 4, 2))], method="robust")
    assert found.scales["r1"] == 1
