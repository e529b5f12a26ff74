"""Spikes of several sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snntoolbox.errors import GraphError
from snntoolbox.neurons import Clock, GradedIntegrateAndFire, SignedIntegrateAndFire


def run(model, currents):
    """Return messages, events and the sums of messages of one neuron for a list of input charges."""
    state, messages, events = model.init_state((1, 1)), [], []
    for step, current in enumerate(currents, start=1):
        emission, state = model.step(state, np.array([[current]]), Clock(step))
        messages.append(emission.message.item())
        events.append(emission.spikes.item())
    return messages, events, np.cumsum(messages)


def half(levels, spacing, threshold=1.0, **options):
    """Return neurons that start at half their smallest size."""
    multiple = GradedIntegrateAndFire(levels=levels, spacing=spacing).multiple
    start = threshold / multiple / 2
    return GradedIntegrateAndFire(threshold, levels=levels, spacing=spacing, initial_potential=start, **options)


def test_powers_are_the_nearest_one_upwards():
    sizes = [run(half(4, "powers"), [x])[0][0] for x in (0.05, 0.07, 0.18, 0.2, 0.36, 0.4, 0.74, 0.76, 1.0, 9.0)]
    assert sizes == [0, 0.125, 0.125, 0.25, 0.25, 0.5, 0.5, 1, 1, 1]


def test_uniform_sizes_are_the_nearest_multiple():
    sizes = [run(half(5, "uniform"), [x])[0][0] for x in (0.09, 0.11, 0.29, 0.31, 0.95, 3.0)]
    np.testing.assert_allclose(sizes, [0, 0.2, 0.2, 0.4, 1, 1])


@pytest.mark.parametrize("spacing", ["powers", "uniform"])
def test_what_was_sent_too_early_is_taken_back(spacing):
    messages, events, sent = run(half(4, spacing), [1.0, -0.5, -0.5, -1.0, 1.25])
    assert sent[3] == 0
    assert min(messages) < 0
    assert events == [float(m != 0) for m in messages]
    assert sent[-1] == pytest.approx(0.25, abs=0.126)


@pytest.mark.parametrize("spacing", ["powers", "uniform"])
@given(st.lists(st.floats(-2, 1), min_size=1, max_size=30), st.integers(1, 6))
def test_the_sum_is_never_negative_and_follows_the_rectified_charge(spacing, currents, levels):
    model = half(levels, spacing)
    _, _, sent = run(model, [*currents, *[0.0] * (3 * levels + 30)])
    assert sent.min() >= -1e-9
    assert abs(sent[-1] - max(sum(currents), 0)) <= model.unit * (0.5 + 1e-6)


@given(st.lists(st.integers(-16, 16).map(lambda n: n / 8), min_size=1, max_size=30))
def test_one_size_is_the_signed_neuron(currents):
    expected = SignedIntegrateAndFire(initial_potential=0.5)
    state, rows = expected.init_state((1, 1)), []
    for step, current in enumerate(currents, start=1):
        emission, state = expected.step(state, np.array([[current]]), Clock(step))
        rows.append(emission.message.item())
    assert run(half(1, "powers"), currents)[0] == rows == run(half(1, "uniform"), currents)[0]


def test_a_slope_sends_negative_sums():
    _, _, sent = run(half(3, "powers", negative_slope=0.5), [-2.0, 0.0, 0.0])
    assert sent[-1] == -1


def test_the_amplitude_is_that_of_the_largest_size():
    messages, _, _ = run(half(2, "uniform", amplitude=4.0), [0.5, 0.75])
    assert messages == [2, 4]


def test_a_clamp_discards_the_input():
    messages, _, _ = run(half(2, "uniform", clamp_steps=2), [1.0, 1.0, 0.5])
    assert messages == [0, 0, 0.5]


@pytest.mark.parametrize(("levels", "bits"), [(1, 1), (2, 2), (8, 4), (15, 5)])
def test_bits_of_an_event(levels, bits):
    assert GradedIntegrateAndFire(levels=levels).bits == bits


@pytest.mark.parametrize("spacing", ["powers", "uniform"])
def test_beyond_the_margin_nothing_changes(spacing):
    model = half(3, spacing)
    state = model.init_state((1, 400))
    x = np.linspace(-1.5, 2, 400)[None] + 1e-4  # off the bounds themselves
    margin = model.margin(state, x)
    sent = model.step(state, x, Clock(1))[0].message
    for sign in (-1, 1):
        moved = model.step(state, x + sign * 0.99 * margin, Clock(1))[0].message
        np.testing.assert_array_equal(moved, sent)
    either = [model.step(state, x + sign * 1.01 * margin, Clock(1))[0].message for sign in (-1, 1)]
    changes = (either[0] != sent) | (either[1] != sent)
    assert changes[x >= 0].all()


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"threshold": 0.0}, "threshold"),
        ({"levels": 0}, "levels"),
        ({"levels": 17}, "16"),
        ({"spacing": "odd"}, "odd"),
        ({"negative_slope": np.nan}, "slope"),
        ({"clamp_steps": -1}, "clamp_steps"),
    ],
)
def test_limits(parameters, word):
    with pytest.raises(GraphError, match=word):
        GradedIntegrateAndFire(**parameters)
