"""Brian2 gives the reference's spikes, for every neuron, input and probe, and refuses the rest by name."""

from __future__ import annotations

from importlib import metadata

import numpy as np
import pytest
from spiking_networks import SHAPE, assert_equal_records, assert_like_reference, probe_all, residual_network

from snntoolbox.backends import Probes, parts
from snntoolbox.backends.brian2 import Brian2Backend, Brian2Settings
from snntoolbox.backends.brian2 import simulation as simulation_module
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent, PoissonSpikes, SpikeTrains
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import IntegrateAndFire, SignedIntegrateAndFire, SoftmaxNeuron
from snntoolbox.registry import CODES

NEURONS = {
    "threshold of each channel": IntegrateAndFire(np.array([1.0, 0.5, 0.8, 1.2]), initial_potential=0.3),
    "amplitude": IntegrateAndFire(amplitude=0.7),
    "reset to zero": IntegrateAndFire(reset="zero"),
    "reset by modulo": IntegrateAndFire(0.3, reset="modulo"),
    "leak": IntegrateAndFire(leak_factor=0.9, initial_potential=0.5),
    "refractory": IntegrateAndFire(refractory_steps=2),
    "clamp": IntegrateAndFire(clamp_steps=5, initial_potential=0.3),
    "all": IntegrateAndFire(0.8, 1.1, "zero", refractory_steps=1, leak_factor=0.95, clamp_steps=3),
}

SIGNED = {
    "leaky": SignedIntegrateAndFire(negative_slope=0.2, initial_potential=0.5),
    "parametric": SignedIntegrateAndFire(0.7, 0.9, np.array([0.1, -0.2, 0.3, 0.0]), 0.35),
    "clamp": SignedIntegrateAndFire(negative_slope=0.2, initial_potential=0.5, clamp_steps=4),
}


@pytest.fixture
def x(rng):
    return rng.uniform(size=(3, *SHAPE))


def test_every_probe_and_several_runs(rng, x):
    graph = residual_network(rng)
    assert_like_reference(Brian2Backend(), graph, ConstantCurrent(x), probes=probe_all(rng), runs=2)


@pytest.mark.parametrize("neuron", NEURONS.values(), ids=NEURONS)
def test_neurons(rng, x, neuron):
    assert_like_reference(Brian2Backend(), residual_network(rng, neuron), ConstantCurrent(x), runs=2)


@pytest.mark.parametrize("neuron", SIGNED.values(), ids=SIGNED)
def test_neurons_with_negative_spikes(rng, x, neuron):
    graph = residual_network(rng, neuron)
    assert_like_reference(Brian2Backend(), graph, ConstantCurrent(x - 0.3), probes=probe_all(rng), runs=2)


@pytest.mark.parametrize("over_time", [False, True])
def test_negative_spikes_as_output(rng, x, over_time):
    graph = residual_network(rng, output=SIGNED["leaky"])
    assert_like_reference(Brian2Backend(), graph, ConstantCurrent(x), probes=Probes(outputs_over_time=over_time))


def test_only_the_last_output(rng, x):
    probes = Probes(outputs_over_time=False)
    assert_like_reference(Brian2Backend(), residual_network(rng), ConstantCurrent(x), probes=probes)


@pytest.mark.parametrize("over_time", [False, True])
def test_spike_counts_as_output(rng, x, over_time):
    graph = residual_network(rng, output=IntegrateAndFire(0.5))
    assert_like_reference(Brian2Backend(), graph, ConstantCurrent(x), probes=Probes(outputs_over_time=over_time))


def test_poisson_input(rng, x):
    stimulus = PoissonSpikes(x - 0.2, rate=0.7, max_events=400)
    assert_like_reference(Brian2Backend(), residual_network(rng), stimulus, probes=probe_all(rng), runs=2)


def test_given_spikes(rng):
    trains = rng.normal(size=(30, 3, *SHAPE)) * (rng.random((30, 3, *SHAPE)) < 0.3)
    assert_like_reference(Brian2Backend(), residual_network(rng), SpikeTrains(trains))


@pytest.mark.parametrize("method", ["cumulative", "avg_max", "fir_max", "exp_max"])
def test_max_pooling_by_gating(rng, x, method):
    pool = ops.SpikingMaxPool((3, 3), (1, 1), method=method)
    graph = residual_network(rng, pool=pool)
    assert_like_reference(Brian2Backend(), graph, ConstantCurrent(x), runs=2)


def test_max_pooling_of_currents(rng, x):
    """Neurons after the pooling: what is pooled holds a bias in every step."""
    nodes = (
        Node("input", ops.Input(SHAPE)),
        Node("first", ops.Spiking(IntegrateAndFire(0.4)), ("input",)),
        Node("conv", ops.Conv(rng.normal(size=(2, 2, 2, 3)), rng.normal(size=3)), ("first",)),
        Node("pool", ops.SpikingMaxPool((2, 2), padding=((0, 1), (1, 0))), ("conv",)),
        Node("second", ops.Spiking(IntegrateAndFire()), ("pool",)),
    )
    graph = Graph(nodes, ("second",), {"spike_code": "rate"})
    assert_like_reference(Brian2Backend(), graph, ConstantCurrent(x))


