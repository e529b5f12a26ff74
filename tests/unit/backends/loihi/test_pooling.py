"""Average-pooling gets neurons of its own where asked for, or where a neuron would have too many sources."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.loihi import LoihiBackend, LoihiSettings
from snntoolbox.backends.loihi.pooling import largest_fan_in, with_pooling_neurons
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent
from snntoolbox.errors import ConversionError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire


def pooled(size=6, threshold=1.0, amplitude=None):
    rng = np.random.default_rng(0)
    neurons = IntegrateAndFire(threshold=threshold, amplitude=amplitude, initial_potential=0.5 * np.asarray(threshold))
    nodes = (
        Node("in", ops.Input((size, size, 2))),
        Node("scale", ops.Affine(np.array([0.9, 0.6])), ("in",)),
        Node("first", ops.Spiking(neurons), ("scale",)),
        Node("pool", ops.AveragePool((2, 2)), ("first",)),
        Node("linear", ops.AveragePool((1, 1)), ("scale",)),
        Node("small", ops.AveragePool((2, 2)), ("linear",)),
        Node("sum", ops.Add(), ("pool", "small")),
        Node("flat", ops.Reshape((size * size // 2,)), ("sum",)),
        Node("dense", ops.Dense(rng.normal(size=(size * size // 2, 3)) / size), ("flat",)),
        Node("out", ops.Spiking(Accumulator()), ("dense",)),
    )
    return Graph(nodes, ("out",), {"spike_code": "rate"})


def test_only_pooling_of_spikes_gets_neurons():
    assert with_pooling_neurons(pooled(), "yes").neurons == ("first", "pool_spikes", "out")
    for wanted in ("auto", "no"):  # the layer behind is a readout
        assert with_pooling_neurons(pooled(), wanted).neurons == ("first", "out")


def test_layers_that_fire_are_pooled_first():
    nodes = [*pooled().nodes[:-1], Node("out", ops.Spiking(IntegrateAndFire()), ("dense",))]
    firing = Graph(tuple(nodes), ("out",), {"spike_code": "rate"})
    assert with_pooling_neurons(firing, "auto").neurons == ("first", "pool_spikes", "out")
    assert with_pooling_neurons(firing, "no").neurons == ("first", "out")
    fewer, more = (largest_fan_in(with_pooling_neurons(firing, wanted), "out") for wanted in ("auto", "no"))
    # "in" reaches the output through the other pooling in both cases.
    assert more - 72 == 4 * (fewer - 72)


@pytest.mark.parametrize("parameters", [{}, {"threshold": np.array([0.5, 2.0])}, {"threshold": 0.5, "amplitude": 0.25}])
def test_rates_stay(parameters):
    x = np.random.default_rng(1).random((3, 6, 6, 2))
    plain, more = pooled(**parameters), with_pooling_neurons(pooled(**parameters), "yes")
    found = [ReferenceBackend().compile(g, batch_size=3).run(ConstantCurrent(x), 200) for g in (plain, more)]
    assert found[1].spike_counts["pool_spikes"].any()
    np.testing.assert_allclose(found[1].output, found[0].output, atol=0.02)


def test_a_record_has_the_layers_of_the_graph(rng):
    x = rng.random((3, 6, 6, 2))
    records = []
    for wanted in ("no", "yes"):
        with LoihiBackend(LoihiSettings(pooling_neurons=wanted)).compile(pooled(), batch_size=3) as simulation:
            records.append(simulation.run(ConstantCurrent(x), 100))
            names = [p.name for p in simulation.compiled.network.populations]
            assert ("pool_spikes" in names) == (wanted == "yes")
    assert set(records[0].spike_counts) == set(records[1].spike_counts) == {"first", "out"}
    np.testing.assert_array_equal(records[0].spike_counts["first"], records[1].spike_counts["first"])
    np.testing.assert_allclose(records[0].output, records[1].output, atol=0.05)


def test_too_many_sources_are_pooled_first():
    # A neuron has size * size * 2 sources in "in" and as many in "first"; a core has 4096 input axons.
    for size, neurons in ((32, ("first", "out")), (34, ("first", "pool_spikes", "out"))):
        assert largest_fan_in(pooled(size), "out") == 4 * size**2
        assert with_pooling_neurons(pooled(size), "auto").neurons == neurons


def test_max_pooling_is_refused_with_what_takes_its_place():
    nodes = (
        Node("in", ops.Input((4, 4, 1))),
        Node("first", ops.Spiking(IntegrateAndFire()), ("in",)),
        Node("pool", ops.SpikingMaxPool((2, 2)), ("first",)),
        Node("flat", ops.Reshape((4,)), ("pool",)),
        Node("out", ops.Spiking(Accumulator()), ("flat",)),
    )
    with pytest.raises(UnsupportedError, match=r"node 'pool' .* Set \[conversion\] max2avg_pool = True"):
        LoihiBackend().compile(Graph(nodes, ("out",), {"spike_code": "rate"}), batch_size=1)


def test_without_them_the_error_says_so():
    nodes = (
        Node("in", ops.Input((48, 48, 2))),
        Node("first", ops.Spiking(IntegrateAndFire()), ("in",)),
        Node("pool", ops.AveragePool((2, 2)), ("first",)),
        Node("flat", ops.Reshape((1152,)), ("pool",)),
        Node("dense", ops.Dense(np.ones((1152, 100))), ("flat",)),
        Node("out", ops.Spiking(Accumulator()), ("dense",)),
    )
    network = Graph(nodes, ("out",), {"spike_code": "rate"})
    with pytest.raises(ConversionError, match=r"layer 'out' .* input_axons: .*pooling_neurons = True"):
        LoihiBackend(LoihiSettings(pooling_neurons="no")).compile(network, batch_size=1)
