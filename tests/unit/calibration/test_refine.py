"""Compensation, bias and potential: what is found where the error is known, and that only what helps is kept."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import numpy as np
import pytest

from snntoolbox.api import convert, evaluate, simulate
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.calibration.corrections import _shrunk_means, correct_layers
from snntoolbox.calibration.readout_start import READOUT_START, readout_start
from snntoolbox.calibration.refine import CALIBRATION, Refinement, calibrate_rates, refine
from snntoolbox.calibration.trial import TrialSet, make_trials
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.neurons import Accumulator, GradedIntegrateAndFire, IntegrateAndFire
from snntoolbox.passes.adjust_neurons import CompensateRates, HoldLayers, ScaleThresholds, SetPotentials
from snntoolbox.passes.change_weights import ChangeWeights, op_to_change
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
        Refinement(threshold=True),
        Refinement(threshold=True, clamp=True, potential=True),
        Refinement(weight=True),
        Refinement(weight=True, threshold=True, clamp=True, potential=True),
        Refinement("layer", bias=True, potential=True),
    ],
    ids=["global", "layer", "bias", "potential", "threshold", "clamp", "weight", "weight and clamp", "all"],
)
def test_outputs_of_unseen_samples_come_closer(network, wanted):
    converted, code, x = network
    trials = make_trials(converted.normalized, converted.spiking, code, x, T, charges=wanted.weight)
    better, verdicts, _ = calibrate_rates(converted.spiking, trials, wanted)
    unseen = np.random.default_rng(1).normal(size=(40, 8, 8, 2)).astype(np.float32)
    assert verdicts[0].kept
    assert error(converted, better, unseen) < error(converted, converted.spiking, unseen)
    assert json.loads(better.attributes[CALIBRATION])[0]["kept"]


@pytest.mark.parametrize(
    "wanted",
    [Refinement(bias=True, potential=True), Refinement(weight=True, bias=True, potential=True)],
    ids=["rates", "weights"],
)
def test_the_verdict_says_what_simulation_says(network, wanted):
    converted, code, x = network
    trials = make_trials(converted.normalized, converted.spiking, code, x, T, charges=wanted.weight)
    better, (verdict,), _ = calibrate_rates(converted.spiking, trials, wanted)
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
    found, _ = correct_layers(single(amplitude=amplitude), trials_of(x, {"hidden": wanted}), ["bias"])
    np.testing.assert_allclose(found.of("bias")["hidden"], [0.2, 0.0], atol=1e-6)
    assert [one.kind for one in found.attempts] == ["bias"]


def test_the_potential_is_what_neurons_lack_over_the_run():
    x = np.full((4, 2), 0.57, np.float32)  # 5 spikes in 10 steps from 0, 6 with what it lacks
    found, _ = correct_layers(single(), trials_of(x, {"hidden": x}), ["potential"])
    np.testing.assert_allclose(found.of("potential")["hidden"], 0.7, atol=1e-5)


def test_steps_in_a_clamp_do_not_count():
    x = np.full((4, 2), 0.57, np.float32)  # as before, with 5 clamped steps that send nothing
    trials = trials_of(x, {"hidden": x}, num_steps=15)
    found, _ = correct_layers(single(clamp_steps=5), trials, ["potential"])
    np.testing.assert_allclose(found.of("potential")["hidden"], 0.7, atol=1e-5)
    exact = trials_of(x, {"hidden": np.full((4, 2), 0.5)}, num_steps=15)
    found, _ = correct_layers(single(clamp_steps=5), exact, ["bias"])
    assert not found.of("bias")


def test_a_layer_that_is_clamped_throughout_has_no_rates():
    x = np.full((4, 2), 0.5, np.float32)
    found, _ = correct_layers(single(clamp_steps=20), trials_of(x, {"hidden": x}), ["potential"])
    assert not found.of("potential")


def test_the_threshold_is_the_one_that_rounds_best():
    x = np.full((4, 2), 0.4, np.float32)  # from 0, a threshold of 1 is not reached in 2 steps; one of 0.8 is, once
    found, _ = correct_layers(single(), trials_of(x, {"hidden": x}, num_steps=2), ["threshold"])
    assert found.of("threshold") == {"hidden": 0.8}
    record = simulate(found.apply(single()), x, backend="reference", num_steps=2)
    np.testing.assert_allclose(record.rates("hidden"), 0.4, atol=1e-6)


def two_layers(clamp_steps=0):
    """The second layer is driven by its bias at once, and held back by the first one a step later."""
    nodes = (
        Node("x", ops.Input((1,))),
        Node("first", ops.Spiking(IntegrateAndFire()), ("x",)),
        Node("fc", ops.Dense(-2 * np.eye(1, dtype=np.float32), np.ones(1, np.float32)), ("first",)),
        Node("second", ops.Spiking(IntegrateAndFire(clamp_steps=clamp_steps)), ("fc",)),
        Node("last", ops.Dense(np.eye(1, dtype=np.float32)), ("second",)),
        Node("out", ops.Spiking(Accumulator()), ("last",)),
    )
    return Graph(nodes, ("out",), {"spike_code": "rate"})


def test_a_layer_waits_for_the_one_before_it():
    x = np.full((4, 1), 0.5, np.float32)
    targets = {"first": x, "second": np.zeros_like(x)}
    found, _ = correct_layers(two_layers(), trials_of(x, targets, num_steps=16), ["clamp"])
    assert found.of("clamp") == {"second": 1}
    assert found.apply(two_layers())["second"].op.model.clamp_steps == 1
    assert {one.kind for one in found.attempts} == {"clamp"}


def test_a_layer_that_waits_long_enough_is_left_alone():
    x = np.full((4, 1), 0.5, np.float32)
    targets = {"first": x, "second": np.zeros_like(x)}
    found, _ = correct_layers(two_layers(3), trials_of(x, targets, num_steps=16), ["clamp"])
    assert not found.of("clamp")


def test_weights_make_up_for_what_the_layer_before_has_lost():
    x = np.random.default_rng(0).uniform(0.1, 0.9, (64, 2)).astype(np.float32)
    weights = np.array([[0.6, 0.3], [-0.2, 0.5]], np.float32)
    first = IntegrateAndFire(amplitude=0.8)  # what it sends is a fifth too small
    nodes = (
        Node("x", ops.Input((2,))),
        Node("first", ops.Spiking(first), ("x",)),
        Node("fc", ops.Dense(weights), ("first",)),
        Node("second", ops.Spiking(IntegrateAndFire()), ("fc",)),
    )
    graph = Graph(nodes, ("second",), {"spike_code": "rate"})
    charges = {"first": x, "second": x @ weights}
    targets = {"first": x, "second": np.maximum(charges["second"], 0)}
    trials = TrialSet({"x": RateCode().encode(x)}, targets, 32, 200, charges=charges)
    found, _ = correct_layers(graph, trials, ["weight"])
    assert set(found.of("weight")) == {"second"}  # what enters the first layer is right as it is
    better = found.apply(graph)["fc"].op
    np.testing.assert_allclose(better.weight, weights / 0.8, atol=0.02)
    np.testing.assert_allclose(better.bias, 0, atol=0.01)


def test_outputs_get_their_scale_and_mean_back():
    x = np.random.default_rng(0).uniform(0.1, 0.9, (64, 2)).astype(np.float32)
    trials = trials_of(x, {"hidden": x, "out": 2 * x + np.array([0.0, 0.5])}, num_steps=100, num_fit=32)
    found, outcome = correct_layers(single(), trials, ["weight"])
    better = found.apply(single())["last"].op
    np.testing.assert_allclose(better.weight, 2 * np.eye(2), atol=0.02)
    np.testing.assert_allclose(better.bias, [0, 0.5], atol=0.02)
    received = simulate(found.apply(single()), x, backend="reference", num_steps=100).output
    np.testing.assert_allclose(outcome.outputs["out"], received, atol=1e-5)


@pytest.mark.parametrize("kind", ["bias", "potential"])
def test_outputs_get_their_mean_back_where_layers_do(kind):
    x = np.random.default_rng(0).uniform(0.1, 0.9, (64, 2)).astype(np.float32)
    trials = trials_of(x, {"out": x + np.array([0.0, 0.5])}, num_steps=100, num_fit=32)
    found, _ = correct_layers(single(), trials, [kind])
    np.testing.assert_allclose(found.of("bias")["out"], [0, 0.5], atol=0.02)


def test_unknown_corrections_are_refused():
    x = np.full((4, 2), 0.5, np.float32)
    with pytest.raises(ConversionError, match=r"expected some of weight, clamp, .* got gain"):
        correct_layers(single(), trials_of(x, {"hidden": x}), ["bias", "gain"])


def test_potentials_of_neurons_that_differ_by_chance_are_those_of_their_channel():
    rng = np.random.default_rng(0)
    center = np.array([0.3, -0.2])
    noisy = center + rng.normal(size=(64, 20, 20, 2))
    means = _shrunk_means(noisy)
    assert means.shape == (20, 20, 2)
    assert np.abs(means - center).mean() < 0.3 * np.abs(noisy.mean(axis=0) - center).mean()
    clear = rng.normal(size=(20, 20, 2)) + 0.01 * noisy
    np.testing.assert_allclose(_shrunk_means(clear), clear.mean(axis=0), atol=1e-3)


def factor_within(trials, limit):
    return correct_layers(single(), trials, ["compensation"], limit)[0].of("compensation")["hidden"]


def test_the_factor_is_that_of_least_squares_within_its_limit():
    x = np.full((4, 2), 0.5, np.float32)
    trials = trials_of(x, {"hidden": 1.3 * x})
    assert factor_within(trials, 2.0) == pytest.approx(1.3)
    assert factor_within(trials, 1.1) == pytest.approx(1.1)


def test_what_does_not_help_on_held_out_samples_is_left_out(caplog):
    x = np.full((4, 2), 0.5, np.float32)
    wanted = x.copy()
    wanted[:2] += 0.3  # the samples to fit on say something else than those to validate on
    trials = trials_of(x, {"hidden": wanted, "out": wanted})
    with caplog.at_level(logging.WARNING, "snntoolbox"):
        graph, (verdict,), _ = calibrate_rates(single(), trials, Refinement(bias=True))
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


def test_the_branch_with_the_most_weights_is_changed():
    fan = {"small": np.ones((1, 1, 2, 3)), "large": np.ones((3, 3, 2, 3)), "other": np.ones((1, 1, 2, 3))}
    same = ((0, 0), (0, 0)), ((1, 1), (1, 1)), ((0, 0), (0, 0))
    convs = [
        Node(name, ops.Conv(kernel.astype(np.float32), padding=padding), ("x",))
        for (name, kernel), padding in zip(fan.items(), same, strict=True)
    ]
    nodes = (
        Node("x", ops.Input((4, 4, 2))),
        *convs,
        Node("sum", ops.Add(), tuple(fan)),
        Node("out", ops.Spiking(IntegrateAndFire()), ("sum",)),
        Node("twice", ops.Spiking(IntegrateAndFire()), ("sum",)),
    )
    graph = Graph(nodes[:-1], ("out",))
    assert op_to_change(graph, "out") == "large"
    assert op_to_change(Graph(nodes, ("out", "twice")), "out") is None
    assert op_to_change(graph, "sum") is None


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


@pytest.mark.parametrize("change", [CompensateRates, ScaleThresholds])
def test_messages_of_several_sizes_are_larger_by_the_factor_as_well(change):
    model = GradedIntegrateAndFire(levels=3, spacing="uniform")
    graph = replace_ops(single(), {"hidden": ops.Spiking(model)})
    assert change({"hidden": 1.25})(graph)["hidden"].op.model.message_size == pytest.approx(1.25 * model.message_size)


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (CompensateRates({"hidden": 0.0}), "factors > 0"),
        (CompensateRates({"out": 1.1}), "have no amplitude"),
        (ScaleThresholds({"hidden": -1.0}), "factors of thresholds > 0"),
        (ScaleThresholds({"out": 1.1}), "have no amplitude"),
        (HoldLayers({"out": 1}), "have no clamp_steps"),
        (SetPotentials({"fc": 0.1}), "no layer of neurons"),
        (ShiftBiases({"fc": 0.1}), "no layer of neurons"),
        (ChangeWeights({"fc": (np.zeros((2, 2)), np.zeros(2))}), "no Dense or Conv feeds it alone"),
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


def delayed(num_steps=12):
    """A layer that is silent for 4 steps, as its potential starts far below the threshold."""
    model = IntegrateAndFire(initial_potential=-1.5)
    return replace_ops(single(), {"hidden": ops.Spiking(model)})


def test_the_automatic_start_leaves_out_what_is_wrong_at_first():
    x = np.full((20, 2), 0.5, np.float32)
    trials = TrialSet({"x": RateCode().encode(x)}, {"out": x}, 10, 12, start=None)
    outcome = trials.run(delayed())  # spikes in steps 5, 7, 9, 11 of 12
    assert outcome.start == 4
    np.testing.assert_allclose(outcome.outputs["out"], 0.5)
    assert replace(trials, start=0).run(delayed()).outputs["out"][0, 0] == pytest.approx(4 / 12)


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


def test_calibrations_that_do_not_fit_into_memory_are_refused(network, monkeypatch):
    converted, code, x = network
    largest = max(int(np.prod(converted.spiking.shapes[name])) for name in converted.spiking.neurons)
    monkeypatch.setattr("snntoolbox.calibration.refine._machine_memory", lambda: 10 / 0.6 * 4 * 3 * T * largest)
    with pytest.raises(ConversionError, match="num_samples to at most 10, or calibrate for fewer steps"):
        refine(converted.normalized, converted.spiking, code, x, Refinement(bias=True), T)


def test_convert_takes_all_of_it():
    graph = residual_graph(3, ResidualKind())
    x = np.random.default_rng(0).normal(size=(32, 8, 8, 2)).astype(np.float32)
    wanted = Refinement(bias=True, clamp=True, readout_start="auto", num_samples=32)
    spiking = convert(graph, x, refinement=wanted, num_steps=T)
    assert 0 <= int(spiking.attributes.get(READOUT_START, 0)) <= T - 4
    assert CALIBRATION in spiking.attributes
    with ReferenceBackend().compile(spiking, batch_size=2) as simulation:
        assert len(simulation.run(RateCode().encode(x[:2]), T)) == 2
