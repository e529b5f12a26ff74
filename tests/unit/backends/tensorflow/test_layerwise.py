"""Networks computed layer by layer give what the reference's loop over time gives."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.api import load_backend
from snntoolbox.backends import Probes
from snntoolbox.backends.tensorflow import TensorFlowBackend, TensorFlowSettings
from snntoolbox.codes import ConstantCurrent
from snntoolbox.codes.few_spike import FewSpikeCode
from snntoolbox.codes.temporal_pattern import TemporalPatternCode
from snntoolbox.errors import SimulationError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import PatternNeuron
from snntoolbox.passes.pipeline import conversion_passes, run_passes
from snntoolbox.testing import random_graph, random_samples
from snntoolbox.testing.comparison import compare_records, run_reference
from snntoolbox.testing.passes import largest_activations

CODES = {
    "pattern": TemporalPatternCode(num_bits=4, peak=4.0),
    "dropped": TemporalPatternCode(num_bits=5, dropped_bits=2, initial_potential=0.0, peak=4.0),
    "one_hot": TemporalPatternCode(num_bits=4, one_hot=True, peak=4.0),
    "few_spike": FewSpikeCode(num_bits=4, peak=4.0),
}


def backend(precision="float64", xla="off"):
    return TensorFlowBackend(TensorFlowSettings(precision=precision, xla=xla))


def converted(code, seed):
    graph = random_graph(seed, num_blocks=2, leaky=isinstance(code, TemporalPatternCode) and seed % 2 == 1)
    samples = random_samples(graph, seed, num_samples=3)
    spiking = run_passes(graph, conversion_passes(code, largest_activations(graph, samples)))
    return spiking, {name: code.encode(x) for name, x in samples.items()}


def both(graph, stimuli, num_steps, probes, **options):
    with load_backend("reference").compile(graph, batch_size=4) as simulation:
        expected = simulation.run(stimuli, num_steps, probes)
    with backend(**options).compile(graph, batch_size=4) as simulation:
        return expected, simulation.run(stimuli, num_steps, probes)


def all_probes(graph):
    rng = np.random.default_rng(0)
    weights = [
        None if i % 2 else rng.integers(0, 9, graph.shapes[n]).astype(float) for i, n in enumerate(graph.neurons)
    ]
    layers = graph.neurons
    return Probes(spikes=layers, potentials=layers[:2], totals=dict(zip(layers, weights, strict=True)))


@pytest.mark.parametrize(
    ("name", "seed", "extra_steps"),
    [
        ("pattern", 1, 0),
        ("dropped", 2, 0),
        ("one_hot", 3, 0),
        ("few_spike", 0, 0),
        ("dropped", 2, 3),
        ("pattern", 1, -6),
    ],
)
def test_everything_over_time_equals_the_reference(name, seed, extra_steps):
    graph, stimuli = converted(CODES[name], seed)
    steps = int(graph.attributes["num_steps"]) + extra_steps
    expected, received = both(graph, stimuli, steps, all_probes(graph))
    for layer in graph.neurons:
        np.testing.assert_array_equal(received.spike_counts[layer], expected.spike_counts[layer])
        np.testing.assert_array_equal(received.spike_trains[layer], expected.spike_trains[layer])
        np.testing.assert_array_equal(received.totals[layer], expected.totals[layer])
        np.testing.assert_allclose(received.messages[layer], expected.messages[layer], atol=1e-10)
    for layer, potentials in expected.potentials.items():
        np.testing.assert_allclose(received.potentials[layer], potentials, atol=1e-8)
    for output, values in expected.outputs_over_time.items():
        np.testing.assert_allclose(received.outputs_over_time[output], values, atol=1e-10)
    assert sum(counts.sum() for counts in expected.spike_counts.values()) > 0 or extra_steps < 0


@pytest.mark.parametrize("xla", ["on", "off"])
def test_float32_differs_in_ties_only(xla):
    graph, stimuli = converted(CODES["pattern"], 5)
    steps = int(graph.attributes["num_steps"])
    (stimulus,) = stimuli.values()
    expected, margins = run_reference(graph, stimulus, steps)
    with backend("float32", xla).compile(graph, batch_size=3) as simulation:
        received = simulation.run(stimulus, steps, Probes(totals=dict.fromkeys(graph.neurons)))
    assert compare_records(graph, expected, margins, received, "pattern") <= 2
    for layer, totals in received.totals.items():
        np.testing.assert_array_equal(totals.sum(axis=0), received.spike_counts[layer].reshape(3, -1).sum(axis=1))


def test_without_outputs_over_time_the_last_one_is_the_same():
    graph, stimuli = converted(CODES["pattern"], 1)
    steps = int(graph.attributes["num_steps"])
    with backend().compile(graph, batch_size=3) as simulation:
        full = simulation.run(stimuli, steps)
        short = simulation.run(stimuli, steps, Probes(outputs_over_time=False))
    assert not short.outputs_over_time
    np.testing.assert_array_equal(short.output, full.output)


def test_runs_and_samples_do_not_influence_each_other():
    graph, stimuli = converted(CODES["pattern"], 1)
    (stimulus,) = stimuli.values()
    steps = int(graph.attributes["num_steps"])
    with backend().compile(graph, batch_size=3) as simulation:
        together = simulation.run(stimulus, steps)
        alone = [simulation.run(CODES["pattern"].encode(x[None]), steps) for x in stimulus.values]
    for i, record in enumerate(alone):
        np.testing.assert_allclose(record.output[0], together.output[i], atol=1e-12)
        for layer, counts in record.spike_counts.items():
            np.testing.assert_array_equal(counts, together.spike_counts[layer][i : i + 1])


def pooled():
    rng = np.random.default_rng(0)
    nodes = (
        Node("x", ops.Input((6, 6, 2))),
        Node("conv", ops.Conv(rng.normal(size=(3, 3, 2, 3)), rng.normal(size=3)), ("x",)),
        Node("relu", ops.Relu(), ("conv",)),
        Node("pool", ops.MaxPool((2, 2), padding=((1, 1), (0, 0))), ("relu",)),
        Node("flat", ops.Reshape((18,)), ("pool",)),
        Node("fc", ops.Dense(rng.normal(size=(18, 3)), rng.normal(size=3)), ("flat",)),
    )
    return run_passes(Graph(nodes, ("fc",)), conversion_passes(TemporalPatternCode(num_bits=5, threshold=6.0), None))


def test_max_pools_pass_the_largest_value():
    graph = pooled()
    x = np.random.default_rng(1).uniform(-1, 1, (4, 6, 6, 2))
    stimulus = TemporalPatternCode(num_bits=5).encode(x)
    expected, received = both(graph, {"x": stimulus}, int(graph.attributes["num_steps"]), all_probes(graph))
    np.testing.assert_allclose(received.outputs_over_time["fc"], expected.outputs_over_time["fc"], atol=1e-10)
    np.testing.assert_array_equal(received.spike_trains["relu"], expected.spike_trains["relu"])


def test_input_that_does_not_end_is_refused():
    graph = pooled()
    with backend().compile(graph, batch_size=1) as simulation, pytest.raises(SimulationError, match="after step 5"):
        simulation.run(ConstantCurrent(np.ones((1, 6, 6, 2))), 10)


def test_windows_that_overlap_are_refused():
    graph = pooled()
    nodes = (*graph.nodes[:3], Node("again", ops.Spiking(PatternNeuron(3, start=7)), ("relu",)))
    with pytest.raises(SimulationError, match="'again' begins to send at step 8, before 'relu'"):
        backend().compile(Graph(nodes, ("again",), graph.attributes), batch_size=1)
