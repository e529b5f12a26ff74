"""Operations of small random networks against a count of single connections and spikes, one by one, in Python."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from snntoolbox.analysis.operation_counter import OperationCounter
from snntoolbox.analysis.operation_kinds import ann_counts
from snntoolbox.analysis.operations import ann_operations
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.backends.reference.pooling import MaxPoolState
from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire

STEPS, BATCH = 12, 2
Index = tuple[int, ...]
SPATIAL = st.tuples(st.integers(1, 2), st.integers(1, 2))
METHODS = ("cumulative", "avg_max", "fir_max")


@st.composite
def networks(draw: st.DrawFn) -> tuple[Graph, Graph]:
    """A network without spikes, and the spiking one: layers with weights, pools, branches that join again."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.tuples(st.integers(4, 6), st.integers(4, 6)))
    nodes = [Node("x", ops.Input((*size, 2)))]
    shapes = {"x": (*size, 2)}

    def add(name: str, op: ops.Op, *sources: str) -> str:
        nodes.append(Node(name, op, sources))
        shapes[name] = op.infer(*(shapes[source] for source in sources))
        return name

    def conv(name: str, source: str, *, keep: bool = False) -> str:
        *spatial, channels = shapes[source]
        window = tuple(min(n, draw(st.integers(1, 3))) for n in spatial)
        groups = draw(st.sampled_from([g for g in (1, 2) if channels % g == 0]))
        out = channels if keep else 2 * groups
        dilation = tuple(
            draw(st.integers(1, 2)) if n > 2 * (w - 1) else 1 for n, w in zip(spatial, window, strict=True)
        )
        pad = tuple(draw(st.tuples(st.integers(0, 1), st.integers(0, 1))) for _ in window)
        strides = draw(SPATIAL)
        if keep:
            pad = tuple(
                (d * (w - 1) // 2, d * (w - 1) - d * (w - 1) // 2) for w, d in zip(window, dilation, strict=True)
            )
            strides = (1, 1)
        kernel = rng.normal(0.2, 0.6, (*window, channels // groups, out)) * (rng.random((*window, 1, 1)) < 0.9)
        bias = rng.normal(0, 0.1, out) if draw(st.booleans()) else None
        op = ops.Conv(kernel, bias, strides=strides, padding=pad, dilation=dilation, groups=groups)
        return add(name, op, source)

    def fire(source: str) -> str:
        threshold = draw(st.sampled_from([0.5, 1.0, 1.5]))
        return add(f"{source}_spikes", ops.Spiking(IntegrateAndFire(threshold=threshold)), source)

    last = fire(conv("stem", "x"))
    for number in range(draw(st.integers(1, 2))):
        kind = draw(st.sampled_from(["conv", "max", "mean", "residual", "dense and scale", "concat"]))
        name = f"{number}_{kind.replace(' ', '_')}"
        window = tuple(min(n, k) for n, k in zip(shapes[last], draw(SPATIAL), strict=False))
        if kind == "conv":
            last = fire(conv(name, last))
        elif kind == "max":
            pad = tuple((0, draw(st.integers(0, w - 1))) for w in window)
            last = add(name, ops.SpikingMaxPool(window, draw(SPATIAL), pad, draw(st.sampled_from(METHODS))), last)
        elif kind == "mean":
            last = add(name, ops.AveragePool(window, draw(SPATIAL)), last)
        elif kind == "residual":
            branch = conv(f"{name}_branch", last, keep=True)
            shortcut = last if draw(st.booleans()) else add(f"{name}_scale", ops.Affine(np.array(0.5)), last)
            last = fire(add(name, ops.Add(), branch, shortcut))
        elif kind == "concat":
            last = add(name, ops.Concat(draw(st.sampled_from([0, 1, 2]))), last, last)
        else:
            channels = shapes[last][-1]
            dense = add(name, ops.Dense(rng.normal(0.2, 0.5, (channels, 2))), last)
            last = fire(add(f"{name}_affine", ops.Affine(np.ones(2), np.zeros(2)), dense))
    flat = add("flat", ops.Reshape((int(np.prod(shapes[last])),)), last)
    dense = add("dense", ops.Dense(rng.normal(size=(shapes[flat][0], 3)), np.zeros(3)), flat)
    add("out", ops.Spiking(Accumulator()), dense)
    spiking = Graph(tuple(nodes), ("out",), {"spike_code": "rate"})
    return _without_spikes(spiking), spiking


def _without_spikes(graph: Graph) -> Graph:
    nodes = []
    for node in graph.nodes:
        op = node.op
        if isinstance(op, ops.Spiking):
            op = ops.Relu()
        elif isinstance(op, ops.SpikingMaxPool):
            op = ops.MaxPool(op.pool, op.strides, op.padding)
        nodes.append(Node(node.name, op, node.inputs))
    return Graph(tuple(nodes), graph.outputs)


def windows(op: ops.Op, kernel: Index, dilation: Index, inside: Index, outside: Index) -> list[tuple[Index, Index]]:
    """Every (element read, place in the output) of a sliding window, without channels."""
    found = []
    for place in product(*(range(n) for n in outside)):
        for offset in product(*(range(k) for k in kernel)):
            axes = zip(place, op.strides, offset, dilation, op.padding, strict=True)
            element = tuple(p * s + o * d - low for p, s, o, d, (low, _) in axes)
            if all(0 <= e < n for e, n in zip(element, inside, strict=True)):
                found.append((element, place))
    return found


def links(op: ops.Op, inside: Index, outside: Index) -> list[tuple[Index, Index]]:
    """Every pair of an input element and an output element that an op connects."""
    if isinstance(op, ops.Dense):
        rows = list(product(*(range(n) for n in inside[:-1])))
        return [((*r, i), (*r, o)) for r in rows for i in range(inside[-1]) for o in range(outside[-1])]
    if isinstance(op, ops.Conv):
        per_in, per_out = inside[-1] // op.groups, outside[-1] // op.groups
        channels = [
            (g * per_in + i, g * per_out + o) for g in range(op.groups) for i in range(per_in) for o in range(per_out)
        ]
        places = windows(op, op.kernel.shape[:-2], op.dilation, inside[:-1], outside[:-1])
        return [((*e, i), (*p, o)) for e, p in places for i, o in channels]
    if isinstance(op, ops.AveragePool):
        places = windows(op, op.pool, (1,) * len(op.pool), inside[:-1], outside[:-1])
        return [((*e, c), (*p, c)) for e, p in places for c in range(inside[-1])]
    if isinstance(op, ops.Reshape):
        return list(zip(np.ndindex(*inside), np.ndindex(*outside), strict=True))
    return [(index, index) for index in np.ndindex(*inside)]  # Affine, Add


class BruteForce:
    """Follows every single spike of every step through every single connection."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.links: dict[tuple[str, int], dict[Index, list[Index]]] = {}
        for node in graph.nodes:
            axis, start = getattr(node.op, "axis", None), 0
            for number, source in enumerate(node.inputs):
                reached: dict[Index, list[Index]] = defaultdict(list)
                shape = graph.shapes[source]
                if isinstance(node.op, ops.Concat):
                    for index in np.ndindex(*shape):
                        moved = list(index)
                        moved[axis] += start
                        reached[index].append(tuple(moved))
                    start += shape[axis]
                elif not isinstance(node.op, ops.Spiking | ops.SpikingMaxPool):
                    for element, place in links(node.op, shape, graph.shapes[node.name]):
                        reached[element].append(place)
                self.links[node.name, number] = reached

    def cost(self, name: str, element: Index) -> int:
        """Operations that one message of an element causes, before neurons or a pool send messages of their own."""
        total = 0
        for node in self.graph.nodes:
            for number, source in enumerate(node.inputs):
                if source == name:
                    for place in self.links[node.name, number].get(element, ()):
                        total += isinstance(node.op, ops.Dense | ops.Conv | ops.Affine)
                        total += self.cost(node.name, place)
        return total

    def costs(self, name: str) -> np.ndarray:
        shape = self.graph.shapes[name]
        return np.array([self.cost(name, index) for index in np.ndindex(*shape)]).reshape(shape)


def messages_of_pools(graph: Graph, trains: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What every pool sends in every step: whether there is a message."""
    states = {node.name: MaxPoolState(node.op) for node in graph.nodes if isinstance(node.op, ops.SpikingMaxPool)}
    sent: dict[str, list[np.ndarray]] = {name: [] for name in states}
    for step in range(STEPS):
        values: dict[str, np.ndarray] = {}
        for node in graph.nodes:
            if isinstance(node.op, ops.Spiking) and node.name in trains:
                values[node.name] = trains[node.name][step] * node.op.model.message_size
            elif isinstance(node.op, ops.Input | ops.Spiking):
                values[node.name] = np.zeros((BATCH, *graph.shapes[node.name]))
            elif node.name in states:
                values[node.name] = states[node.name].step(values[node.inputs[0]], step + 1)
                sent[node.name].append(np.abs(values[node.name]) > 1e-6)
            else:
                op = node.op.replace(bias=None) if "bias" in node.op.parameters() else node.op
                values[node.name] = apply_op(op, *(values[source] for source in node.inputs))
    return {name: np.stack(rows) for name, rows in sent.items()}


@settings(max_examples=60, deadline=None)
@given(networks(), st.booleans())
def test_operations_equal_a_count_by_hand(pair: tuple[Graph, Graph], poisson: bool) -> None:
    ann, graph = pair
    x = np.random.default_rng(0).random((BATCH, *graph.shapes["x"]))
    stimulus = PoissonSpikes(x, rate=0.6, peak=1.0, sample_ids=[0, 1]) if poisson else ConstantCurrent(x)
    counter = OperationCounter(graph, ann, seed=3)
    probes = counter.probes(BATCH, STEPS)
    firing = tuple(name for name in graph.neurons if name != "out")
    with ReferenceBackend().compile(graph, batch_size=BATCH, seed=3) as simulation:
        record = simulation.run(stimulus, STEPS, probes)
        simulation.reset()
        trains = simulation.run(stimulus, STEPS, replace(probes, spikes=firing)).spike_trains
    counter.add(record, stimulus)
    result = counter.result()

    brute, expected = BruteForce(graph), np.zeros(STEPS)
    events = {**trains, **messages_of_pools(graph, dict(trains))}
    if poisson:
        events["x"] = np.stack([frame != 0 for frame in stimulus.frames(STEPS, 3)])
    for name, sent in events.items():
        expected += (np.asarray(sent) * brute.costs(name)).reshape(STEPS, -1).sum(axis=1) / BATCH
    np.testing.assert_array_equal(result.snn_over_time * BATCH, np.cumsum(expected) * BATCH)
    assert not result.upper_bound and not result.proportional
    assert sum(result.per_layer.values()) == result.snn

    stem = sum(len(places) for places in brute.links["stem", 0].values())
    assert result.snn_input_macs == (0 if poisson else stem)


@settings(max_examples=40, deadline=None)
@given(networks())
def test_operations_without_spikes_equal_a_count_by_hand(pair: tuple[Graph, Graph]) -> None:
    ann, spiking = pair
    brute, expected = BruteForce(spiking), 0
    for node in ann.nodes:
        pairs = sum(len(places) for places in brute.links.get((node.name, 0), {}).values())
        size = int(np.prod(ann.shapes[node.name]))
        if isinstance(node.op, ops.Dense | ops.Conv):
            expected += 2 * pairs + (size if node.op.bias is not None else 0)
        elif isinstance(node.op, ops.Affine):
            expected += size + (size if node.op.shift is not None else 0)
    counts = ann_counts(ann)
    assert ann_operations(ann) == expected == 2 * counts["mac"] + counts["multiply"] + counts["add"]
