"""Simulators behind pyNN give the reference's spikes, though theirs take a step to arrive, and refuse by name."""

from __future__ import annotations

from importlib import util

import numpy as np
import pytest
from spiking_networks import SHAPE, assert_equal_records, assert_like_reference, probe_all, residual_network

from snntoolbox.backends import Probes, parts
from snntoolbox.backends.pynn import NestBackend, NeuronBackend, PyNNBrian2Backend
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent, PoissonSpikes, SpikeTrains
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import Graph, ops
from snntoolbox.neurons import IntegrateAndFire, SoftmaxNeuron
from snntoolbox.registry import BACKENDS, CODES

MISSING = NeuronBackend.why_unavailable()
NEURON = pytest.param(NeuronBackend, marks=pytest.mark.skipif(MISSING is not None, reason=MISSING or ""))
SIMULATORS = [NestBackend, PyNNBrian2Backend, NEURON]

NEURONS = {
    "threshold of each channel": IntegrateAndFire(np.array([1.0, 0.5, 0.8, 1.2]), initial_potential=0.3),
    "amplitude": IntegrateAndFire(amplitude=0.7),
    "reset to zero": IntegrateAndFire(reset="zero", initial_potential=0.5),
    "leak": IntegrateAndFire(leak_factor=0.9, initial_potential=0.5),
    "start above the threshold": IntegrateAndFire(initial_potential=1.5),
}

pytestmark = pytest.mark.parametrize("simulator", SIMULATORS, ids=lambda backend: backend.name)


@pytest.fixture
def x(rng):
    return rng.uniform(size=(3, *SHAPE))


def test_every_probe_and_several_runs(simulator, rng, x):
    assert_like_reference(simulator(), residual_network(rng), ConstantCurrent(x), probes=probe_all(rng), runs=2)


@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS)
def test_neurons(simulator, rng, x, neuron):
    assert_like_reference(simulator(), residual_network(rng, neuron), ConstantCurrent(x))


def test_reset_to_zero_with_everything(simulator, rng, x):
    neuron = IntegrateAndFire(0.8, 1.1, "zero", refractory_steps=2, leak_factor=0.95)
    assert_like_reference(simulator(), residual_network(rng, neuron), ConstantCurrent(x), runs=0)


def test_only_the_last_output(simulator, rng, x):
    probes = Probes(outputs_over_time=False)
    assert_like_reference(simulator(), residual_network(rng), ConstantCurrent(x), probes=probes)


@pytest.mark.parametrize("over_time", [False, True])
def test_spike_counts_as_output(simulator, rng, x, over_time):
    graph = residual_network(rng, output=IntegrateAndFire(0.5))
    assert_like_reference(simulator(), graph, ConstantCurrent(x), probes=Probes(outputs_over_time=over_time))


def test_poisson_input(simulator, rng, x):
    stimulus = PoissonSpikes(x - 0.2, rate=0.7, max_events=400)
    assert_like_reference(simulator(), residual_network(rng), stimulus, probes=probe_all(rng))


def test_given_spikes_of_any_size(simulator, rng):
    trains = rng.normal(size=(30, 3, *SHAPE)) * (rng.random((30, 3, *SHAPE)) < 0.2)
    assert_like_reference(simulator(), residual_network(rng), SpikeTrains(trains))


def test_input_without_spikes(simulator, rng):
    graph = residual_network(rng, IntegrateAndFire(0.1))
    assert_like_reference(simulator(), graph, SpikeTrains(np.zeros((30, 3, *SHAPE))))


def test_batches_of_another_size_start_afresh(simulator, rng, x):
    graph, records = residual_network(rng), []
    for backend in (ReferenceBackend(), simulator()):
        with backend.compile(graph, batch_size=3) as simulation:
            records.append([simulation.run(ConstantCurrent(batch), 20) for batch in (x, x[:1], x[:1])])
    for expected, got in zip(*records, strict=True):
        assert_equal_records(expected, got)


def refusal(backend, graph):
    with pytest.raises(UnsupportedError) as error:
        backend.compile(graph, batch_size=1)
    return str(error.value)


@pytest.mark.parametrize("method", ["cumulative", "avg_max"])
def test_max_pooling_is_refused(simulator, rng, method):
    message = refusal(simulator(), residual_network(rng, pool=ops.SpikingMaxPool((2, 2), method=method)))
    assert f"'pool' (SpikingMaxPool): op SpikingMaxPool is not supported by {simulator.name}" in message
    assert "Set [conversion] max2avg_pool = True" in message


def test_clamps_are_refused(simulator, rng):
    message = refusal(simulator(), residual_network(rng, IntegrateAndFire(clamp_steps=2)))
    assert "'first' (Spiking): clamp_steps of IntegrateAndFire is not supported" in message
    assert "filename_clamp_indices" in message


def test_spiking_softmax_is_refused(simulator, rng):
    message = refusal(simulator(), residual_network(rng, output=SoftmaxNeuron()))
    assert "'out' (Spiking): neuron model SoftmaxNeuron is not supported" in message


def test_networks_that_are_not_converted_are_refused(simulator, rng):
    graph = residual_network(rng)
    assert "it has not been converted" in refusal(simulator(), Graph(graph.nodes, graph.outputs))


def test_advice_when_a_simulator_is_missing(simulator, monkeypatch):
    assert simulator.why_unavailable() is None
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    assert "pip install 'snntoolbox[" in simulator.why_unavailable()


def test_registered_by_name(simulator):
    assert BACKENDS.load(simulator.name) is simulator


def test_batches_with_many_synapses_are_simulated_in_parts(simulator, rng, x, monkeypatch):
    monkeypatch.setattr(parts, "MAX_SYNAPSES", 5_000)
    assert_like_reference(simulator(), residual_network(rng), ConstantCurrent(x), probes=probe_all(rng), runs=2)


@pytest.mark.parametrize("code", [name for name in CODES.names() if name != "rate"])
def test_other_codes_are_refused(simulator, rng, code):
    graph = residual_network(rng).with_attributes(spike_code=code)
    with pytest.raises(UnsupportedError, match=rf"spike code '{code}' is not supported\. This backend runs: rate\."):
        simulator().compile(graph, batch_size=1)


def test_a_network_without_a_spike(simulator, rng, x):
    graph = residual_network(rng, IntegrateAndFire(100.0))
    with simulator().compile(graph, batch_size=3) as simulation:
        record = simulation.run(ConstantCurrent(x), 2, probe_all(rng))
    assert not any(counts.any() for counts in record.spike_counts.values())
    assert record.spike_trains["first"].shape == (2, 3, 6, 6, 4)
