"""Propagation error: its parts add up, and the fit finds the curve."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.free_rates import free_rates
from snntoolbox.analysis.propagation import PropagationCounter, fit_growth
from snntoolbox.api import encode
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.evaluate import evaluate
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.testing.residual_graphs import ResidualKind, residual_graph


@pytest.mark.parametrize(("p", "q"), [(0.002, 1.3), (0.5, 0.8), (3.0, 1.0)])
def test_the_fit_finds_a_curve_without_noise(p, q):
    depths = np.arange(1, 20)
    fit = fit_growth(depths, p * q**depths)
    assert (fit.p, fit.q) == (pytest.approx(p, rel=1e-4), pytest.approx(q, rel=1e-5))
    assert q == 1 or fit.adjusted_r_squared == pytest.approx(1)


def test_the_goodness_of_fit_counts_parameters():
    rng = np.random.default_rng(0)
    depths = np.arange(1.0, 12)
    errors = 0.01 * 1.2**depths + rng.normal(size=11, scale=0.003)
    fit = fit_growth(depths, errors)
    residual = np.square(errors - fit.p * fit.q**depths).sum()
    expected = 1 - (residual / 9) / (np.square(errors - errors.mean()).sum() / 10)
    assert fit.adjusted_r_squared == pytest.approx(expected)
    for dp, dq in ((1.01, 1), (0.99, 1), (1, 1.01), (1, 0.99)):  # no better curve nearby
        assert np.square(errors - fit.p * dp * (fit.q * dq) ** depths).sum() > residual


def test_two_depths_are_no_growth():
    assert fit_growth([1, 2, 2], [0.1, 0.2, 0.3]) is None


def measured(graph, normalized, x, num_steps):
    layers = [name for name in graph.neurons if name in normalized and graph[name].op.model.spiking]
    activations = evaluate(normalized, x, nodes=layers)
    stimuli = encode(graph, x)
    with ReferenceBackend().compile(graph, batch_size=len(x)) as simulation:
        record = simulation.run(stimuli, num_steps)
    counter = PropagationCounter(graph)
    for rows in (slice(0, 3), slice(3, None)):
        with ReferenceBackend().compile(graph, batch_size=len(x)) as simulation:
            part = encode(graph, x[rows])
            counter.add(simulation.run(part, num_steps), {n: a[rows] for n, a in activations.items()}, part)
    return counter.result(), record, activations


def test_steps_of_a_clamp_are_no_error():
    graph = residual_graph(5, ResidualKind(projection=True), num_blocks=3)
    x = np.random.default_rng(0).normal(size=(8, 8, 8, 2)).astype(np.float32)
    plain, clamped = (Conversion(percentile=100.0, clamp_delay=d).run(graph, x, RateCode()) for d in (0.0, 4.0))
    errors = [measured(one.spiking, one.normalized, x, 200)[0].mean for one in (plain, clamped)]
    assert errors[1] < 1.5 * errors[0]  # up to 24 of 200 steps are clamped, an eighth of the activation
    last = [name for name in clamped.spiking.neurons if clamped.spiking[name].op.model.spiking][-1]
    record = measured(clamped.spiking, clamped.normalized, x, 200)[1]
    steps = 200 - clamped.spiking[last].op.model.clamp_steps
    assert steps < 190
    np.testing.assert_allclose(free_rates(clamped.spiking, record, last), record.messages[last] / steps, rtol=1e-6)


def test_errors_are_what_rates_lack():
    graph = residual_graph(5, ResidualKind(projection=True, stem=True), num_blocks=3)
    x = np.random.default_rng(0).normal(size=(8, 8, 8, 2)).astype(np.float32)
    converted = Conversion().run(graph, x, RateCode())
    found, record, activations = measured(converted.spiking, converted.normalized, x, 20)
    assert list(found.layers) == list(activations)
    for name, layer in found.layers.items():
        error = activations[name] - record.rates(name)
        assert layer.error == pytest.approx(error.mean(), rel=1e-4, abs=1e-8)
        assert layer.abs_error == pytest.approx(np.abs(error).mean(), rel=1e-4)
        np.testing.assert_allclose(layer.per_neuron, error.mean(axis=0), atol=1e-6)
        assert layer.own + layer.inherited >= layer.abs_error * (1 - 1e-6)
    assert found.layers["stem_relu"].inherited == pytest.approx(0, abs=1e-6)
    assert [layer.depth for layer in found.layers.values()] == [1, 2, 3, 4, 5, 6, 7]
    assert found.mean == pytest.approx(
        np.concatenate([np.abs(activations[n] - record.rates(n)).ravel() for n in activations]).mean(), rel=1e-4
    )
    assert found.growth is not None and found.growth_of_largest is not None


def chain(*models):
    nodes = [Node("x", ops.Input((1,)))]
    for number, model in enumerate(models, 1):
        nodes.append(Node(f"w{number}", ops.Dense(np.eye(1, dtype=np.float32)), (nodes[-1].name,)))
        nodes.append(Node(f"n{number}", ops.Spiking(model), (f"w{number}",)))
    nodes.append(Node("out", ops.Spiking(Accumulator()), (nodes[-1].name,)))
    return Graph(tuple(nodes), ("out",), {"spike_code": "rate"})


def test_a_neuron_owns_what_it_lacks_and_inherits_the_rest():
    graph, x = chain(IntegrateAndFire(), IntegrateAndFire(threshold=2.0)), np.full((4, 1), 0.55, np.float32)
    stimuli = encode(graph, x)
    counter = PropagationCounter(graph)
    with ReferenceBackend().compile(graph, batch_size=4) as simulation:
        counter.add(simulation.run(stimuli, 10), {"n1": x, "n2": x}, stimuli)
    first, second = counter.result().layers.values()
    # 5.5 thresholds' worth of charge are 5 spikes; of these 5, the second neuron makes 2 spikes of size 2.
    assert (first.own, first.inherited, first.error) == pytest.approx((0.05, 0.0, 0.05), abs=1e-6)
    assert (second.own, second.inherited, second.error) == pytest.approx((0.1, 0.05, 0.15), abs=1e-6)
    assert (second.largest, second.largest_rate) == pytest.approx((0.15, 0.4), abs=1e-6)


def test_nothing_is_measured_without_activations():
    graph, x = chain(IntegrateAndFire()), np.full((2, 1), 0.5, np.float32)
    counter = PropagationCounter(graph)
    with ReferenceBackend().compile(graph, batch_size=2) as simulation:
        counter.add(simulation.run(encode(graph, x), 5), {}, encode(graph, x))
    assert counter.result() is None
