"""NEST in processes of its own: the same spikes, whichever process has a neuron, and clear words when none start."""

from __future__ import annotations

import shutil

import nest
import numpy as np
import pytest
from spiking_networks import SHAPE, assert_like_reference, probe_all, residual_network

from snntoolbox.backends.pynn import NestBackend, NestSettings
from snntoolbox.backends.pynn.processes import NestProcesses, arrange
from snntoolbox.backends.pynn.processes import _join as join
from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.errors import SimulationError
from snntoolbox.ir import Graph
from snntoolbox.neurons import IntegrateAndFire

# One process needs no MPI, which only a NEST that was built with it can use.
ALONE = NestSettings(launcher="env")
PROCESSES = [ALONE]
if nest.build_info["have_mpi"] and shutil.which("mpirun"):
    PROCESSES.append(NestSettings(processes=2))


class _Apart(NestBackend):
    """NEST in processes of its own even where one is enough."""

    def driver(self):
        return NestProcesses


@pytest.fixture
def x(rng):
    return rng.uniform(size=(3, *SHAPE))


@pytest.mark.parametrize("settings", PROCESSES, ids=lambda settings: f"{settings.processes} processes")
def test_processes_change_nothing(settings, rng, x):
    neuron = IntegrateAndFire(np.array([1.0, 0.5, 0.8, 1.2]), initial_potential=0.3, leak_factor=0.9)
    for stimulus in (ConstantCurrent(x), PoissonSpikes(x, rate=0.7)):
        graph = residual_network(rng, neuron)
        assert_like_reference(_Apart(settings), graph, stimulus, num_steps=12, probes=probe_all(rng), runs=1)


def test_reset_to_zero_and_refractory_periods(rng, x):
    graph = residual_network(rng, IntegrateAndFire(reset="zero", refractory_steps=1))
    assert_like_reference(_Apart(ALONE), graph, ConstantCurrent(x), num_steps=12, runs=0)


def test_several_processes_are_chosen_by_the_settings():
    assert NestBackend(NestSettings(processes=2)).driver() is NestProcesses
    assert NestBackend().driver() is not NestProcesses


def test_neurons_of_two_processes_are_put_together(tmp_path):
    for rank, neurons in enumerate(([0, 2], [1])):
        times = np.repeat([4, 5], len(neurons))
        both = np.tile(neurons, 2)
        parts = {"curve/0/times": times, "curve/0/neurons": both, "curve/0/values": 10.0 * times + both}
        np.savez(tmp_path / f"rank-{rank}.npz", **parts)
    joined = join(sorted(tmp_path.glob("rank-*.npz")))
    found = arrange(joined["curve/0/times"], joined["curve/0/neurons"], joined["curve/0/values"], 3)
    assert found.tolist() == [[40, 41, 42], [50, 51, 52]]


def run(graph: Graph, x, **settings) -> None:
    with NestBackend(NestSettings(**settings)).compile(graph, batch_size=3) as simulation:
        simulation.run(ConstantCurrent(x), 2)


def test_a_launcher_that_is_missing(rng, x):
    with pytest.raises(SimulationError, match=r"2 MPI processes.*'no_such_program -n 2'.*set \[nest\] launcher"):
        run(residual_network(rng), x, processes=2, launcher="no_such_program -n {processes}")


def test_fewer_processes_than_asked_for(rng, x):
    with pytest.raises(SimulationError, match=r"was to run on 2 MPI processes, but knows of 1\."):
        run(residual_network(rng), x, processes=2, launcher="env")


def test_a_launcher_that_fails(rng, x):
    with pytest.raises(SimulationError, match=r"'sh -c 'echo no host; exit 3'' ended with status 3:\nno host"):
        run(residual_network(rng), x, processes=2, launcher="sh -c 'echo no host; exit 3'")
