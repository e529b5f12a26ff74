"""What a simulation returns."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.record import Probes, Record
from snntoolbox.errors import SimulationError


def record(batch: int, *, num_steps: int = 4) -> Record:
    rng = np.random.default_rng(batch)
    counts = rng.integers(0, num_steps, (batch, 3))
    return Record(
        num_steps,
        1.0,
        outputs={"y": rng.random((batch, 2))},
        outputs_over_time={"y": rng.random((num_steps, batch, 2))},
        spike_counts={"a": counts},
        messages={"a": counts * 0.5},
        totals={"a": rng.random((num_steps, batch))},
    )


def test_batches_join_in_order() -> None:
    parts = [record(2), record(1)]
    whole = Record.concatenate(parts)
    assert len(whole) == 3
    assert whole.output_over_time.shape == (4, 3, 2)
    assert whole.totals["a"].shape == (4, 3)
    assert np.array_equal(whole.spike_counts["a"][2:], parts[1].spike_counts["a"])


def test_only_records_of_one_simulation_join() -> None:
    for parts in ([], [record(1), record(1, num_steps=5)]):
        with pytest.raises(SimulationError, match="same number and length of steps"):
            Record.concatenate(parts)


def test_rates_are_mean_messages() -> None:
    one = record(2)
    assert np.array_equal(one.rates("a"), one.spike_counts["a"] * 0.5 / 4)
    with pytest.raises(SimulationError, match="no layer of neurons 'b'"):
        one.rates("b")


def test_probes_name_layers_of_neurons() -> None:
    Probes(spikes=("a",)).check(["a"])
    with pytest.raises(SimulationError, match=r"cannot probe \['b', 'c'\]"):
        Probes(spikes=("b",), totals={"c": None}).check(["a"])


def test_a_record_is_frozen() -> None:
    with pytest.raises(TypeError):
        record(1).outputs["y"] = 3  # type: ignore[index]
