"""Small spiking networks of the structures that simulators get wrong, for the contract of backends."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.ops import Op, PoolGate
from snntoolbox.neurons import (
    Accumulator,
    ExpectantFirstSpike,
    ExpectantReadout,
    FirstSpike,
    FirstSpikeReadout,
    IntegrateAndFire,
    LatencyNeuron,
    NeuronModel,
)
from snntoolbox.passes.add_announcements import AddAnnouncements
from snntoolbox.passes.schedule_windows import ScheduleWindows

__all__ = ["SpikingNetworks"]

Array = NDArray[Any]


class SpikingNetworks:
    """Makes networks with random weights.

    With ``dyadic`` weights and input are multiples of 1/16 and 1/8, so that float32 computes every sum exactly and a
    simulator in float32 must agree with the reference in every spike.
    """

    def __init__(self, seed: int, *, dyadic: bool) -> None:
        self._rng = np.random.default_rng(seed)
        self._dyadic = dyadic

    def samples(self, graph: Graph, count: int = 4, name: str | None = None) -> Array:
        """Return samples for an input of a network, shape (count, *shape); for the first one unless named."""
        x = self._rng.uniform(-0.25, 1.0, (count, *graph.shapes[name or graph.inputs[0]]))
        return np.round(x * 8) / 8 if self._dyadic else x

    def weights(self, *shape: int, scale: float = 0.4) -> Array:
        """Return random weights."""
        w = self._rng.normal(size=shape, scale=scale)
        return np.round(w * 16) / 16 if self._dyadic else w

    def all(self) -> dict[str, Callable[[], Graph]]:
        """Return every kind of network by name."""
        # Rate estimates of the gates are no dyadic numbers.
        pools: tuple[PoolGate, ...] = ("cumulative",) if self._dyadic else get_args(PoolGate)
        return {
            "dense": self.dense,
            "convolutions": self.convolutions,
            "one_dimensional": self.one_dimensional,
            "residual": self.residual,
            "concatenation": self.concatenation,
            "layout": self.layout,
            "two_outputs": self.two_outputs,
            **{f"max_pooling_{method}": partial(self.max_pooling, method) for method in pools},
        }

    def dense(self, neuron: NeuronModel | None = None, output: NeuronModel | None = None) -> Graph:
        """Two layers, without a head."""
        neuron = neuron or IntegrateAndFire(initial_potential=0.5)
        layers: list[tuple[str, Op]] = [
            ("x", ops.Input((12,))),
            ("fc1", ops.Dense(self.weights(12, 10), self.weights(10, scale=0.1))),
            ("hidden", ops.Spiking(neuron)),
            ("fc2", ops.Dense(self.weights(10, 4), self.weights(4, scale=0.1))),
            ("out", ops.Spiking(output or Accumulator())),
        ]
        return _chain(layers)

    def convolutions(self) -> Graph:
        """Even and odd kernels, strides, dilation, groups, padding on one side, average pooling, a softmax."""
        neuron = IntegrateAndFire(initial_potential=0.5)
        layers: list[tuple[str, Op]] = [
            ("x", ops.Input((9, 8, 2))),
            ("conv", ops.Conv(self.weights(3, 2, 2, 4), self.weights(4, scale=0.1), (2, 1), ((1, 1), (0, 1)))),
            ("first", ops.Spiking(neuron)),
            ("groups", ops.Conv(self.weights(2, 3, 2, 6), None, (1, 1), ((0, 1), (2, 2)), (1, 2), groups=2)),
            ("second", ops.Spiking(neuron)),
            ("pool", ops.AveragePool((2, 2), padding=((0, 1), (0, 0)))),
            ("depthwise", ops.Conv(self.weights(2, 2, 1, 6), self.weights(6, scale=0.1), groups=6)),
            ("third", ops.Spiking(neuron)),
            ("flat", ops.Reshape((36,))),
            ("fc", ops.Dense(self.weights(36, 3) - 0.25)),
            ("out", ops.Spiking(Accumulator())),
            ("soft", ops.Softmax()),
        ]
        return _chain(layers)

    def one_dimensional(self) -> Graph:
        """Convolutions over one axis."""
        layers: list[tuple[str, Op]] = [
            ("x", ops.Input((14, 2))),
            ("conv", ops.Conv(self.weights(4, 2, 3), self.weights(3, scale=0.1), (2,), ((1, 2),))),
            ("first", ops.Spiking(IntegrateAndFire(initial_potential=0.5))),
            ("pool", ops.AveragePool((2,))),
            ("flat", ops.Reshape((9,))),
            ("fc", ops.Dense(self.weights(9, 3))),
            ("out", ops.Spiking(Accumulator())),
        ]
        return _chain(layers)

    def residual(self) -> Graph:
        """Shortcuts: identity, projection, and from the input."""
        neuron = IntegrateAndFire(initial_potential=0.5)
        same = ((1, 1), (1, 1))
        nodes = (
            Node("x", ops.Input((6, 6, 2))),
            Node("stem", ops.Conv(self.weights(3, 3, 2, 3), self.weights(3, scale=0.1), padding=same), ("x",)),
            Node("first", ops.Spiking(neuron), ("stem",)),
            Node("body", ops.Conv(self.weights(3, 3, 3, 3, scale=0.2), padding=same), ("first",)),
            Node("scaled", ops.Affine(np.array(0.5)), ("first",)),
            Node("projected", ops.Conv(self.weights(1, 1, 2, 3)), ("x",)),
            Node("sum", ops.Add(), ("body", "scaled", "projected")),
            Node("second", ops.Spiking(neuron), ("sum",)),
            Node("again", ops.Add(), ("first", "second")),
            Node("flat", ops.Reshape((108,)), ("again",)),
            Node("fc", ops.Dense(self.weights(108, 3, scale=0.2)), ("flat",)),
            Node("out", ops.Spiking(Accumulator()), ("fc",)),
        )
        return Graph(nodes, ("out",), {"spike_code": "rate"})

    def concatenation(self) -> Graph:
        """Branches of different depth, joined by their channels."""
        neuron = IntegrateAndFire(initial_potential=0.5)
        nodes = (
            Node("x", ops.Input((5, 5, 2))),
            Node("a", ops.Conv(self.weights(1, 1, 2, 3), self.weights(3, scale=0.1)), ("x",)),
            Node("first", ops.Spiking(neuron), ("a",)),
            Node("b", ops.Conv(self.weights(3, 3, 3, 2), padding=((1, 1), (1, 1))), ("first",)),
            Node("second", ops.Spiking(neuron), ("b",)),
            Node("joined", ops.Concat(-1), ("second", "first")),
            Node("c", ops.Conv(self.weights(2, 2, 5, 3, scale=0.3)), ("joined",)),
            Node("third", ops.Spiking(neuron), ("c",)),
            Node("flat", ops.Reshape((48,)), ("third",)),
            Node("fc", ops.Dense(self.weights(48, 3, scale=0.3)), ("flat",)),
            Node("out", ops.Spiking(Accumulator()), ("fc",)),
        )
        return Graph(nodes, ("out",), {"spike_code": "rate"})

    def layout(self) -> Graph:
        """Padding, slices, repetition, other orders of axes, and a transposed convolution."""
        layers: list[tuple[str, Op]] = [
            ("x", ops.Input((4, 5, 2))),
            ("up", ops.Upsample((2, 1))),
            ("conv", ops.Conv(self.weights(2, 2, 2, 3), self.weights(3, scale=0.1))),
            ("first", ops.Spiking(IntegrateAndFire(initial_potential=0.5))),
            ("pad", ops.Pad(((1, 0), (0, 2), (0, 0)))),
            ("slice", ops.Slice((0, 1, 0), (8, 6, 2), (2, 1, 1))),
            ("turned", ops.Permute((1, 0, 2))),
            (
                "grown",
                ops.ConvTranspose(self.weights(2, 3, 2, 2), self.weights(2, scale=0.1), (2, 1), ((0, 1), (1, 0))),
            ),
            ("second", ops.Spiking(IntegrateAndFire(initial_potential=0.5))),
            ("flat", ops.Reshape((90,))),
            ("fc", ops.Dense(self.weights(90, 3, scale=0.2))),
            ("out", ops.Spiking(Accumulator())),
        ]
        return _chain(layers)

    def two_outputs(self) -> Graph:
        """One output from potentials through a sigmoid, one from the spikes of a hidden layer."""
        nodes = (
            Node("x", ops.Input((8,))),
            Node("fc1", ops.Dense(self.weights(8, 6), self.weights(6, scale=0.1)), ("x",)),
            Node("hidden", ops.Spiking(IntegrateAndFire(initial_potential=0.5)), ("fc1",)),
            Node("fc2", ops.Dense(self.weights(6, 2)), ("hidden",)),
            Node("read", ops.Spiking(Accumulator()), ("fc2",)),
            Node("gate", ops.Activation("sigmoid"), ("read",)),
        )
        return Graph(nodes, ("gate", "hidden"), {"spike_code": "rate"})

    def two_inputs(self) -> Graph:
        """Inputs `x` and `y` that meet before the first neurons."""
        nodes = (
            Node("x", ops.Input((8,))),
            Node("y", ops.Input((5,))),
            Node("from_x", ops.Dense(self.weights(8, 6), self.weights(6, scale=0.1)), ("x",)),
            Node("from_y", ops.Dense(self.weights(5, 6)), ("y",)),
            Node("sum", ops.Add(), ("from_x", "from_y")),
            Node("hidden", ops.Spiking(IntegrateAndFire(initial_potential=0.5)), ("sum",)),
            Node("fc", ops.Dense(self.weights(6, 3)), ("hidden",)),
            Node("out", ops.Spiking(Accumulator()), ("fc",)),
        )
        return Graph(nodes, ("out",), {"spike_code": "rate"})

    def first_spikes(self) -> dict[str, Graph]:
        """Return a network for each code with one spike a neuron: input neurons, max-pooling, outputs that decide."""
        readout, waiting = FirstSpikeReadout(2.0), ExpectantReadout(1.0, 2.0)
        graphs = {
            "ttfs": self._fire_once(FirstSpike(4.0, signed=True), FirstSpike(4.0), readout),
            "ttfs_clamped": self._fire_once(FirstSpike(4.0), FirstSpike(4.0, first_step=3.0, last_step=16.0), readout),
            "ttfs_dyn_thresh": AddAnnouncements()(
                self._fire_once(ExpectantFirstSpike(4.0, 0.25, signed=True), ExpectantFirstSpike(4.0, 0.25), waiting)
            ),
            "ttfs_exact": ScheduleWindows(8)(self._fire_once(None, LatencyNeuron(8), Accumulator())),
        }
        return {code: graph.with_attributes(spike_code=code) for code, graph in graphs.items()}

    def _fire_once(self, inputs: NeuronModel | None, neuron: NeuronModel, output: NeuronModel) -> Graph:
        layers: list[tuple[str, Op]] = [("x", ops.Input((7, 6, 2)))]
        if inputs is not None:
            layers.append(("x_spikes", ops.Spiking(inputs)))
        layers += [
            ("conv", ops.Conv(self.weights(2, 2, 2, 3), self.weights(3, scale=0.1))),
            ("first", ops.Spiking(neuron)),
            ("pool", ops.SpikingMaxPool((2, 2), (2, 1), ((0, 0), (0, 1)))),
            ("second_conv", ops.Conv(self.weights(2, 2, 3, 2), self.weights(2, scale=0.1))),
            ("second", ops.Spiking(neuron)),
            ("flat", ops.Reshape((16,))),
            ("fc", ops.Dense(self.weights(16, 3), self.weights(3, scale=0.1))),
            ("out", ops.Spiking(output)),
        ]
        return _chain(layers)

    def max_pooling(self, method: PoolGate, neuron: NeuronModel | None = None) -> Graph:
        """Max-pooling of spikes, overlapping and padded."""
        neuron = neuron or IntegrateAndFire(initial_potential=0.5)
        layers: list[tuple[str, Op]] = [
            ("x", ops.Input((7, 6, 2))),
            ("conv", ops.Conv(self.weights(2, 2, 2, 3), self.weights(3, scale=0.1))),
            ("first", ops.Spiking(neuron)),
            ("pool", ops.SpikingMaxPool((3, 2), (2, 1), ((1, 0), (0, 1)), method)),
            ("second_conv", ops.Conv(self.weights(2, 2, 3, 2))),
            ("second", ops.Spiking(neuron)),
            ("flat", ops.Reshape((16,))),
            ("fc", ops.Dense(self.weights(16, 3))),
            ("out", ops.Spiking(Accumulator())),
        ]
        return _chain(layers)


def _chain(layers: list[tuple[str, Op]]) -> Graph:
    """Return a graph in which each node takes the one before it."""
    names = [name for name, _ in layers]
    nodes = [Node(name, op, (names[i - 1],) if i else ()) for i, (name, op) in enumerate(layers)]
    return Graph(tuple(nodes), (names[-1],), {"spike_code": "rate"})
