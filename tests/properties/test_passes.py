"""What holds for every network: passes keep values, and rates approach activations."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes.rate import RateCode
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.passes.fold_batch_norm import FoldBatchNorm
from snntoolbox.passes.insert_neurons import InsertNeurons
from snntoolbox.passes.normalize_activations import NormalizeActivations
from snntoolbox.passes.pipeline import conversion_passes, preparation_passes, run_passes
from snntoolbox.passes.remove_identities import RemoveIdentities
from snntoolbox.passes.scales import node_scales
from snntoolbox.testing.evaluation import node_values
from snntoolbox.testing.passes import largest_activations
from snntoolbox.testing.random_graphs import random_graph, random_samples

seeds = st.integers(0, 10**6)


def assert_same(graph, expected, after, received, tolerance):
    assert len(after.outputs) == len(graph.outputs)
    for name, new_name in zip(graph.outputs, after.outputs, strict=True):
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(received[new_name], expected[name], rtol=0, atol=tolerance * scale)


@given(seeds)
def test_preparation_keeps_the_function(seed):
    graph = random_graph(seed, leaky=True)
    samples = random_samples(graph, seed)
    after = FoldBatchNorm()(RemoveIdentities()(graph))
    assert_same(graph, node_values(graph, samples), after, node_values(after, samples), 1e-11)


@given(seeds)
def test_folding_leaves_nothing_to_fold(seed):
    once = FoldBatchNorm()(random_graph(seed))
    assert FoldBatchNorm()(once).equals(once)


@given(seeds)
def test_preparation_in_single_precision_stays_within_its_rounding(seed):
    graph = random_graph(seed, dtype=np.float32)
    samples = random_samples(graph, seed)
    after = FoldBatchNorm()(graph)
    assert {a.dtype for n in after.nodes for a in n.op.parameters().values()} == {np.dtype(np.float32)}
    assert_same(graph, node_values(graph, samples), after, node_values(after, samples), 1e-5)


@given(seeds, st.booleans(), st.booleans())
def test_normalisation_divides_every_value_by_its_scale(seed, channel_wise, keep_head):
    graph = random_graph(seed, leaky=True)
    samples, rng = random_samples(graph, seed), np.random.default_rng(seed)
    scales = {
        node.name: rng.uniform(0.1, 10, size=graph.shapes[node.name][-1:] if channel_wise else ())
        for node in graph.nodes
        if isinstance(node.op, ops.Relu)
    }
    after = NormalizeActivations(scales, keep_head)(graph)
    expected, received = node_values(graph, samples), node_values(after, samples)
    assert_same(graph, expected, after, received, 1e-11)
    for name, scale in node_scales(graph, scales, keep_head=keep_head).items():
        atol = 1e-11 * np.abs(expected[name]).max()
        np.testing.assert_allclose(received[name] * scale, expected[name], rtol=0, atol=atol)


@settings(max_examples=20)
@given(seeds, st.sampled_from(["potential", "spikes"]))
def test_outputs_of_the_spiking_network_approach_those_of_the_network(seed, output):
    """The error falls as 1 / steps. 30 / steps allows for what some layers of random weights add up."""
    code, num_steps = RateCode(output=output), 300
    graph = random_graph(seed, num_blocks=2, leaky=output == "potential")
    if output == "spikes" and any(isinstance(node.op, ops.Activation) for node in graph.nodes):
        return  # refused: spike counts cannot stand for a sigmoid
    prepared = run_passes(graph, preparation_passes(code))
    samples = random_samples(graph, seed, num_samples=2)
    spiking = run_passes(prepared, conversion_passes(code, largest_activations(prepared, samples)))
    with ReferenceBackend().compile(spiking, batch_size=2) as simulation:
        record = simulation.run({name: code.encode(x) for name, x in samples.items()}, num_steps)
    assert_same(prepared, node_values(prepared, samples), spiking, record.outputs, 30 / num_steps)


@given(
    st.floats(-2, 2),
    st.floats(0.5, 2),
    st.sampled_from([0.0, 0.5]),
    st.integers(1, 200),
    st.one_of(st.none(), st.floats(0.1, 2)),
)
def test_a_rate_is_within_one_spike_of_the_activation(value, threshold, start, num_steps, ceiling):
    """Rueckauer 2020, eq. 2.5b: |r - a| <= V_thr / T for one layer, reset by subtraction and constant input."""
    relu = ops.Relu(ceiling)
    nodes = (Node("x", ops.Input((1,))), Node("fc", ops.Dense(np.eye(1)), ("x",)), Node("r", relu, ("fc",)))
    graph = Graph((*nodes, Node("out", ops.Dense(np.eye(1)), ("r",))), ("out",))
    code = RateCode(threshold=threshold, initial_potential=start)
    with ReferenceBackend().compile(InsertNeurons(code)(graph), batch_size=1) as simulation:
        record = simulation.run(code.encode(np.array([[value]])), num_steps)
    largest = threshold if ceiling is None else min(threshold, ceiling)
    activation = min(max(value, 0), largest)
    assert abs(record.outputs["out"].item() - activation) <= largest / num_steps + 1e-9
