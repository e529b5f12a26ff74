"""What is NEST's own: what it refuses, its threads, its alias, and the sources of input spikes."""

from __future__ import annotations

import time

import numpy as np
import pytest
from spiking_networks import SHAPE, assert_like_reference, residual_network

from snntoolbox.backends.connections import Synapses
from snntoolbox.backends.pynn import NestBackend, NestSettings, NeuronBackend, PyNNBrian2Backend
from snntoolbox.backends.pynn.inputs import read_spikes
from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.errors import SimulationError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import IntegrateAndFire
from snntoolbox.registry import BACKENDS

MISSING = NeuronBackend.why_unavailable()
NEURON = pytest.param(NeuronBackend, marks=pytest.mark.skipif(MISSING is not None, reason=MISSING or ""))


@pytest.fixture
def x(rng):
    return rng.uniform(size=(3, *SHAPE))


def test_pynn_stands_for_nest():
    assert BACKENDS.load("pynn") is BACKENDS.load("NEST") is NestBackend


@pytest.mark.parametrize(
    "neuron, what, hint",
    [
        (IntegrateAndFire(reset="modulo"), "no neuron with reset by modulo", "reset = Reset by subtraction"),
        (IntegrateAndFire(refractory_steps=1), "keeps the input of its refractory period", "tau_refrac = 0"),
    ],
)
def test_resets_that_nest_cannot_do(rng, neuron, what, hint):
    with pytest.raises(UnsupportedError, match=rf"'first' \(Spiking\): .*{what}.*{hint}.*use the backend brian2"):
        NestBackend().compile(residual_network(rng, neuron), batch_size=1)


@pytest.mark.parametrize(
    "neuron",
    [IntegrateAndFire(0.3, reset="modulo"), IntegrateAndFire(refractory_steps=2, initial_potential=0.5)],
    ids=["modulo", "refractory"],
)
@pytest.mark.parametrize("simulator", [PyNNBrian2Backend, NEURON], ids=lambda backend: backend.name)
def test_other_simulators_can(rng, x, neuron, simulator):
    assert_like_reference(simulator(), residual_network(rng, neuron), ConstantCurrent(x), runs=0)


def test_threads_change_nothing(rng, x):
    backend = NestBackend(NestSettings(threads=2))
    assert_like_reference(backend, residual_network(rng), PoissonSpikes(x, rate=0.7), num_steps=10)


def test_threads_reach_nest(rng, x, monkeypatch):
    import nest

    from snntoolbox.backends.pynn import nest as module

    seen, run = [], module.sim.run
    monkeypatch.setattr(module.sim, "run", lambda time: (seen.append(nest.local_num_threads), run(time)))
    with NestBackend(NestSettings(threads=2)).compile(residual_network(rng), batch_size=3) as simulation:
        simulation.run(ConstantCurrent(x), 2)
    assert seen == [2]


def test_the_toolbox_itself_is_not_to_be_started_by_mpirun(rng, x, monkeypatch):
    from snntoolbox.backends.pynn import nest as module

    monkeypatch.setattr(module, "_num_processes", lambda: 4)
    with (
        NestBackend().compile(residual_network(rng), batch_size=3) as simulation,
        pytest.raises(SimulationError, match=r"4 MPI processes.*set \[nest\] processes = 4"),
    ):
        simulation.run(ConstantCurrent(x), 2)


def test_a_million_synapses_take_seconds(rng):
    nodes = (
        Node("input", ops.Input((2000,))),
        Node("first", ops.Spiking(IntegrateAndFire()), ("input",)),
        Node("dense", ops.Dense(rng.normal(size=(2000, 500)) / 50), ("first",)),
        Node("out", ops.Spiking(IntegrateAndFire()), ("dense",)),
    )
    graph, start = Graph(nodes, ("out",), {"spike_code": "rate"}), time.process_time()
    with NestBackend().compile(graph, batch_size=1) as simulation:
        assert simulation.run(ConstantCurrent(rng.random((1, 2000))), 5).spike_counts["out"].sum() > 0
    assert time.process_time() - start < 15


def test_sources_of_input_spikes():
    trains = np.array([[0.0, 1.0, 2.0], [0.0, -1.0, 2.0], [0.0, 1.0, 0.0]])
    spikes = read_spikes(iter(trains[:, None]))
    assert spikes.elements.tolist() == [1, 1, 2]
    assert spikes.values.tolist() == [-1, 1, 2]
    assert [times.tolist() for times in spikes.times] == [[2], [1, 3], [1, 2]]
    given = Synapses("input", "out", np.array([0, 1, 2, 1]), np.array([0, 0, 0, 1]), np.array([5.0, 6.0, 7.0, 8.0]))
    made = spikes.synapses(given)
    assert made.pre.tolist() == [0, 1, 2, 0, 1]
    assert made.post.tolist() == [0, 0, 0, 1, 1]
    assert made.weight.tolist() == [-6, 6, 14, -8, 8]


def test_no_input_spikes():
    spikes = read_spikes(iter(np.zeros((3, 1, 4))))
    assert spikes.times == [] and len(spikes.elements) == 0
