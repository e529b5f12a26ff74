"""Compensation, bias and potential: what is found where the error is known, and that only what helps is kept."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from snntoolbox.api import convert, evaluate, simulate
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.calibration.corrections import correct_layers
from snntoolbox.calibration.readout_start import READOUT_START, readout_start
from snntoolbox.calibration.refine import CALIBRATION, Refinement, calibrate_rates, refine
from snntoolbox.calibration.trial import TrialSet, make_trials
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.passes.adjust_neurons import CompensateRates, SetPotentials
from snntoolbox.passes.shift_biases import ShiftBiases
from snntoolbox.testing.residual_graphs import ResidualKind, residual_graph

T = 8


@pytest.fixture(scope="module")
def network():
    """A residual network without batch norm to fold, in three forms, and samples."""
    graph = residual_graph(3, ResidualKind(projection=True))
    x = np.random.default_rng(0).normal(size=(64, 8, 8, 2)).astype(np.float32)
    code = RateCode(initial_potential=0.0)
    return Conversion().run(graph, x, code), code, x


def error(converted, graph, x, num_steps=T):
    expected = evaluate(converted.normalized, x)
    received = simulate(graph, x, backend="reference", num_steps=num_steps).output
    return float(np.mean((received - expected) ** 2))


@pytest.mark.parametrize(
    "wanted",
    [
        Refinement("global"),
        Refinement("layer"),
        Refinement(bias=True),
        Refinement(potential=True),
        Refinement("layer", bias=True, potential=True),
    ],
    ids=["global", "layer", "bias", "potential", "all"],
)
def test_outputs_of_unseen_samples_come_closer(network, wanted):
    converted, code, x = network
    trials = make_trials(converted.normalized, converted.spiking, code, x, T)
    better, verdicts = calibrate_rates(converted.spiking, trials, wanted)
    unseen = np.random.default_rng(1).normal(size=(40, 8, 8, 2)).astype(np.float32)
    assert all(one.kept for one in verdicts)
    assert error(converted, better, unseen) < error(converted, converted.spiking, unseen)
    assert json.loads(better.attributes[CALIBRATION])[0]["kept"]


def test_the_verdict_says_what_simulation_says(network):
    converted, code, x = network
    trials = make_trials(converted.normalized, converted.spiking, code, x, T)
    better, (verdict,) = calibrate_rates(converted.spiking, trials, Refinement(bias=True, potential=True))
    variance = np.var(evaluate(converted.normalized, x[32:]))
    assert error(converted, converted.spiking, x[32:]) / variance == pytest.approx(verdict.error_before, rel=1e-3)
    assert error(converted, better, x[32:]) / variance == pytest.approx(verdict.error_after, rel=1e-3)


def single(threshold=1.0, amplitude=None, clamp_steps=0):
    model = IntegrateAndFire(threshold, amplitude=amplitude, clamp_steps=clamp_steps)
    nodes = (
        Node("x", ops.Input((2,))),
        Node("fc", ops.Dense(np.eye(2, dtype=np.float32)), ("x",)),
        Node("hidden", ops.Spiking(model), ("fc",)),
        Node("last", ops.Dense(np.eye(2, dtype=np.float32)), ("hidden",)),
        Node("out", ops.Spiking(Accumulator()), ("last",)),
    )
    return Graph(nodes, ("out",), {"spike_code": "rate"})


def trials_of(x, targets, num_steps=10, num_fit=2):
    return TrialSet({"x": RateCode().encode(x)}, targets, num_fit, num_steps)


@pytest.mark.parametrize("amplitude", [None, 0.5])
def test_the_bias_is_what_rates_lack(amplitude):
    x = np.full((4, 2), 0.5, np.float32)
    size = 1.0 if amplitude is None else amplitude
    wanted = size * (x + np.array([0.2, 0.0]))
    found, _ = correct_layers(single(amplitude=amplitude), trials_of(x, {"hidden": wanted}), bias=True)
    np.testing.assert_allclose(found.shifts["hidden"], [0.2, 0.0], atol=1e-6)
    assert [one.kind for one in found.attempts] == ["bias"]


def test_the_potential_is_what_neurons_lack_over_the_run():
    x = np.full((4, 2), 0.57, np.float32)  # 5 spikes in 10 steps from 0, 6 with what it lacks
    found, _ = correct_layers(single(), trials_of(x, {"hidden": x}), potential=True)
    np.testing.assert_allclose(found.potentials["hidden"], 0.7, atol=1e-5)


def test_steps_in_a_clamp_do_not_count():
    x = np.full((4, 2), 0.57, np.float32)  # as before, with 5 clamped steps that send nothing
    trials = trials_of(x, {"hidden": x}, num_steps=15)
    found, _ = correct_layers(single(clamp_steps=5), trials, potential=True)
    np.testing.assert_allclose(found.potentials["hidden"], 0.7, atol=1e-5)
    exact = trials_of(x, {"hidden": np.full((4, 2), 0.5)}, num_steps=15)
    found, _ = correct_layers(single(clamp_steps=5), exact, bias=True)
    assert not found.shifts


def test_a_layer_that_is_clamped_throughout_has_no_rates():
    x = np.full((4, 2), 0.5, np.float32)
    found, _ = correct_layers(single(clamp_steps=20), trials_of(x, {"hidden": x}), potential=True)
    assert not found.potentials


def test_the_factor_is_that_of_least_squares_within_its_limit():
    x = np.full((4, 2), 0.5, np.float32)
    trials = trials_of(x, {"hidden": 1.3 * x})
    assert correct_layers(single(), trials, limit=2.0)[0].factors["hidden"] == pytest.approx(1.3)
    assert correct_layers(single(), trials, limit=1.1)[0].factors["hidden"] == pytest.approx(1.1)


def test_what_does_not_help_on_held_out_samples_is_left_out(caplog):
    x = np.full((4, 2), 0.5, np.float32)
    wanted = x.copy()
    wanted[:2] += 0.3  # the samples to fit on say something else than those to validate on
    trials = trials_of(x, {"hidden": wanted, "out": wanted})
    with caplog.at_level(logging.WARNING, "snntoolbox"):
        graph, (verdict,) = calibrate_rates(single(), trials, Refinement(bias=True))
    assert not verdict.kept and verdict.layers == {}
    assert "does not help, so it was left out" in caplog.text
    assert graph["fc"].op.bias is None


def test_too_few_samples_are_refused(network):
    converted, code, x = network
    with pytest.raises(DataError, match="at least 2 samples"):
        make_trials(converted.normalized, converted.spiking, code, x[:1], T)


def test_the_number_of_steps_is_needed(network):
    converted, code, x = network
    with pytest.raises(ConversionError, match="num_steps"):
        refine(converted.normalized, converted.spiking, code, x, Refinement(bias=True), None)


@pytest.mark.parametrize("wrong", [{"compensation": "some"}, {"num_samples": 1}, {"readout_start": -3}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ConversionError, match="expected"):
        Refinement(**wrong)


# Passes


def test_a_shift_goes_into_the_weights_where_it_can(network):
    converted = network[0]
    layers = [n.name for n in converted.normalized.nodes if isinstance(n.op, ops.Relu)]
    shifted = ShiftBiases(dict.fromkeys(layers, 0.25))(converted.normalized)
    assert [node.name for node in shifted.nodes] == [node.name for node in converted.normalized.nodes]


def test_a_shift_without_weights_before_it_is_an_op_of_its_own():
    nodes = (Node("x", ops.Input((2,))), Node("relu", ops.Relu(), ("x",)), Node("sum", ops.Add(), ("x", "relu")))
    graph = ShiftBiases({"relu": np.array([1.0, 2.0])})(Graph(nodes, ("sum",)))
    assert graph["relu"].inputs == ("relu_shift",)
    np.testing.assert_allclose(evaluate(graph, np.zeros((1, 2)), nodes=["relu"])["relu"], [[1, 2]])


def test_larger_messages_are_larger_weights():
    graph, x = single(), np.full((1, 2), 0.5, np.float32)
    larger = CompensateRates({"hidden": 1.25})(graph)
    a, b = (simulate(g, x, backend="reference", num_steps=8) for g in (graph, larger))
    np.testing.assert_array_equal(a.spike_counts["hidden"], b.spike_counts["hidden"])
    np.testing.assert_allclose(b.output, 1.25 * a.output)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (CompensateRates({"hidden": 0.0}), "factors > 0"),
        (CompensateRates({"out": 1.1}), "have no amplitude"),
        (SetPotentials({"fc": 0.1}), "no layer of neurons"),
        (ShiftBiases({"fc": 0.1}), "no layer of neurons"),
    ],
)
def test_passes_refuse_what_they_cannot_change(one, message):
    with pytest.raises(ConversionError, match=message):
        one(single())


# Read-out


def test_the_start_of_the_readout_is_the_sum_of_the_rises():
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


def test_convert_takes_all_of_it():
    graph = residual_graph(3, ResidualKind())
    x = np.random.default_rng(0).normal(size=(32, 8, 8, 2)).astype(np.float32)
    wanted = Refinement(bias=True, readout_start="auto", num_samples=32)
    spiking = convert(graph, x, refinement=wanted, num_steps=T)
    assert int(spiking.attributes[READOUT_START]) >= 3
    assert CALIBRATION in spiking.attributes
    with ReferenceBackend().compile(spiking, batch_size=2) as simulation:
        assert len(simulation.run(RateCode().encode(x[:2]), T)) == 2
