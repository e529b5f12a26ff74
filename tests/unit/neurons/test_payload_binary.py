"""Neurons with payloads and neurons of binary networks, against numbers by hand and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snntoolbox.errors import GraphError
from snntoolbox.neurons import BinaryNeuron, Clock, IntegrateAndFire, PayloadIntegrateAndFire


def run(model, currents):
    """Return messages, spikes and potentials for currents of shape (steps, neurons)."""
    state, rows = model.init_state((1, currents.shape[1])), []
    for step, current in enumerate(currents, start=1):
        emission, state = model.step(state, current[None], Clock(step))
        rows.append((emission.message[0], emission.spikes[0], state["potential"][0]))
    return [np.array(part) for part in zip(*rows, strict=True)]


def test_payloads_are_differences_of_potentials_after_spikes():
    currents = np.array([[0.75], [0.75], [0.125], [1.0], [0.25]])
    messages, spikes, potentials = run(PayloadIntegrateAndFire(), currents)
    assert spikes[:, 0].tolist() == [0, 1, 0, 1, 0]
    assert potentials[:, 0].tolist() == [0.75, 0.5, 0.625, 0.625, 0.875]
    # V after the spikes: 0 at the start, 0.5, 0.625; messages are 1 plus the differences
    assert messages[:, 0].tolist() == [0, 1.5, 0, 1.125, 0]


def test_a_spike_with_nothing_to_tell_is_not_sent():
    messages, spikes, potentials = run(PayloadIntegrateAndFire(), np.array([[2.5], [0.0], [0.0], [0.5]]))
    assert messages[:, 0].tolist() == [2.5, 0, 0, 0.5]
    assert spikes[:, 0].tolist() == [1, 0, 0, 1]
    assert potentials[:, 0].tolist() == [1.5, 0.5, 0.5, 0.0]


@given(arrays(np.float64, (30, 3), elements=st.floats(-1, 1)), st.sampled_from([0.0, 0.5]))
def test_spikes_are_those_without_payload_and_their_sum_is_the_charge(currents, start):
    model = PayloadIntegrateAndFire(initial_potential=start)
    messages, _, potentials = run(model, currents)
    _, plain, plain_potentials = run(IntegrateAndFire(initial_potential=start), currents)
    np.testing.assert_allclose(potentials, plain_potentials, atol=1e-12)
    charge = currents.cumsum(axis=0)
    for neuron in range(3):
        times = np.flatnonzero(plain[:, neuron])
        if len(times):
            np.testing.assert_allclose(messages[:, neuron].sum(), charge[times[-1], neuron], atol=1e-9)


def test_a_payload_needs_a_positive_threshold():
    with pytest.raises(GraphError, match="threshold must be > 0"):
        PayloadIntegrateAndFire(0.0)


@pytest.mark.parametrize(("signed", "expected"), [(False, [1, 0, 1]), (True, [1, -1, 1])])
def test_binary_neurons_send_the_side_of_the_sum(signed, expected):
    messages, spikes, _ = run(BinaryNeuron(signed), np.array([[0.01], [-1.0], [3.0]]))
    assert messages[:, 0].tolist() == expected
    assert spikes[:, 0].tolist() == np.abs(expected).tolist()
    assert run(BinaryNeuron(signed), np.zeros((1, 1)))[0][0, 0] == 0


def test_margins_are_distances_from_the_threshold():
    state = {"potential": np.array([[0.25]]), "unsent": np.zeros((1, 1))}
    assert PayloadIntegrateAndFire().margin(state, np.array([[0.5]])).tolist() == [[0.25]]
    assert BinaryNeuron().margin(state, np.array([[-0.5]])).tolist() == [[0.25]]
