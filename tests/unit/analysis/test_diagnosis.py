"""Each finding, by a network made to cause it; and networks that cause none."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.diagnosis import diagnose
from snntoolbox.calibration import LayerStatistics
from snntoolbox.ir import Graph, Node, ops

rng = np.random.default_rng(0)
NUM_STEPS = 100


def weights(*shape):
    return rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))


def network(first=None, bias=None, depth=1):
    """A convolution and ``depth`` dense layers with rectifiers, then a linear output."""
    kernel = weights(3, 3, 2, 8) if first is None else first
    nodes = [
        Node("x", ops.Input((6, 6, 2))),
        Node("conv", ops.Conv(kernel, bias), ("x",)),
        Node("conv_relu", ops.Relu(), ("conv",)),
        Node("flat", ops.Reshape((128,)), ("conv_relu",)),
    ]
    for number in range(depth):
        size = 128 if number == 0 else 16
        nodes.append(Node(f"fc{number}", ops.Dense(weights(size, 16)), (nodes[-1].name,)))
        nodes.append(Node(f"fc{number}_relu", ops.Relu(), (nodes[-1].name,)))
    # The output is read from potentials, whatever its weights are.
    nodes.append(Node("out", ops.Dense(1000 * weights(16, 3), np.full(3, 50.0)), (nodes[-1].name,)))
    return Graph(tuple(nodes), ("out",))


def activity(values, channels=8, **changes):
    """Statistics of a layer whose non-zero activations are ``values``."""
    edges = 2.0 ** np.arange(-20, 8, 0.25)
    options = {
        "scale": 1.0,
        "percentile": 99.9,
        "maximum": float(np.max(values)),
        "active_fraction": 0.5,
        "edges": edges,
        "counts": np.histogram(values, edges)[0],
    }
    return LayerStatistics(**{**options, **changes})


HEALTHY = activity(rng.uniform(0, 1, 10_000))


def found(graph, num_steps=NUM_STEPS, threshold=1.0, **layers):
    return diagnose(graph, layers, num_steps, threshold)


@pytest.mark.parametrize("threshold", [1.0, 0.8])
def test_a_healthy_network_gives_no_warning(threshold):
    assert found(network(bias=weights(8)), threshold=threshold, conv_relu=HEALTHY, fc0_relu=HEALTHY) == ()


def test_large_biases():
    (problem,) = found(network(bias=np.array([0.0, 3.0, -5.0, 0, 0, 0, 0, 1.5])))
    assert problem.where == "node 'conv' (Conv)"
    assert "2 of 8 channels" in problem.what and "up to 5 thresholds a step, expected at most 2" in problem.what
    assert "filename_clamp_indices" in problem.hint


def test_biases_count_in_thresholds():
    assert found(network(bias=np.full(8, 1.5))) == ()
    assert "up to 3 thresholds" in found(network(bias=np.full(8, 1.5)), threshold=0.5)[0].what


def test_an_affine_with_a_large_shift():
    graph = network()
    nodes = [*graph.nodes[:2], Node("norm", ops.Affine(None, np.full(8, 9.0)), ("conv",))]
    nodes += [Node("conv_relu", ops.Relu(), ("norm",)), *graph.nodes[3:]]
    assert [problem.where for problem in found(graph.with_nodes(nodes))] == ["node 'norm' (Affine)"]


def test_a_fan_in_that_throws_the_potential_about():
    (problem,) = found(network(first=30 * weights(3, 3, 2, 8)))
    assert "a fan-in of 18 moves the potential by about" in problem.what and "expected at most 20" in problem.what


def test_channels_of_very_different_size():
    kernel = weights(3, 3, 2, 8) / 50
    kernel[..., 5] *= 100
    (problem,) = found(network(first=kernel))
    assert "the input of channel 5 is" in problem.what and "channel_wise = True" in problem.hint


def test_outlier_weights():
    kernel = rng.normal(size=(1, 1, 2, 4096)) * 0.01
    kernel[0, 0, 1, 7] = 1.0
    graph = Graph(
        (
            Node("x", ops.Input((6, 6, 2))),
            Node("conv", ops.Conv(kernel), ("x",)),
            Node("relu", ops.Relu(), ("conv",)),
            Node("out", ops.Conv(weights(1, 1, 4096, 2)), ("relu",)),
        ),
        ("out",),
    )
    problems = [problem.what for problem in found(graph)]
    assert any("standard deviations of the layer's weights, expected at most 40" in what for what in problems)


def test_dead_channels():
    dead = activity([0.5], dead_channels=(0, 1, 2, 3, 4, 5, 6, 7), active_fraction=0.01)
    (problem,) = found(network(), conv_relu=dead)
    assert problem.where == "node 'conv_relu' (Relu)"
    assert "8 of 8 channels are never active" in problem.what and "[input] rescale" in problem.hint


def test_a_silent_layer():
    silent = LayerStatistics(1.0, 99.9, 0.0, 0.0, tuple(range(8)))
    (problem,) = found(network(), conv_relu=silent)
    assert "not one neuron is active" in problem.what


def test_activations_above_the_largest_rate():
    (problem,) = found(network(), conv_relu=activity(rng.uniform(0, 4, 10_000)))
    assert "times the largest rate" in problem.what and "[tools] normalize" in problem.hint
    assert found(network(), threshold=0.25, conv_relu=HEALTHY)


def test_outlier_activations():
    (problem,) = found(network(), conv_relu=activity([*rng.uniform(0, 1, 10_000), 20.0]))
    assert "the largest activation is 20 times the 99.9th percentile" in problem.what


def test_rates_too_low_to_be_seen():
    (problem,) = found(network(), conv_relu=activity([*rng.uniform(0, 0.002, 10_000), *rng.uniform(0, 1, 500)]))
    assert "half of the active neurons send fewer than" in problem.what and "in 100 steps" in problem.what


def test_depth_against_the_number_of_steps():
    (problem,) = found(network(depth=10))
    assert problem.where == "network"
    assert "11 layers of neurons" in problem.what and "simulate 110 steps" in problem.hint
    assert "clamp_delay = 0.5" in problem.hint
    assert found(network(depth=10), num_steps=110) == ()


def test_a_clamp_leaves_enough_steps():
    assert diagnose(network(depth=10), {}, 20, clamp_steps=5) == ()
    (problem,) = diagnose(network(depth=10), {}, 20, clamp_steps=15)
    assert "up to 15 of 20 steps" in problem.what and "Simulate 25 steps" in problem.hint


def test_the_worst_are_named_and_the_others_counted():
    nodes = [Node("x", ops.Input((4,)))]
    for number in range(5):
        bias = np.full(4, 3.0 + number)
        nodes.append(Node(f"fc{number}", ops.Dense(weights(4, 4), bias), (nodes[-1].name,)))
        nodes.append(Node(f"relu{number}", ops.Relu(), (nodes[-1].name,)))
    problems = found(Graph(tuple(nodes), (nodes[-1].name,)))
    assert [problem.where for problem in problems] == [f"node 'fc{n}' (Dense)" for n in (4, 3, 2)]
    assert problems[-1].what.endswith("(2 more nodes like this)")