def test_batches_of_another_size_start_afresh(rng, x):
    graph, records = residual_network(rng), []
    for backend in (ReferenceBackend(), Brian2Backend()):
        with backend.compile(graph, batch_size=3) as simulation:
            records.append([simulation.run(ConstantCurrent(batch), 20) for batch in (x, x[:1], x[:1])])
    for expected, got in zip(*records, strict=True):
        assert_equal_records(expected, got)


def test_constant_input_after_poisson_input(rng, x):
    graph, records = residual_network(rng), []
    for backend in (ReferenceBackend(), Brian2Backend()):
        with backend.compile(graph, batch_size=3) as simulation:
            simulation.run(PoissonSpikes(x), 10)
            simulation.reset()
            records.append(simulation.run(ConstantCurrent(x), 20))
    assert_equal_records(*records)


def test_a_layer_without_weights_is_silent(x):
    nodes = (
        Node("input", ops.Input(SHAPE)),
        Node("zero", ops.Affine(np.array(0.0)), ("input",)),
        Node("out", ops.Spiking(IntegrateAndFire()), ("zero",)),
    )
    graph = Graph(nodes, ("out",), {"spike_code": "rate"})
    with Brian2Backend().compile(graph, batch_size=3) as simulation:
        assert simulation.run(PoissonSpikes(x), 5).spike_counts["out"].sum() == 0


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_compiled_targets(rng, x, target):
    backend = Brian2Backend(Brian2Settings(target=target))
    graph = residual_network(rng, IntegrateAndFire(refractory_steps=1, initial_potential=0.5))
    assert_like_reference(backend, graph, PoissonSpikes(x, rate=0.7), probes=probe_all(rng))


def test_the_user_s_preferences_stay(rng, x):
    import brian2

    before = brian2.prefs["codegen.target"]
    with Brian2Backend().compile(residual_network(rng), batch_size=3) as simulation:
        simulation.run(ConstantCurrent(x), 2)
    assert brian2.prefs["codegen.target"] == before


def test_max_pooling_is_refused_in_a_standalone_program(rng):
    graph = residual_network(rng, pool=ops.SpikingMaxPool((2, 2)))
    with pytest.raises(UnsupportedError, match=r"'pool' \(SpikingMaxPool\): max-pooling.*max2avg_pool = True"):
        Brian2Backend(Brian2Settings(target="cpp_standalone")).compile(graph, batch_size=1)


def test_spiking_softmax_is_refused(rng):
    graph = residual_network(rng, output=SoftmaxNeuron())
    with pytest.raises(UnsupportedError, match=r"'out' \(Spiking\): neuron model SoftmaxNeuron is not supported"):
        Brian2Backend().compile(graph, batch_size=1)


def test_networks_that_are_not_converted_are_refused(rng):
    graph = residual_network(rng)
    with pytest.raises(UnsupportedError, match="it has not been converted"):
        Brian2Backend().compile(Graph(graph.nodes, graph.outputs), batch_size=1)


def test_ops_that_are_not_linear_are_refused(rng):
    graph = residual_network(rng, pool=ops.MaxPool((2, 2)))
    with pytest.raises(UnsupportedError, match=r"'pool' \(MaxPool\): op MaxPool is not supported by brian2"):
        Brian2Backend().compile(graph, batch_size=1)


@pytest.mark.parametrize(
    "versions, advice",
    [
        ({"numpy": "2.3.5"}, "pip install 'snntoolbox[brian2]'"),
        ({"numpy": "2.4.0", "brian2": "2.9.0"}, "pip install 'numpy<2.4'"),
        ({"numpy": "2.4.0", "brian2": "2.10.1"}, None),
        ({"numpy": "2.3.5", "brian2": "2.9.0"}, None),
    ],
)
def test_advice_when_brian2_cannot_be_used(monkeypatch, versions, advice):
    def version(name):
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    reason = Brian2Backend.why_unavailable()
    assert (reason is None) if advice is None else advice in reason


def test_batches_with_many_synapses_are_simulated_in_parts(rng, x, monkeypatch):
    made = []
    network = simulation_module.BatchNetwork
    monkeypatch.setattr(simulation_module, "BatchNetwork", lambda *a: made.append(a[1]) or network(*a))
    monkeypatch.setattr(parts, "MAX_SYNAPSES", 5_000)
    graph = residual_network(rng)
    assert_like_reference(Brian2Backend(), graph, ConstantCurrent(x), probes=probe_all(rng), runs=2)
    assert set(made) == {1, 2}
    assert_like_reference(Brian2Backend(), graph, PoissonSpikes(x, rate=0.7), runs=1)


@pytest.mark.parametrize("code", [name for name in CODES.names() if name != "rate"])
def test_other_codes_are_refused(rng, code):
    graph = residual_network(rng).with_attributes(spike_code=code)
    with pytest.raises(UnsupportedError, match=rf"spike code '{code}' is not supported\. This backend runs: rate\."):
        Brian2Backend().compile(graph, batch_size=1)
