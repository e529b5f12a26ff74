"""Calibration as a whole: what it promises on samples that it has not seen, and that only what helps is kept."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest

from snntoolbox.api import convert, evaluate, simulate
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.calibration.readout_start import READOUT_START
from snntoolbox.calibration.refine import CALIBRATION, Refinement, calibrate_rates, refine
from snntoolbox.calibration.trial import make_trials
from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.testing.residual_graphs import ResidualKind, residual_graph

T = 8


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


def test_what_does_not_help_on_held_out_samples_is_left_out(caplog, single, trials_of):
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


@pytest.mark.parametrize(("wanted", "kept"), [(Refinement(bias=True), 1), (Refinement(weight=True), 2)])
def test_calibrations_that_do_not_fit_into_memory_are_refused(network, monkeypatch, wanted, kept):
    """What is kept of each layer is its activation and, to fit weights, the charge that enters it."""
    converted, code, x = network
    sizes = [int(np.prod(converted.spiking.shapes[name])) for name in converted.spiking.neurons]
    each = 4 * (3 * T * max(sizes) + kept * sum(sizes))
    monkeypatch.setattr("snntoolbox.calibration.refine._machine_memory", lambda: 10.01 / 0.6 * each)
    with pytest.raises(ConversionError, match="num_samples to at most 10, or calibrate for fewer steps"):
        refine(converted.normalized, converted.spiking, code, x, wanted, T)


def test_convert_takes_all_of_it():
    graph = residual_graph(3, ResidualKind())
    x = np.random.default_rng(0).normal(size=(32, 8, 8, 2)).astype(np.float32)
    wanted = Refinement(bias=True, clamp=True, readout_start="auto", num_samples=32)
    spiking = convert(graph, x, refinement=wanted, num_steps=T)
    assert 0 <= int(spiking.attributes.get(READOUT_START, 0)) <= T - 4
    assert CALIBRATION in spiking.attributes
    with ReferenceBackend().compile(spiking, batch_size=2) as simulation:
        assert len(simulation.run(RateCode().encode(x[:2]), T)) == 2
