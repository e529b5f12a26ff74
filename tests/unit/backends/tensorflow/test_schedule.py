"""How a run is divided: every step is simulated once, in pieces of bounded size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snntoolbox.backends.tensorflow import schedule
from snntoolbox.backends.tensorflow.plan import Plan, make_plan
from snntoolbox.backends.tensorflow.schedule import chunk_steps, legs, padded_batch, pays_off
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire


def dense(inputs: int = 4, hidden: int = 8) -> Graph:
    nodes = (
        Node("x", ops.Input((inputs,))),
        Node("fc", ops.Dense(np.zeros((inputs, hidden))), ("x",)),
        Node("n", ops.Spiking(IntegrateAndFire()), ("fc",)),
        Node("out_fc", ops.Dense(np.zeros((hidden, 2))), ("n",)),
        Node("out", ops.Spiking(Accumulator()), ("out_fc",)),
    )
    return Graph(nodes, ("out",))


def plan(graph: Graph) -> Plan:
    """Everything changes over time."""
    return make_plan(graph, [], regular=True)


@given(
    batch=st.integers(1, 2000),
    num_steps=st.integers(1, 5000),
    hidden=st.sampled_from([1, 100, 100_000]),
    bytes_per_step=st.integers(0, 2**28),
    xla=st.booleans(),
)
def test_legs_cover_the_run_in_bounded_pieces(
    batch: int, num_steps: int, hidden: int, bytes_per_step: int, xla: bool
) -> None:
    chunk = chunk_steps(plan(dense(hidden=hidden)), batch, num_steps, xla=xla)
    assert 1 <= chunk <= num_steps
    assert xla or chunk <= schedule.UNROLLED
    assert chunk == 1 or chunk * batch <= schedule.ROWS * 4 / 3
    assert chunk == 1 or chunk * batch * hidden * 4 <= schedule.CHUNK_BYTES * 4 / 3
    parts = list(legs(num_steps, chunk, bytes_per_step))
    assert sum(leg.num_steps for leg in parts) == num_steps
    assert [leg.opens for leg in parts] == [True] + [False] * (len(parts) - 1)
    for leg in parts:
        assert leg.chunk == chunk and leg.rest < chunk
        assert leg.chunks == 1 or leg.chunks * leg.chunk * bytes_per_step <= schedule.LEG_BYTES


@pytest.mark.parametrize(("num_steps", "batch"), [(50, 100), (100, 100), (1000, 100), (50, 1), (200, 30)])
def test_usual_numbers_of_steps_leave_no_rest(num_steps: int, batch: int) -> None:
    assert num_steps % chunk_steps(plan(dense()), batch, num_steps, xla=True) == 0


def test_a_single_chunk_where_a_run_is_short() -> None:
    assert chunk_steps(plan(dense()), 1, 50, xla=True) == 50
    assert chunk_steps(plan(dense()), 1, 50, xla=False) == 5


def test_no_short_loops() -> None:
    assert chunk_steps(plan(dense()), 50, 1000, xla=True) == 5
    assert chunk_steps(plan(dense()), 20, 1000, xla=True) == 25


def test_layers_that_are_not_stored_do_not_count() -> None:
    graph = dense(hidden=100_000)
    assert chunk_steps(plan(graph), 100, 1000, xla=True) == 1
    assert chunk_steps(make_plan(graph, ["x"], regular=True), 100, 1000, xla=True) == 5


def test_padding_where_it_is_cheap() -> None:
    assert padded_batch(dense(), 3, 100, 50) == 100
    large = dense(4000, 4000)
    assert padded_batch(large, 3, 100, 1000) == 3
    assert padded_batch(large, 99, 100, 100) == 100


def test_operations_of_convolutions_count_every_place() -> None:
    nodes = (
        Node("x", ops.Input((10, 10, 8))),
        Node("conv", ops.Conv(np.zeros((3, 3, 8, 16)), padding=((1, 1), (1, 1))), ("x",)),
        Node("up", ops.ConvTranspose(np.zeros((2, 2, 16, 4)), strides=(2, 2)), ("conv",)),
        Node("out", ops.Spiking(Accumulator()), ("up",)),
    )
    operations = 100 * 3 * 3 * 8 * 16 + 100 * 2 * 2 * 16 * 4
    assert schedule._operations(Graph(nodes, ("out",))) == operations + 800 + 20 * 20 * 4


def test_xla_where_there_is_work() -> None:
    assert not pays_off(dense(), 100)
    assert pays_off(dense(hidden=5000), 1)
    assert pays_off(dense(), 1000)
