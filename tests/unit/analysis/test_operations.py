"""Operation counts: exact against sending single spikes through the NumPy kernels, and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.analysis.operation_kinds import input_counts
from snntoolbox.analysis.operations import (
    ann_operations,
    connections,
    fan_out,
    input_operations,
    input_spikes,
    neuron_updates,
    operation_weights,
)
from snntoolbox.backends.head import split_head
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Probes
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent, PoissonSpikes, SpikeTrains
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire

NEURON, OUTPUT = ops.Spiking(IntegrateAndFire()), ops.Spiking(Accumulator())


def chain(shape: tuple[int, ...], *layers: ops.Op, units: int = 3) -> Graph:
    """Input -> ops -> flatten -> Dense -> accumulator."""
    nodes = [Node("x", ops.Input(shape))]
    for number, op in enumerate(layers):
        nodes.append(Node(f"{op.kind.lower()}_{number}", op, (nodes[-1].name,)))
    size = int(np.prod(Graph(tuple(nodes), (nodes[-1].name,)).shapes[nodes[-1].name]))
    nodes.append(Node("flat", ops.Reshape((size,)), (nodes[-1].name,)))
    nodes.append(Node("dense", ops.Dense(np.zeros((size, units))), ("flat",)))
    nodes.append(Node("out", OUTPUT, ("dense",)))
    return Graph(tuple(nodes), ("out",), {"spike_code": "rate"})


def conv(*kernel: int, **options: object) -> ops.Conv:
    return ops.Conv(np.zeros(kernel), **options)  # type: ignore[arg-type]


def structural(op: ops.Op) -> tuple[ops.Op, bool]:
    """The op with ones for weights, so that the kernels count arrivals, and whether it is weighted."""
    if isinstance(op, ops.Dense):
        return ops.Dense(np.ones_like(op.weight)), True
    if isinstance(op, ops.Conv | ops.ConvTranspose):
        return op.replace(kernel=np.ones_like(op.kernel), bias=None), True
    if isinstance(op, ops.Affine):
        return ops.Affine(np.ones_like(op.scale)), True
    return op, False


def sum_pool(x: np.ndarray, op: ops.AveragePool | ops.MaxPool | ops.SpikingMaxPool) -> np.ndarray:
    """How many spikes arrive in each window, as a depthwise convolution with ones."""
    channels = x.shape[-1]
    kernel = np.ones((*op.pool, 1, channels))
    return apply_op(ops.Conv(kernel, strides=op.strides, padding=op.padding, groups=channels), x)


def brute_force(graph: Graph, source: str) -> np.ndarray:
    """Operations of a spike of each element, by sending them one by one."""
    body = split_head(graph).body
    size = body.size(source)
    spikes = np.eye(size).reshape(size, *body.shapes[source])
    arriving = {node.name: np.zeros((size, *body.shapes[node.name])) for node in body.nodes}
    arriving[source] = spikes
    total = np.zeros(size)
    for node in body.nodes:
        if isinstance(node.op, ops.Input | ops.Spiking):
            continue
        op, weighted = structural(node.op)
        inputs = [arriving[name] for name in node.inputs]
        value = sum_pool(inputs[0], op) if hasattr(op, "pool") else apply_op(op, *inputs)
        arriving[node.name] = value
        total += weighted * value.reshape(size, -1).sum(axis=1)
    return total.reshape(body.shapes[source])


CHAINS = {
    "dense": chain((4,), ops.Dense(np.zeros((4, 5)), np.zeros(5)), NEURON),
    "dense on an inner axis": chain((3, 4), ops.Dense(np.zeros((4, 5))), NEURON),
    "conv, same padding": chain((5, 6, 2), conv(3, 3, 2, 4, padding=((1, 1), (1, 1))), NEURON),
    "conv, even kernel, uneven padding": chain((5, 5, 2), conv(4, 2, 2, 3, padding=((1, 2), (0, 1))), NEURON),
    "conv, strides": chain((7, 6, 2), conv(3, 2, 2, 3, strides=(2, 3), padding=((1, 1), (0, 0))), NEURON),
    "conv, dilation": chain((7, 7, 1), conv(3, 3, 1, 2, dilation=(2, 1), padding=((2, 2), (1, 1))), NEURON),
    "conv, groups": chain((4, 4, 6), conv(3, 3, 2, 9, groups=3, padding=((1, 1), (1, 1))), NEURON),
    "depthwise and pointwise without neurons": chain(
        (4, 4, 3), conv(3, 3, 1, 6, groups=3, padding=((1, 1), (1, 1))), conv(1, 1, 6, 2), NEURON
    ),
    "conv 1d and 3d": chain(
        (5, 2), conv(3, 2, 4, strides=(2,)), NEURON, ops.Reshape((2, 2, 2, 1)), conv(2, 1, 2, 1, 3)
    ),
    "transposed": chain(
        (3, 4, 4),
        ops.ConvTranspose(
            np.zeros((3, 2, 4, 3)), strides=(2, 3), padding=((1, 0), (0, 1)), output_padding=(1, 2), groups=2
        ),
        NEURON,
    ),
    "transposed, dilated": chain(
        (4, 2), ops.ConvTranspose(np.zeros((3, 2, 3)), strides=(3,), dilation=(2,), padding=((2, 3),)), NEURON
    ),
    "average pool, overlapping, padded": chain(
        (6, 6, 2), NEURON, ops.AveragePool((3, 3), (2, 2), ((1, 0), (0, 1))), conv(2, 2, 2, 3), NEURON
    ),
    "max pool": chain((6, 7, 2), NEURON, ops.SpikingMaxPool((2, 3), (2, 2)), conv(2, 2, 2, 3), NEURON),
    "layout": chain(
        (4, 6, 2),
        NEURON,
        ops.Pad(((1, 0), (0, 2), (0, 0))),
        ops.Slice((0, 1, 0), (5, 8, 2), (2, 3, 1)),
        ops.Upsample((2, 1)),
        ops.Permute((2, 0, 1)),
        ops.Affine(np.ones(3), np.ones(3)),
        NEURON,
    ),
}


@pytest.mark.parametrize("graph", CHAINS.values(), ids=CHAINS.keys())
def test_fan_out_of_each_op_equals_sending_single_spikes(graph: Graph) -> None:
    for name, values in fan_out(graph).items():
        np.testing.assert_array_equal(values, brute_force(graph, name))


def branched() -> Graph:
    """A layer that feeds an identity branch, a convolution, itself again, and a part of a concatenation."""
    nodes = (
        Node("x", ops.Input((5, 5, 2))),
        Node("stem", conv(3, 3, 2, 4, padding=((1, 1), (1, 1))), ("x",)),
        Node("spikes", NEURON, ("stem",)),
        Node("branch", conv(3, 3, 4, 4, padding=((1, 1), (1, 1))), ("spikes",)),
        Node("shortcut", ops.Affine(np.asarray(0.5)), ("spikes",)),
        Node("add", ops.Add(), ("branch", "shortcut", "shortcut")),
        Node("joined_spikes", NEURON, ("add",)),
        Node("concat", ops.Concat(-1), ("joined_spikes", "spikes")),
        Node("pool", ops.AveragePool((2, 2)), ("concat",)),
        Node("flat", ops.Reshape((32,)), ("pool",)),
        Node("dense", ops.Dense(np.zeros((32, 3))), ("flat",)),
        Node("out", OUTPUT, ("dense",)),
        Node("softmax", ops.Softmax(), ("out",)),
    )
    return Graph(nodes, ("softmax",), {"spike_code": "rate"})


def test_fan_out_through_branches_and_repeated_inputs() -> None:
    graph = branched()
    counts = fan_out(graph)
    for name in ("x", "spikes", "joined_spikes"):
        np.testing.assert_array_equal(counts[name], brute_force(graph, name))
    # In the middle of the map: 9 x 4 through the branch, 1 for the scaling of the shortcut, 3 to the classes.
    np.testing.assert_array_equal(counts["spikes"][2, 2], [36 + 1 + 3] * 4)
    # The last row and column are in no pooling window.
    np.testing.assert_array_equal(counts["spikes"][4, 4], [16 + 1] * 4)


@pytest.mark.parametrize("seed", range(20))
def test_fan_out_of_random_networks_equals_sending_single_spikes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers: list[ops.Op] = []
    shape: tuple[int, ...] = (int(rng.integers(4, 8)), int(rng.integers(4, 8)), 2 * int(rng.integers(1, 3)))
    start = shape
    for _ in range(int(rng.integers(3, 7))):
        channels, kind = shape[-1], rng.choice(["conv", "pool", "neuron", "max", "up", "transposed"])
        pad = tuple((int(a), int(b)) for a, b in rng.integers(0, 2, (2, 2)))
        strides = tuple(int(s) for s in rng.integers(1, 3, 2))
        groups = int(rng.choice([g for g in (1, 2) if channels % g == 0]))
        window = tuple(int(min(w, n)) for w, n in zip(rng.integers(1, 4, 2), shape, strict=False))
        op: ops.Op = {
            "conv": conv(*window, channels // groups, 2 * groups, strides=strides, padding=pad, groups=groups),
            "transposed": ops.ConvTranspose(np.zeros((*window, channels, 2)), strides=strides, groups=groups),
            "pool": ops.AveragePool(window, strides),
            "max": ops.SpikingMaxPool(window, strides),
            "up": ops.Upsample((1, 2)),
            "neuron": NEURON,
        }[str(kind)]
        layers.append(op)
        shape = op.infer(shape)
    graph = chain(start, *layers, NEURON)
    for name, values in fan_out(graph).items():
        np.testing.assert_array_equal(values, brute_force(graph, name))


def test_zero_weights_and_large_networks_count_structurally() -> None:
    graph = chain((64, 64, 16), conv(5, 5, 16, 32, padding=((2, 2), (2, 2))), NEURON, units=10)
    counts = fan_out(graph)
    assert counts["x"][32, 32, 0] == 25 * 32
    assert counts["x"][0, 0, 0] == 9 * 32
    assert (counts["spiking_1"] == 10).all()
    assert connections(graph, "conv_0") == counts["x"].sum()


def test_ann_operations_are_two_a_connection_and_one_a_bias() -> None:
    graph = Graph(
        (
            Node("x", ops.Input((4, 4, 1))),
            Node("conv", ops.Conv(np.zeros((3, 3, 1, 2)), np.zeros(2), padding=((1, 1), (1, 1))), ("x",)),
            Node("norm", ops.Affine(np.ones(2), np.ones(2)), ("conv",)),
            Node("relu", ops.Relu(), ("norm",)),
            Node("pool", ops.AveragePool((2, 2)), ("relu",)),
            Node("flat", ops.Reshape((8,)), ("pool",)),
            Node("dense", ops.Dense(np.zeros((8, 3))), ("flat",)),
        ),
        ("dense",),
    )
    inside = (3 + 3 + 2 + 2) ** 2  # connections of a 3x3 window on 4x4 elements with a border of padding
    assert connections(graph, "conv") == 2 * inside
    assert connections(graph, "pool") == 0
    assert ann_operations(graph) == (2 * 2 * inside + 32) + 2 * 32 + 2 * 8 * 3


def test_fan_in_without_padding_is_equation_2_21() -> None:
    graph = chain((6, 6, 3), ops.Conv(np.zeros((3, 3, 3, 4)), np.zeros(4)), NEURON, units=5)
    assert ann_operations(graph) == (2 * 27 + 1) * 4 * 4 * 4 + 2 * 64 * 5  # the Dense has no bias


def test_totals_with_fan_out_as_weights_are_the_synaptic_operations(rng: np.random.Generator) -> None:
    graph = Graph(
        (
            Node("x", ops.Input((6, 6, 2))),
            Node("conv", ops.Conv(rng.normal(size=(3, 3, 2, 4)), padding=((1, 1), (1, 1))), ("x",)),
            Node("spikes", NEURON, ("conv",)),
            Node("next", ops.Conv(rng.normal(size=(3, 3, 4, 3)), strides=(2, 2)), ("spikes",)),
            Node("more", NEURON, ("next",)),
            Node("flat", ops.Reshape((12,)), ("more",)),
            Node("dense", ops.Dense(rng.normal(size=(12, 5))), ("flat",)),
            Node("out", OUTPUT, ("dense",)),
        ),
        ("out",),
        {"spike_code": "rate"},
    )
    weights = operation_weights(graph)
    assert set(weights) == {"spikes", "more"}
    with ReferenceBackend().compile(graph, batch_size=3) as simulation:
        record = simulation.run(ConstantCurrent(rng.random((3, 6, 6, 2))), 12, Probes(totals=weights))
    for name, weight in weights.items():
        expected = (record.spike_counts[name] * weight).sum(axis=(1, 2, 3))
        assert expected.min() > 0
        np.testing.assert_array_equal(record.totals[name].sum(axis=0), expected)


def test_input_operations_replay_the_spikes_of_the_input(rng: np.random.Generator) -> None:
    values, weights = rng.normal(size=(2, 3, 2)), rng.integers(1, 9, (3, 2)).astype(float)
    stimulus = PoissonSpikes(values, rate=0.5, peak=2.0, sample_ids=[4, 9])
    counted = input_operations(stimulus, weights, 20, seed=7)
    frames = np.stack(list(stimulus.frames(20, 7)))
    np.testing.assert_array_equal(counted, ((frames != 0) * weights).sum(axis=(2, 3)))
    assert counted.sum() > 0
    np.testing.assert_array_equal(input_spikes(stimulus, 20, seed=7), (frames != 0).sum(axis=(2, 3)))
    trains = np.zeros((4, 1, 3, 2), np.float32)
    trains[2, 0, 1, 1] = -3.0
    np.testing.assert_array_equal(input_operations(SpikeTrains(trains), weights, 4)[:, 0], [0, 0, weights[1, 1], 0])


def test_constant_input_is_counted_once_as_multiplications() -> None:
    graph = CHAINS["conv, same padding"]
    counts = fan_out(graph)
    assert input_counts(graph, ["x"])["mac"] == connections(graph, "conv_0")
    assert not input_operations(ConstantCurrent(np.ones((2, 5, 6, 2))), counts["x"], 5).any()


def test_neuron_updates_count_every_neuron() -> None:
    assert neuron_updates(CHAINS["dense"]) == 5 + 3


def test_an_op_that_spikes_do_not_pass_is_refused() -> None:
    from snntoolbox.analysis.adjacency import pull_back

    with pytest.raises(UnsupportedError, match="Softmax"):
        pull_back(ops.Softmax(), np.ones(3), [(3,)])


def test_neurons_with_a_window_are_updated_there_alone() -> None:
    class Windowed(IntegrateAndFire):
        window = 4

    graph = chain((4,), ops.Dense(np.zeros((4, 5))), ops.Spiking(Windowed()))
    assert neuron_updates(graph, 10) == 5 * 4 + 3 * 10
    assert neuron_updates(graph, 2) == (5 + 3) * 2
