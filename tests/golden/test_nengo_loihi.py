"""The chip's arithmetic against nengo-loihi's emulator; make_nengo_loihi_vectors.py says how the vectors were made."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from snntoolbox.backends.loihi.arithmetic import stored_weight, truncate_weights
from snntoolbox.backends.loihi.compartments import Compartments, step
from snntoolbox.backends.loihi.limits import Q_BITS, U_BITS

RUNS = 3
WHOLE = 20


@pytest.fixture(scope="module")
def vectors():
    with np.load(Path(__file__).with_name("nengo_loihi.npz")) as arrays:
        return dict(arrays)


def compartments(vectors, run):
    decay_u, decay_v, threshold, bias, refractory = vectors[f"registers_{run}"]
    vmin, vmax = vectors[f"limits_{run}"]
    exponent = np.zeros_like(bias)
    while np.any(too_large := np.abs(bias >> exponent) > 4095):
        exponent[too_large] += 1
    return Compartments.uniform(
        len(bias),
        decay_u=decay_u,
        decay_v=decay_v,
        threshold=threshold >> 6,
        bias_mantissa=bias >> exponent,
        bias_exponent=exponent,
        refractory=refractory,
        vmin=vmin,
        vmax=vmax,
    )


def matrix(index, weight, size):
    dense = np.zeros((len(index), size), np.int64)
    np.put_along_axis(dense, index.astype(np.int64), weight, axis=1)
    return dense


def simulate(vectors, run):
    """Yield u, v, s and whether a register wrapped, step by step."""
    registers = compartments(vectors, run)
    size = len(registers)
    from_input, recurrent = (
        matrix(vectors[f"{kind}_index_{run}"], vectors[f"{kind}_weight_{run}"], size) for kind in ("input", "recurrent")
    )
    spikes_in = np.unpackbits(vectors[f"spikes_in_{run}"], axis=1).astype(np.int64)
    state, spikes = registers.initial_state(1), np.zeros((1, size), bool)
    for t in range(len(spikes_in)):
        charge = spikes @ recurrent
        if t:  # input of the host takes a step
            charge = charge + spikes_in[t - 1] @ from_input
        state, spikes = step(registers, state, charge)
        yield state.current[0], state.voltage[0], spikes[0], np.abs(charge).max()


@pytest.mark.parametrize("run", range(RUNS))
def test_currents_voltages_and_spikes_are_the_same_in_every_step(vectors, run):
    expected = np.unpackbits(vectors[f"s_{run}"], axis=1).astype(bool)
    for t, (u, v, s, _) in enumerate(simulate(vectors, run)):
        if t < WHOLE:
            np.testing.assert_array_equal(u, vectors[f"u_{run}"][t])
            np.testing.assert_array_equal(v, vectors[f"v_{run}"][t])
        np.testing.assert_array_equal(s, expected[t])
        assert zlib.crc32(u.astype("<i4").tobytes()) == vectors[f"u_crc_{run}"][t], t
        assert zlib.crc32(v.astype("<i4").tobytes()) == vectors[f"v_crc_{run}"][t], t
    assert t == len(expected) - 1


def test_the_vectors_reach_what_is_rare(vectors):
    """Accumulators wrap, voltages saturate, and every refractory period occurs."""
    largest = max(charge for run in range(RUNS) for *_, charge in simulate(vectors, run))
    assert largest >= 1 << Q_BITS
    saturated = [
        np.any(v == limit) for run in range(RUNS) for limit in vectors[f"limits_{run}"] for v in vectors[f"v_{run}"]
    ]
    assert any(saturated)
    assert set(np.concatenate([vectors[f"registers_{run}"][4] for run in range(RUNS)])) >= set(range(64))
    assert max(np.abs(vectors[f"u_{run}"].astype(np.int64)).max() for run in range(RUNS)) > 1 << (U_BITS - 1)


def test_stored_weights_are_the_same(vectors):
    modes, bits, exponents, mantissas, expected = vectors["weights"].astype(np.int64).T
    names = ("mixed", "excitatory", "inhibitory")
    for mode, name in enumerate(names):
        for count in np.unique(bits):
            chosen = (modes == mode) & (bits == count)
            stored = stored_weight(truncate_weights(mantissas[chosen], int(count), name), exponents[chosen])
            limited = np.clip(expected[chosen], -(2**21 - 64), 2**21 - 64)
            np.testing.assert_array_equal(stored, limited)
