"""Neurons that send spikes of either sign, on the simulators that run them."""

from __future__ import annotations

import numpy as np
import pytest
from spiking_networks import residual_network

from snntoolbox.api import simulate
from snntoolbox.backends import Backend, Probes
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.backends.tensorflow import TensorFlowBackend, TensorFlowSettings
from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.neurons import SignedIntegrateAndFire

NEURON = SignedIntegrateAndFire(negative_slope=0.3, initial_potential=0.5)
PROBES = Probes(spikes=("first", "second"), potentials=("second",), totals={"first": None})


@pytest.fixture(params=["on", "off"])
def tensorflow(request) -> Backend:
    return TensorFlowBackend(TensorFlowSettings(xla=request.param, precision="float64"))


@pytest.mark.parametrize("kind", [ConstantCurrent, PoissonSpikes])
@pytest.mark.parametrize("output", [None, SignedIntegrateAndFire(negative_slope=1.0)], ids=["potential", "spikes"])
def test_tensorflow_does_what_the_reference_does_run_after_run(kind, output, tensorflow):
    rng = np.random.default_rng(0)
    graph, stimulus = residual_network(rng, NEURON, output), kind(rng.uniform(-1, 1, (3, 6, 6, 2)))
    records = []
    for backend in (ReferenceBackend(), tensorflow):
        with backend.compile(graph, batch_size=3, seed=1) as simulation:
            records.append([simulation.run(stimulus, 20, PROBES) for _ in range(2)])
    for expected, got in zip(*records, strict=True):
        for attribute in ("spike_counts", "spike_trains", "messages", "potentials", "totals", "outputs_over_time"):
            ours, theirs = getattr(expected, attribute), getattr(got, attribute)
            assert set(ours) == set(theirs)
            for name, values in ours.items():
                np.testing.assert_allclose(theirs[name], values, atol=1e-9, err_msg=f"{attribute} of {name}")
        assert (expected.messages["first"] < 0).any()
        assert (expected.spike_trains["first"] >= 0).all()


def test_counts_are_of_spikes_and_messages_have_signs(tensorflow):
    rng = np.random.default_rng(1)
    graph, x = residual_network(rng, NEURON), rng.uniform(-1, 1, (2, 6, 6, 2))
    record = simulate(graph, ConstantCurrent(x), backend=tensorflow, num_steps=30, probes=PROBES)
    np.testing.assert_array_equal(record.spike_trains["first"].sum(axis=0), record.spike_counts["first"])
    assert (record.spike_counts["first"] >= np.abs(record.messages["first"])).all()
    assert (record.spike_counts["first"] > record.messages["first"]).any()
