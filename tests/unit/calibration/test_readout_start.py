"""When the output is read: found from first spikes, or from the simulation layer by layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snntoolbox.api import convert
from snntoolbox.calibration.readout_start import READOUT_START, readout_start
from snntoolbox.calibration.refine import Refinement, refine
from snntoolbox.calibration.trial import TrialSet
from snntoolbox.codes.rate import RateCode
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.neurons import IntegrateAndFire
from snntoolbox.testing.residual_graphs import ResidualKind, residual_graph

T = 8


def test_the_start_of_the_readout_is_the_sum_of_the_rises(single):
    graph = single()
    normalized = Graph(
        (
            *graph.nodes[:2],
            Node("hidden", ops.Relu(), ("fc",)),
            Node("last", graph["last"].op, ("hidden",)),
        ),
        ("last",),
    )
    x = np.array([[0.2, 0.4], [0.4, 0.4]], np.float32)
    assert readout_start(normalized, graph, x) == 3  # 1 / 0.4 = 2.5
    x = np.array([[0.2, 1.0], [0.4, 1.0]], np.float32)
    assert readout_start(normalized, graph, x) == 1
    assert readout_start(normalized, single(clamp_steps=6), x) == 7


@pytest.fixture
def delayed(single):
    """A layer that is silent for 4 steps, as its potential starts far below the threshold."""
    model = IntegrateAndFire(initial_potential=-1.5)
    return replace_ops(single(), {"hidden": ops.Spiking(model)})


def test_the_automatic_start_leaves_out_what_is_wrong_at_first(delayed):
    x = np.full((20, 2), 0.5, np.float32)
    trials = TrialSet({"x": RateCode().encode(x)}, {"out": x}, 10, 12, start=None)
    outcome = trials.run(delayed)  # spikes in steps 5, 7, 9, 11 of 12
    assert outcome.start == 4
    np.testing.assert_allclose(outcome.outputs["out"], 0.5)
    assert replace(trials, start=0).run(delayed).outputs["out"][0, 0] == pytest.approx(4 / 12)


def test_the_automatic_start_does_not_mind_what_weights_will_correct():
    rng = np.random.default_rng(0)
    x = rng.uniform(0.1, 0.9, (64, 2)).astype(np.float32)
    values = np.broadcast_to(x, (12, *x.shape)) + rng.normal(scale=0.1, size=(12, *x.shape))
    values[:8] = 0.5 * x + 1.0  # exact but for size and mean
    trials = TrialSet({}, {"out": x}, 32, 12, start=None)
    assert trials.best_start({"out": values}) == 8
    assert trials.best_start({"out": values}, corrected=True) < 4


@pytest.mark.parametrize("steps", [T, None])
def test_the_automatic_start_needs_no_calibration(steps):
    graph = residual_graph(3, ResidualKind())
    x = np.random.default_rng(0).normal(size=(32, 8, 8, 2)).astype(np.float32)
    wanted = Refinement(readout_start="auto", num_samples=32)
    clamped = convert(graph, x, refinement=wanted, num_steps=steps, clamp_delay=1.0)
    assert int(clamped.attributes[READOUT_START]) >= 3


def test_networks_too_large_to_look_for_the_start_take_the_first_spikes(network, monkeypatch):
    converted, code, x = network
    monkeypatch.setattr("snntoolbox.calibration.refine._MEMORY", 1000)
    wanted = Refinement(readout_start="auto")
    graph = refine(converted.normalized, converted.spiking, code, x, wanted, T)
    assert int(graph.attributes[READOUT_START]) == readout_start(converted.normalized, converted.spiking, x)
