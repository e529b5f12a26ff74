"""Corrections of layers: what is found where the error is known."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.api import simulate
from snntoolbox.calibration.corrections import _shrunk_means, correct_layers
from snntoolbox.calibration.trial import TrialSet
from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire


@pytest.mark.parametrize("amplitude", [None, 0.5])
def test_the_bias_is_what_rates_lack(amplitude, single, trials_of):
    x = np.full((4, 2), 0.5, np.float32)
    size = 1.0 if amplitude is None else amplitude
    wanted = size * (x + np.array([0.2, 0.0]))
    found, _ = correct_layers(single(amplitude=amplitude), trials_of(x, {"hidden": wanted}), ["bias"])
    np.testing.assert_allclose(found.of("bias")["hidden"], [0.2, 0.0], atol=1e-6)
    assert [one.kind for one in found.attempts] == ["bias"]


def test_the_potential_is_what_neurons_lack_over_the_run(single, trials_of):
    x = np.full((4, 2), 0.57, np.float32)  # 5 spikes in 10 steps from 0, 6 with what it lacks
    found, _ = correct_layers(single(), trials_of(x, {"hidden": x}), ["potential"])
    np.testing.assert_allclose(found.of("potential")["hidden"], 0.7, atol=1e-5)


def test_steps_in_a_clamp_do_not_count(single, trials_of):
    x = np.full((4, 2), 0.57, np.float32)  # as before, with 5 clamped steps that send nothing
    trials = trials_of(x, {"hidden": x}, num_steps=15)
    found, _ = correct_layers(single(clamp_steps=5), trials, ["potential"])
    np.testing.assert_allclose(found.of("potential")["hidden"], 0.7, atol=1e-5)
    exact = trials_of(x, {"hidden": np.full((4, 2), 0.5)}, num_steps=15)
    found, _ = correct_layers(single(clamp_steps=5), exact, ["bias"])
    assert not found.of("bias")


def test_a_layer_that_is_clamped_throughout_has_no_rates(single, trials_of):
    x = np.full((4, 2), 0.5, np.float32)
    found, _ = correct_layers(single(clamp_steps=20), trials_of(x, {"hidden": x}), ["potential"])
    assert not found.of("potential")


def test_the_threshold_is_the_one_that_rounds_best(single, trials_of):
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


def test_a_layer_waits_for_the_one_before_it(trials_of):
    x = np.full((4, 1), 0.5, np.float32)
    targets = {"first": x, "second": np.zeros_like(x)}
    found, _ = correct_layers(two_layers(), trials_of(x, targets, num_steps=16), ["clamp"])
    assert found.of("clamp") == {"second": 1}
    assert found.apply(two_layers())["second"].op.model.clamp_steps == 1
    assert {one.kind for one in found.attempts} == {"clamp"}


def test_a_layer_that_waits_long_enough_is_left_alone(trials_of):
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


def test_outputs_get_their_scale_and_mean_back(single, trials_of):
    x = np.random.default_rng(0).uniform(0.1, 0.9, (64, 2)).astype(np.float32)
    trials = trials_of(x, {"hidden": x, "out": 2 * x + np.array([0.0, 0.5])}, num_steps=100, num_fit=32)
    found, outcome = correct_layers(single(), trials, ["weight"])
    better = found.apply(single())["last"].op
    np.testing.assert_allclose(better.weight, 2 * np.eye(2), atol=0.02)
    np.testing.assert_allclose(better.bias, [0, 0.5], atol=0.02)
    received = simulate(found.apply(single()), x, backend="reference", num_steps=100).output
    np.testing.assert_allclose(outcome.outputs["out"], received, atol=1e-5)


@pytest.mark.parametrize("kind", ["bias", "potential"])
def test_outputs_get_their_mean_back_where_layers_do(kind, single, trials_of):
    x = np.random.default_rng(0).uniform(0.1, 0.9, (64, 2)).astype(np.float32)
    trials = trials_of(x, {"out": x + np.array([0.0, 0.5])}, num_steps=100, num_fit=32)
    found, _ = correct_layers(single(), trials, [kind])
    np.testing.assert_allclose(found.of("bias")["out"], [0, 0.5], atol=0.02)


def test_unknown_corrections_are_refused(single, trials_of):
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


def test_the_factor_is_that_of_least_squares_within_its_limit(single, trials_of):
    x = np.full((4, 2), 0.5, np.float32)
    trials = trials_of(x, {"hidden": 1.3 * x})
    for limit, factor in ((2.0, 1.3), (1.1, 1.1)):
        found, _ = correct_layers(single(), trials, ["compensation"], limit)
        assert found.of("compensation")["hidden"] == pytest.approx(factor)
