"""Runs of the TensorFlow backend: the same record however the work is divided, with and without XLA."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from snntoolbox.backends import Probes, Record
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.backends.tensorflow import TensorFlowBackend, TensorFlowSettings, schedule, segment, simulation
from snntoolbox.codes import ConstantCurrent, PoissonSpikes, SpikeTrains, Stimulus
from snntoolbox.errors import SimulationError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.testing import run_backend_check
from snntoolbox.testing.spiking_networks import SpikingNetworks

NUM_STEPS = 13
NEURON = IntegrateAndFire(initial_potential=0.5)
PROBES = Probes(
    spikes=("first", "second"),
    potentials=("first", "out"),
    totals={"first": None, "second": np.arange(18.0).reshape(3, 3, 2)},
)


def backend(xla: str = "off", precision: str = "float32") -> TensorFlowBackend:
    return TensorFlowBackend(TensorFlowSettings(xla=xla, precision=precision))


def dyadic(rng: np.random.Generator, *shape: int, scale: float = 0.5) -> np.ndarray:
    """Numbers that float32 adds up exactly, in any order."""
    return np.round(rng.normal(size=shape, scale=scale) * 16) / 16


def network(method: Any = "cumulative") -> Graph:
    """Two inputs; constant and spiking max-pooling; a sum of what is constant and what is not."""
    rng = np.random.default_rng(0)
    nodes = (
        Node("x", ops.Input((6, 6, 2))),
        Node("y", ops.Input((3, 3, 2))),
        Node("conv", ops.Conv(dyadic(rng, 3, 3, 2, 2), padding=((1, 1), (1, 1))), ("x",)),
        Node("early", ops.SpikingMaxPool((2, 2), method=method), ("conv",)),
        Node("first", ops.Spiking(NEURON), ("conv",)),
        Node("late", ops.SpikingMaxPool((2, 2), method=method), ("first",)),
        Node("sum", ops.Add(), ("early", "late", "y")),
        Node("second", ops.Spiking(NEURON), ("sum",)),
        Node("flat", ops.Reshape((18,)), ("second",)),
        Node("fc", ops.Dense(dyadic(rng, 18, 3)), ("flat",)),
        Node("out", ops.Spiking(Accumulator()), ("fc",)),
        Node("soft", ops.Softmax(), ("out",)),
    )
    return Graph(nodes, ("soft",), {"spike_code": "rate"})


def stimuli(batch: int = 3, kind: str = "poisson") -> dict[str, Stimulus]:
    rng = np.random.default_rng(1)
    x, y = dyadic(rng, batch, 6, 6, 2), dyadic(rng, batch, 3, 3, 2)
    ids = np.arange(10, 10 + batch)
    second: Stimulus = PoissonSpikes(y, rate=0.5, peak=2.0, max_events=40, sample_ids=ids)
    if kind == "frames":
        second = SpikeTrains(np.stack(list(second.frames(20, 7))), ids)
    return {"x": ConstantCurrent(x, ids), "y": second}


def run(graph: Graph, inputs: dict[str, Stimulus], how: Any, batch_size: int = 3, probes: Probes = PROBES) -> Record:
    return how.compile(graph, batch_size=batch_size, seed=7).run(inputs, NUM_STEPS, probes)


def assert_same(received: Record, expected: Record) -> None:
    for kind in ("spike_counts", "spike_trains", "totals", "messages"):
        for name, values in getattr(expected, kind).items():
            np.testing.assert_array_equal(getattr(received, kind)[name], values, err_msg=f"{kind} of {name}")
    for name, values in expected.potentials.items():
        np.testing.assert_allclose(received.potentials[name], values, atol=1e-5)
    np.testing.assert_allclose(received.output_over_time, expected.output_over_time, atol=1e-6)
    np.testing.assert_array_equal(received.output, received.output_over_time[-1])


@pytest.fixture(scope="module")
def expected() -> Record:
    return run(network(), stimuli(), ReferenceBackend())


@pytest.mark.parametrize(("xla", "rows", "unrolled"), [("off", 1, 5), ("off", 12, 5), ("on", 12, 5), ("on", 40, 1)])
def test_any_number_of_steps_at_a_time(xla, rows, unrolled, expected, monkeypatch):
    monkeypatch.setattr(schedule, "ROWS", rows)  # chunks of 1 step, of 4 and a rest, of all 13 in a loop
    for module in (schedule, segment):
        monkeypatch.setattr(module, "UNROLLED", unrolled)
    assert_same(run(network(), stimuli(), backend(xla)), expected)


@pytest.mark.parametrize("kind", ["poisson", "frames"])
def test_any_number_of_steps_a_call(kind, expected, monkeypatch):
    monkeypatch.setattr(schedule, "ROWS", 9)
    monkeypatch.setattr(schedule, "LEG_BYTES", 1)
    assert_same(run(network(), stimuli(kind=kind), backend()), expected)


@pytest.mark.parametrize("operations", [0, 1e11])
def test_a_smaller_batch_padded_or_compiled_for(operations, expected, monkeypatch):
    monkeypatch.setattr(schedule, "WASTED_OPERATIONS", operations)
    simulated = backend().compile(network(), batch_size=5, seed=7)
    received = simulated.run(stimuli(), NUM_STEPS, PROBES)
    assert received.spike_counts["first"].shape == (3, 6, 6, 2)
    assert_same(received, expected)
    assert [key[0] for key in simulated._networks] == [5 if operations else 3]


@pytest.mark.parametrize(("method", "xla"), [("fir_max", "on"), ("exp_max", "off"), ("avg_max", "off")])
def test_gates_of_constant_and_spiking_input(method, xla):
    graph = network(method)
    assert_same(run(graph, stimuli(), backend(xla)), run(graph, stimuli(), ReferenceBackend()))


def test_without_the_output_over_time(expected):
    received = run(network(), stimuli(), backend(), probes=Probes(outputs_over_time=False))
    assert not received.outputs_over_time
    np.testing.assert_allclose(received.output, expected.output, atol=1e-6)


def test_states_are_carried_over():
    records = []
    for how in (backend(), ReferenceBackend()):
        simulated = how.compile(network(), batch_size=4, seed=7)
        runs = [simulated.run(stimuli(), n, PROBES) for n in (5, 8, 3)]  # the second goes on from regular layers
        runs.append(simulated.run(stimuli(2), 6, PROBES))  # another batch size starts afresh
        simulated.reset()
        runs.append(simulated.run(stimuli(2), 6, PROBES))
        records.append(runs)
    for received, wanted in zip(*records, strict=True):
        assert_same(received, wanted)


@pytest.mark.slow
@pytest.mark.parametrize("check", ["equals_reference_exactly", "neuron_options", "stochastic_input"])
def test_contract_with_xla(check):
    assert run_backend_check(backend("on"), check) == 0


@pytest.mark.parametrize("method", ["cumulative", "exp_max"])
def test_double_precision_has_no_ties(method):
    networks = SpikingNetworks(3, dyadic=False)
    graph = networks.max_pooling(method)
    stimulus = ConstantCurrent(networks.samples(graph, 30))
    records = [
        how.compile(graph, batch_size=30).run(stimulus, 40) for how in (ReferenceBackend(), backend("off", "float64"))
    ]
    for name, counts in records[0].spike_counts.items():
        np.testing.assert_array_equal(records[1].spike_counts[name], counts)
    np.testing.assert_allclose(records[1].output, records[0].output, rtol=1e-12, atol=1e-14)


def test_double_precision_is_the_reference_s_even_at_ties():
    # 0.1 is no dyadic number: ten times 0.1 is below 1 when added up, and 1 when multiplied.
    nodes = (
        Node("x", ops.Input((1,))),
        Node("first", ops.Spiking(IntegrateAndFire()), ("x",)),
        Node("fc", ops.Dense(np.ones((1, 1))), ("first",)),
        Node("out", ops.Spiking(Accumulator()), ("fc",)),
    )
    graph, stimulus = Graph(nodes, ("out",), {"spike_code": "rate"}), ConstantCurrent(np.array([[0.1]]))
    counts = [
        how.compile(graph, batch_size=1).run(stimulus, 10).spike_counts["first"].item()
        for how in (ReferenceBackend(), backend(precision="float64"), backend())
    ]
    assert counts == [0, 0, 1]


def test_xla_is_chosen_by_size():
    assert not TensorFlowBackend().compile(network(), batch_size=3).xla
    assert TensorFlowBackend().compile(network(), batch_size=1000).xla
    assert backend("on").compile(network(), batch_size=1).xla
    assert not backend("off").compile(network(), batch_size=1000).xla


@pytest.fixture
def broken_xla(monkeypatch):
    """XLA that cannot compile."""
    original = simulation.Network._leg

    def leg(self: Any, *arguments: Any) -> Any:
        if self.setup.xla:
            raise tf.errors.UnimplementedError(None, None, "no kernel for this\nand more")
        return original(self, *arguments)

    monkeypatch.setattr(simulation.Network, "_leg", leg)


def test_without_xla_if_it_cannot_compile(broken_xla, expected, caplog, monkeypatch):
    monkeypatch.setattr(schedule, "MIN_UPDATES", 1)
    simulated = TensorFlowBackend().compile(network(), batch_size=3, seed=7)
    assert simulated.xla
    with caplog.at_level(logging.WARNING, "snntoolbox"):
        assert_same(simulated.run(stimuli(), NUM_STEPS, PROBES), expected)
    assert not simulated.xla
    assert "XLA cannot compile this network, so it runs slower without: no kernel for this" in caplog.text


def test_an_error_if_xla_is_demanded_and_cannot_compile(broken_xla):
    with pytest.raises(SimulationError, match=r"no kernel for this Set \[tensorflow\] xla = off"):
        run(network(), stimuli(), backend("on"))


def test_errors_without_xla_are_not_swallowed(monkeypatch):
    def leg(self: Any, *arguments: Any) -> Any:
        raise tf.errors.InternalError(None, None, "broken")

    monkeypatch.setattr(simulation.Network, "_leg", leg)
    with pytest.raises(tf.errors.InternalError, match="broken"):
        run(network(), stimuli(), backend())


def test_more_steps_than_float32_counts_are_refused():
    simulated = backend().compile(network(), batch_size=3)
    with pytest.raises(SimulationError, match="at most 16777216 steps, up to which float32 counts exactly"):
        simulated.run(stimuli(), 2**24 + 1)


def test_trains_that_are_too_short():
    simulated = backend().compile(network(), batch_size=3)
    with pytest.raises(SimulationError, match="at least 30 steps, got 20"):
        simulated.run(stimuli(kind="frames"), 30)


def test_closing_releases_the_networks():
    with backend().compile(network(), batch_size=3) as simulated:
        simulated.run(stimuli(), 2)
        assert simulated._networks
    assert not simulated._networks
    assert simulated._end is None
