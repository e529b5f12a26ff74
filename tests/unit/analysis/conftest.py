"""A small spiking network with everything that is known of some samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.record import Probes
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent, Stimulus
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire


def network(spiking: bool) -> Graph:
    """conv - relu - dense - relu - dense - softmax, as an ANN or as its spiking counterpart."""
    rng = np.random.default_rng(1)
    relu = ops.Spiking(IntegrateAndFire(initial_potential=0.5)) if spiking else ops.Relu()
    nodes = [
        Node("x", ops.Input((5, 5, 1))),
        Node("conv", ops.Conv(rng.normal(0, 0.25, (3, 3, 1, 3)), padding=((1, 1), (1, 1))), ("x",)),
        Node("relu1", relu, ("conv",)),
        Node("flat", ops.Reshape((75,)), ("relu1",)),
        Node("dense", ops.Dense(rng.normal(0, 0.15, (75, 8)), rng.normal(0, 0.1, 8)), ("flat",)),
        Node("relu2", relu, ("dense",)),
        Node("logits", ops.Dense(rng.normal(0, 0.5, (8, 4))), ("relu2",)),
    ]
    if spiking:
        nodes.append(Node("readout", ops.Spiking(Accumulator()), ("logits",)))
    nodes.append(Node("softmax", ops.Softmax(), (nodes[-1].name,)))
    return Graph(tuple(nodes), ("softmax",), {"spike_code": "rate"} if spiking else {})


def values_of(graph: Graph, x: np.ndarray) -> dict[str, np.ndarray]:
    """Values of all nodes of an ANN."""
    values = {"x": x}
    for node in graph.nodes[1:]:
        values[node.name] = apply_op(node.op, *(values[name] for name in node.inputs))
    return values


@dataclass(frozen=True)
class Example:
    """The two networks, samples, labels, and how to get batches."""

    ann: Graph
    spiking: Graph
    x: np.ndarray
    labels: np.ndarray
    values: dict[str, np.ndarray]

    def batches(
        self, sizes: Sequence[int], num_steps: int, probes: Probes, encode: Callable[..., Stimulus] = ConstantCurrent
    ) -> list[Batch]:
        """Simulate the samples in batches of these sizes."""
        batches, start = [], 0
        for size in sizes:
            part = slice(start, start + size)
            stimulus = encode(self.x[part], sample_ids=np.arange(start, start + size))
            with ReferenceBackend().compile(self.spiking, batch_size=size, seed=3) as simulation:
                record = simulation.run(stimulus, num_steps, probes)
            values = {name: value[part] for name, value in self.values.items()}
            activations = {name: values[name] for name in ("relu1", "relu2")}
            outputs = values["softmax"]
            batches.append(
                Batch(record, self.labels[part], None, outputs, outputs, activations=activations, stimulus=stimulus)
            )
            start += size
        return batches


@pytest.fixture(scope="session")
def example() -> Example:
    """30 samples, labelled by the ANN, but for three."""
    x = np.random.default_rng(0).random((30, 5, 5, 1))
    ann = network(spiking=False)
    values = values_of(ann, x)
    labels = values["softmax"].argmax(axis=1)
    labels[:3] = (labels[:3] + 1) % 4
    return Example(ann, network(spiking=True), x, labels, values)
