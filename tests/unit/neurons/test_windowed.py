"""Neurons that send in a window of their own: bits, signs, powers of two, and tables, against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snntoolbox.errors import GraphError
from snntoolbox.neurons import Clock, FewSpikeNeuron, PatternNeuron


def run(model, currents):
    """Return messages and spikes for currents of shape (steps, neurons)."""
    state = model.init_state((1, np.shape(currents)[1]))
    messages, spikes = [], []
    for step, current in enumerate(np.asarray(currents, float), start=1):
        emission, state = model.step(state, current[None], Clock(step))
        messages.append(emission.message[0])
        spikes.append(emission.spikes[0])
    return np.array(messages), np.array(spikes)


def at_once(model, values):
    """Return messages and spikes for values that arrive in the first step."""
    values = np.asarray(values, float)
    silence = np.zeros((model.start + model.window, len(values)))
    silence[0] = values
    return run(model, silence)


def test_nine_is_sent_as_two_spikes():
    """The example of Rueckauer 2020, section 2.3.2: 9 = 00001001 fires at steps 5 and 8 of 8."""
    messages, spikes = at_once(PatternNeuron(8, threshold=255.0), [9.0])
    assert spikes[:, 0].tolist() == [0, 0, 0, 0, 1, 0, 0, 1]
    assert messages[:, 0].tolist() == [0, 0, 0, 0, 8, 0, 0, 1]


def test_values_are_rounded_clipped_and_rectified():
    messages, _ = at_once(PatternNeuron(3, threshold=7.0), [2.4, 2.6, 6.49, 100.0, -5.0])
    assert messages.sum(axis=0).tolist() == [2, 3, 6, 7, 0]


def test_without_rounding_values_are_cut_off():
    assert at_once(PatternNeuron(3, threshold=7.0, rounding=0.0), [2.4, 2.6, 3.0])[0].sum(axis=0).tolist() == [2, 2, 3]


def test_dropped_bits_are_cut_off_and_shorten_the_window():
    model = PatternNeuron(4, threshold=15.0, dropped_bits=2)
    messages, _ = at_once(model, [11.0, 3.0, 15.0])
    assert len(messages) == model.window == 2
    assert messages.sum(axis=0).tolist() == [8, 0, 12]


def test_a_slope_for_negative_inputs_sends_negative_spikes():
    messages, spikes = at_once(PatternNeuron(3, threshold=7.0, negative_slope=0.5), [-6.0, 6.0, -1.2])
    assert messages[:, 0].tolist() == [0, -2, -1]
    assert messages.sum(axis=0).tolist() == [-3, 6, -1]
    assert spikes.sum(axis=0).tolist() == [2, 2, 1]


def test_one_hot_sends_the_nearest_power_of_two():
    messages, spikes = at_once(PatternNeuron(4, threshold=8.0, one_hot=True), [5.9, 6.1, 8.0, 30.0, 0.7, 0.8, 0.0])
    assert messages.sum(axis=0).tolist() == [4, 8, 8, 8, 0, 1, 0]
    assert spikes.max() == 1 and spikes.sum(axis=0).tolist() == [1, 1, 1, 1, 0, 1, 0]
    assert at_once(PatternNeuron(4, 8.0, one_hot=True, rounding=0.0), [7.9])[0].sum() == 4


def test_channels_may_have_thresholds_of_their_own():
    messages, _ = at_once(PatternNeuron(2, threshold=np.array([3.0, 6.0])), [2.0, 2.0])
    assert messages.sum(axis=0).tolist() == [2, 2]
    assert messages[:, 1].tolist() == [0, 2]


def test_input_of_all_steps_before_the_window_counts():
    messages, spikes = run(PatternNeuron(2, threshold=3.0, start=2), [[1.0], [0.5], [0.5], [0.0], [0.0]])
    assert messages[:, 0].tolist() == [0, 0, 2, 0, 0]
    assert spikes.sum() == 1


def test_a_run_starts_afresh():
    model = PatternNeuron(2, threshold=3.0)
    _, state = model.step(model.init_state((1, 1)), np.array([[3.0]]), Clock(1))
    emission, _ = model.step(state, np.array([[1.0]]), Clock(1))
    assert emission.message.tolist() == [[0.0]]


@given(st.integers(1, 20), st.floats(0, 1.2), st.sampled_from([0.0, 0.5]))
def test_what_is_sent_is_within_half_a_unit(bits, value, rounding):
    model = PatternNeuron(bits, rounding=rounding)
    sent = at_once(model, [value])[0].sum()
    error = min(value, 1.0) - sent
    unit = 1 / (2**bits - 1)
    assert -rounding * unit - 1e-12 <= error <= (1 - rounding) * unit + 1e-12


def test_margins_are_distances_from_the_threshold_of_the_step():
    model = PatternNeuron(2, threshold=3.0, start=1)
    state = model.init_state((1, 2))
    assert model.margin(state, np.array([[1.0, 2.0]])) is None
    _, state = model.step(state, np.array([[1.0, 2.25]]), Clock(1))
    np.testing.assert_allclose(model.margin(state, np.zeros((1, 2))), [[0.5, 0.75]])


def test_a_few_spike_rectifier_is_a_pattern():
    values = np.linspace(-0.5, 1.5, 41)
    few, _ = at_once(FewSpikeNeuron.rectifier(5, threshold=1.0), values)
    np.testing.assert_allclose(few.sum(axis=0), at_once(PatternNeuron(5), values)[0].sum(axis=0), atol=1e-12)


def test_a_table_makes_another_function():
    """|x| for x in {-1, 0, 1}: a negative threshold fires always, resets move what is left."""
    model = FewSpikeNeuron((-0.5, -5.0, 1.5), (1.0, -1.0, 0.5), (-1.0, 1.0, 1.0))
    assert at_once(model, [-1.0, 0.0, 1.0])[0].sum(axis=0).tolist() == [1, 0, 0]
    assert at_once(model, [-1.0, 0.0, 1.0])[1].sum(axis=0).tolist() == [1, 2, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"bits": 0},
        {"bits": 33},
        {"bits": 4, "dropped_bits": 4},
        {"threshold": 0.0},
        {"rounding": 1.0},
        {"start": -1},
    ],
)
def test_patterns_out_of_range_are_refused(options):
    with pytest.raises(GraphError, match="PatternNeuron"):
        PatternNeuron(**options)


@pytest.mark.parametrize("tables", [((), (), ()), ((1.0,), (1.0, 2.0), (1.0,))])
def test_tables_that_do_not_fit_are_refused(tables):
    with pytest.raises(GraphError, match="three tables"):
        FewSpikeNeuron(*tables)


def test_a_few_spike_neuron_needs_a_positive_threshold():
    with pytest.raises(GraphError, match="threshold > 0"):
        FewSpikeNeuron.rectifier(4, threshold=0.0)
