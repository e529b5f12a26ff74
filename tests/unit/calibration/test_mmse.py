"""Scales with the least squared error."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.calibration import calibrate
from snntoolbox.calibration.histogram import LogHistogram
from snntoolbox.calibration.mmse import CANDIDATES, mmse_scales
from snntoolbox.codes.rate import RateCode
from snntoolbox.codes.rounding import Rounding
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.testing.evaluation import node_values


@pytest.fixture
def values():
    rng = np.random.default_rng(1)
    return np.float32(np.maximum(rng.normal(size=(4000, 3)) * [1, 10, 0.1], 0) ** 1.5)


def mean_squared_error(values, scale, steps):
    sent = np.clip(np.floor(values / scale * steps + 0.5), 0, steps) * scale / steps
    return ((sent - values) ** 2).mean()


@pytest.mark.parametrize("steps", [2, 8, 32])
def test_no_other_candidate_is_much_better(values, steps):
    histogram = LogHistogram(3, bits=6, octaves=16)
    histogram.add(values)
    found = mmse_scales(histogram, Rounding(1 / steps))
    for channel, scale in zip(values.T, found, strict=True):
        errors = [mean_squared_error(channel, channel.max() * share, steps) for share in CANDIDATES]
        assert mean_squared_error(channel, scale, steps) <= 1.03 * min(errors)


def test_fewer_steps_want_smaller_scales(values):
    histogram = LogHistogram(3)
    histogram.add(values)
    few, many = (mmse_scales(histogram, Rounding(1 / steps)) for steps in (2, 64))
    assert (few < 0.7 * many).all()


def test_finer_messages_are_like_more_steps(values):
    histogram = LogHistogram(3)
    histogram.add(values)
    plain = RateCode().rounding(64)
    graded = RateCode(neuron_model="graded", levels=16, level_spacing="uniform").rounding(4)
    assert graded == plain
    np.testing.assert_array_equal(mmse_scales(histogram, graded), mmse_scales(histogram, plain))


def test_bursts_reach_beyond_the_threshold(values):
    histogram = LogHistogram(3)
    histogram.add(values)
    burst = RateCode(neuron_model="burst", max_spikes=4).rounding(16)
    np.testing.assert_allclose(4 * mmse_scales(histogram, burst), mmse_scales(histogram, Rounding(1 / 64)))


def test_silent_rows_have_none():
    histogram = LogHistogram(2)
    histogram.add(np.float32([[0, 1], [0, 2]]))
    found = mmse_scales(histogram, Rounding(0.25))
    assert np.isnan(found[0]) and found[1] > 0


def test_calibration_finds_them_channel_by_channel():
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(6, 4)).astype(np.float32)
    nodes = (Node("x", ops.Input((6,))), Node("fc", ops.Dense(weight), ("x",)), Node("r", ops.Relu(), ("fc",)))
    graph, x = Graph(nodes, ("r",)), rng.normal(size=(500, 6)).astype(np.float32)
    found = calibrate(graph, [x], method="mmse", channel_wise=True, rounding=Rounding(1 / 8)).scales["r"]
    for channel, scale in zip(node_values(graph, {"x": x})["r"].T, found, strict=True):
        errors = [mean_squared_error(channel, channel.max() * share, 8) for share in CANDIDATES]
        assert mean_squared_error(channel, scale, 8) <= 1.05 * min(errors)


def test_the_number_of_steps_is_needed():
    graph = Graph((Node("x", ops.Input((2,))), Node("r", ops.Relu(), ("x",))), ("r",))
    with pytest.raises(ConversionError, match="num_steps"):
        calibrate(graph, [np.ones((1, 2))], method="mmse")
    with pytest.raises(ConversionError, match="mmse"):
        calibrate(graph, [np.ones((1, 2))], method="mse")
    with pytest.raises(ConversionError, match="unit"):
        Rounding(0.0)
