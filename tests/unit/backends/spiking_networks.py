"""Converted networks that the tests of simulators share, and the comparison of a simulator with the reference."""

from __future__ import annotations

from math import prod

import numpy as np

from snntoolbox.backends import Probes
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire

SHAPE = (6, 6, 2)
"""Of a sample."""

OVER_TIME = ("spike_trains", "potentials", "totals", "outputs_over_time", "outputs", "messages")


def residual_network(rng, neuron=None, output=None, pool=None):
    """Three layers of neurons with biases, a shortcut from each of the layers before, pooling and a softmax."""
    neuron = neuron or IntegrateAndFire(initial_potential=0.5)

    def normal(*shape, scale=0.4):
        return scale * rng.normal(size=shape)

    pool = pool or ops.AveragePool((2, 2))
    size = prod(pool.infer((6, 6, 4)))
    nodes = (
        Node("input", ops.Input(SHAPE)),
        Node("conv", ops.Conv(normal(3, 3, 2, 4), normal(4, scale=0.1), (), ((1, 1), (1, 1))), ("input",)),
        Node("first", ops.Spiking(neuron), ("conv",)),
        Node("body", ops.Conv(normal(2, 2, 4, 4), normal(4, scale=0.1), (), ((0, 1), (1, 0))), ("first",)),
        Node("scaled", ops.Affine(np.array(0.5), np.array(0.05)), ("first",)),
        Node("projected", ops.Conv(normal(1, 1, 2, 4)), ("input",)),
        Node("sum", ops.Add(), ("body", "scaled", "projected")),
        Node("second", ops.Spiking(neuron), ("sum",)),
        Node("pool", pool, ("second",)),
        Node("third", ops.Spiking(neuron), ("pool",)),
        Node("flat", ops.Reshape((size,)), ("third",)),
        Node("fc", ops.Dense(normal(size, 5), normal(5, scale=0.1)), ("flat",)),
        Node("out", ops.Spiking(output or Accumulator()), ("fc",)),
        Node("soft", ops.Softmax(), ("out",)),
    )
    return Graph(nodes, ("soft",), {"spike_code": "rate"})


def probe_all(rng):
    """Probes of every kind."""
    weights = rng.uniform(size=(6, 6, 4))
    return Probes(spikes=("first", "out"), potentials=("second", "out"), totals={"first": weights, "third": None})


def assert_equal_records(expected, got):
    """Counts are equal, everything else is up to rounding; shapes and types of arrays are the same."""
    for name, counts in expected.spike_counts.items():
        np.testing.assert_array_equal(got.spike_counts[name], counts, err_msg=name)
        assert got.spike_counts[name].dtype == counts.dtype
    for attribute in OVER_TIME:
        first, second = getattr(expected, attribute), getattr(got, attribute)
        assert set(first) == set(second), attribute
        for name, values in first.items():
            assert second[name].shape == values.shape, (attribute, name)
            np.testing.assert_allclose(second[name], values, rtol=1e-9, atol=1e-9, err_msg=f"{attribute} of {name}")


def assert_like_reference(backend, graph, stimulus, num_steps=30, probes=None, runs=1):
    """A backend does what the reference does, in several runs without a reset and in one after a reset."""
    records = []
    for simulator in (ReferenceBackend(), backend):
        with simulator.compile(graph, batch_size=4, dt_ms=0.5, seed=3) as simulation:
            records.append([simulation.run(stimulus, num_steps, probes) for _ in range(runs)])
            simulation.reset()
            records[-1].append(simulation.run(stimulus, num_steps, probes))
    for expected, got in zip(*records, strict=True):
        assert_equal_records(expected, got)
    assert sum(counts.sum() for counts in records[0][0].spike_counts.values()) > 100
