"""Every option of the section [loihi] changes something that can be observed."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.loihi import LoihiBackend, LoihiSettings
from snntoolbox.codes import ConstantCurrent
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire

HARD = {"reset_mode": "hard"}
FEW = {"max_num_compartments": 40}
CASES = {
    "reset_mode": ({}, "hard"),
    "desired_threshold_to_input_ratio": ({}, 2.0),
    "threshold_percentile": ({}, 60.0),
    "saturation": ({}, 0.3),
    "compartment_kwargs": ({}, {"vThMant": 100}),
    "connection_kwargs": ({}, {"numWeightBits": 2}),
    "synapse_encoding": ({}, "sparse"),
    "shared_sign": ({}, False),
    "channel_thresholds": ({}, False),
    "weight_percentile": ({}, 60.0),
    "input_peak": ({}, 2.0),
    "signed_input": ({}, "yes"),
    "normalize_thresholds": ({}, False),
    "partitioner": (FEW, "greedy"),
    "num_candidates_to_compute": ({**FEW, "partitioner": "greedy"}, 5),
    "cost_weights": (FEW, {"axons": 5.0}),
    "traffic_weight": (FEW, 3.0),
    "share_cores": (FEW, False),
    "share_synapses": ({}, False),
    "share_axons": (HARD, False),
    "num_cores_per_chip": (FEW, 2),
    "max_num_compartments": ({}, 40),
    "readout_interval": ({}, 1),
    "energy_profile": ({}, "sana_fe"),
    "profile_performance": ({}, False),
}
ELSEWHERE = {"save_output", "do_overflow_estimate", "validate_partitions", "pooling_neurons"}
"""Tested where their files, warnings, errors and layers are: test_backend, below, test_partition, test_pooling."""


def small():
    rng = np.random.default_rng(2)

    def weights(*shape):
        return rng.normal(size=shape) * 0.3

    neurons = ops.Spiking(IntegrateAndFire(initial_potential=0.5))
    nodes = (
        Node("in", ops.Input((4, 4, 2))),
        Node("conv", ops.Conv(weights(3, 3, 2, 4), weights(4), padding=((1, 1), (1, 1))), ("in",)),
        Node("first", neurons, ("conv",)),
        Node("flat", ops.Reshape((64,)), ("first",)),
        Node("dense", ops.Dense(weights(64, 3) * np.array([1, 0.1, 1]), weights(3)), ("flat",)),
        Node("out", ops.Spiking(Accumulator()), ("dense",)),
    )
    return Graph(nodes, ("out",), {"spike_code": "rate"})


def observe(options):
    """Return what a run shows, as text."""
    x = np.random.default_rng(0).random((4, 4, 4, 2))
    with LoihiBackend(LoihiSettings(**options), {"in": x}).compile(small(), batch_size=4) as simulation:
        record = simulation.run(ConstantCurrent(x), 40)
        layout, details = simulation.compiled.layout, simulation.details()
        usage = {core: row.tolist() for core, row in layout.core_usage().items()}
        energy = None if details is None else details.energy[details.chosen].as_dict()
        return repr((record.output.tolist(), usage, layout.cost, layout.num_chips, energy))


def test_there_is_a_case_for_every_option():
    assert set(CASES) | ELSEWHERE == set(LoihiSettings.model_fields)


# The voltage of this readout never saturates, so that how often it is read changes nothing else.
@pytest.mark.parametrize("option", sorted(set(CASES) - {"readout_interval"}))
def test_an_option_has_an_effect(option):
    base, value = CASES[option]
    assert observe(base) != observe({**base, option: value})


def test_the_readout_is_cleared_as_often_as_asked():
    x = np.random.default_rng(0).random((4, 4, 4, 2))
    largest = {}
    for interval in (1, 32):
        simulation = LoihiBackend(LoihiSettings(readout_interval=interval)).compile(small(), batch_size=4)
        simulation.run(ConstantCurrent(x), 40)
        layer = simulation.compiled.mapping.layer("out")
        largest[interval] = np.abs(simulation._emulator._v[:, layer.charged]).max()
    assert largest[1] < largest[32]


def test_overflows_are_warned_of_once_and_only_if_asked(caplog):
    x = np.ones((1, 4, 4, 2))
    for estimate, expected in ((True, 1), (False, 0)):
        caplog.clear()
        settings = LoihiSettings(do_overflow_estimate=estimate, connection_kwargs={"weightExponent": 7})
        simulation = LoihiBackend(settings).compile(small(), batch_size=1)
        simulation.compiled.mapping.lists.weight[:] = 255  # every list at once is more than an accumulator holds
        for _ in range(2):
            simulation.run(ConstantCurrent(x), 10)
        warnings = [r.message for r in caplog.records if r.levelname == "WARNING" and "overflowed" in r.message]
        assert len(warnings) == expected * len({w.split("'")[1] for w in warnings}) and bool(warnings) == estimate


def test_details_add_up_over_runs():
    x = np.random.default_rng(0).random((4, 4, 4, 2))
    simulation = LoihiBackend().compile(small(), batch_size=4)
    assert simulation.details() is None
    energies = []
    for part in (x[:1], x[1:]):
        simulation.reset()
        simulation.run(ConstantCurrent(part), 20)
        energies.append(simulation.energy.energy_uj)
    details = simulation.details()
    assert details.samples == 4 and details.curves["davies2018"].shape == (20, 2)
    assert details.energy["davies2018"].energy_uj == pytest.approx(0.25 * energies[0] + 0.75 * energies[1])
    assert np.all(np.diff(details.curves["sana_fe"], axis=0) > 0)
    np.testing.assert_allclose(details.curves["davies2018"][-1, 0], details.energy["davies2018"].energy_uj)
    simulation.run(ConstantCurrent(x), 10)
    assert simulation.details().samples == 4  # of another number of steps: an account of its own
