"""Results of runs that never took place, with everything a report can show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.cost_profiles import load_profiles
from snntoolbox.analysis.energy import energies
from snntoolbox.analysis.results import Results, RunInfo
from snntoolbox.backends.readout import EarlyExit
from snntoolbox.backends.record import Record
from snntoolbox.codes import ConstantCurrent
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.report.material import LayerScale, Material, SampleView, Sweep, thresholds

STEPS, SAMPLES, CLASSES = 12, 40, 4


def network(hidden: int = 2) -> Graph:
    """conv - neurons - dense - neurons ... dense - accumulator - softmax."""
    nodes = [
        Node("x", ops.Input((4, 4, 1))),
        Node("conv", ops.Conv(np.ones((3, 3, 1, 2)), np.ones(2)), ("x",)),
        Node("layer[0]", ops.Spiking(IntegrateAndFire()), ("conv",)),
        Node("flat", ops.Reshape((8,)), ("layer[0]",)),
    ]
    for number in range(1, hidden):
        nodes.append(Node(f"dense_{number}", ops.Dense(np.ones((8, 8))), (nodes[-1].name,)))
        nodes.append(Node(f"layer[{number}]", ops.Spiking(IntegrateAndFire()), (nodes[-1].name,)))
    nodes.append(Node("logits", ops.Dense(np.ones((8, CLASSES))), (nodes[-1].name,)))
    nodes.append(Node("readout", ops.Spiking(Accumulator()), ("logits",)))
    nodes.append(Node("softmax", ops.Softmax(), ("readout",)))
    return Graph(tuple(nodes), ("softmax",), {"spike_code": "rate"})


def record(graph: Graph, samples: int, labels: np.ndarray, *, probe: bool = False) -> Record:
    """A record whose outputs move from noise to the labels."""
    rng = np.random.default_rng(5)
    noise = rng.normal(0, 1, (STEPS, samples, CLASSES))
    certainty = np.arange(STEPS)[:, None, None] * 0.8
    outputs = noise + certainty * np.eye(CLASSES)[labels]
    layers = graph.neurons[:-1]
    trains = {name: (rng.random((STEPS, samples, *graph.shapes[name])) < 0.3).astype(np.int8) for name in layers}
    counts = {name: values.sum(axis=0, dtype=np.int64) for name, values in trains.items()}
    counts["readout"] = np.zeros((samples, CLASSES), np.int64)
    potentials = {name: rng.normal(0.4, 0.3, (STEPS, samples, *graph.shapes[name])) for name in graph.neurons}
    return Record(
        num_steps=STEPS,
        dt_ms=0.5,
        outputs={"softmax": outputs[-1]},
        outputs_over_time={"softmax": outputs},
        spike_counts=counts,
        messages={name: values.astype(float) for name, values in counts.items()},
        spike_trains=trains if probe else {},
        potentials=potentials if probe else {},
        totals={name: 8.0 * trains[name].reshape(STEPS, samples, -1).sum(axis=2) for name in layers},
    )


def make_results(hidden: int = 2, *, with_labels: bool = True) -> Results:
    """Results of a run on a network with this many hidden layers."""
    graph = network(hidden)
    labels = np.arange(SAMPLES) % (CLASSES - 1)  # the last class has no sample
    simulated = record(graph, SAMPLES, labels)
    rng = np.random.default_rng(2)
    activations = {
        name: np.maximum(simulated.rates(name) + rng.normal(0, 0.05, simulated.rates(name).shape), 0)
        for name in graph.neurons[:-1]
    }
    ann = np.eye(CLASSES)[labels]
    ann[:2] = ann[:2, ::-1]
    collector = Collector(graph, top_k=2, coding_bits=4)
    collector.expect_early_exit(EarlyExit(0.9, 2, stop=False), STEPS)
    stimulus = ConstantCurrent(np.zeros((SAMPLES, 4, 4, 1)))
    collector.add(Batch(simulated, labels if with_labels else None, None, ann, ann, activations, stimulus))
    results = collector.results(
        RunInfo(
            label="first <run>",
            model="net.keras",
            backend="reference",
            spike_code="rate",
            timing={"parse": 0.5, "simulate": 12.25},
            deviation={"parse": 1.5e-7},
            warnings=("percentiles of 5 samples & fewer are uncertain",),
            versions={"numpy": "2.0"},
        )
    )
    counts = results.operations
    return replace(results, energy=energies(counts.ann_counts, counts.snn_counts, load_profiles(["all"])))


def make_material(hidden: int = 2) -> Material:
    """All that a report can show."""
    graph = network(hidden)
    rng = np.random.default_rng(3)
    layers = graph.neurons[:-1]
    simulated = record(graph, 1, np.array([1]), probe=True)
    sample = SampleView(
        simulated,
        rng.random((4, 4, 1)),
        7,
        "one",
        {name: rng.random(graph.shapes[name]) for name in layers},
        {name: simulated.rates(name)[0] for name in layers},
        thresholds(graph),
    )
    scales = {name: LayerScale(rng.exponential(2, 100), rng.exponential(0.3, 100), 6.0) for name in layers}
    results = make_results(hidden)
    sweep = Sweep("cell.v_thresh", (1.0, 0.5), (results, make_results(hidden)), logscale=True)
    return Material(results, sample, scales, sweep, ("zero", "one", "two", "three"), "[cell]\nv_thresh = 1\n")


@pytest.fixture(scope="session")
def material() -> Material:
    """All that a report can show."""
    return make_material()


@pytest.fixture(scope="session")
def code_sweep(material: Material) -> Material:
    """A sweep over two codes: one that ran once, one that ran for three values."""
    codes = ("rate", "temporal_pattern", "temporal_pattern", "temporal_pattern")
    runs = tuple(make_results() for _ in codes)
    return replace(material, sweep=Sweep("conversion.num_bits", (None, 8.0, 2.0, 4.0), runs, codes=codes))


@pytest.fixture(scope="session")
def build_material() -> Callable[[int], Material]:
    """Makes the material of a deeper network."""
    return make_material


@pytest.fixture(scope="session")
def build_results() -> Callable[..., Results]:
    """Makes results of a network of some depth, with labels or without."""
    return make_results


@pytest.fixture(scope="session")
def spiking_graph() -> Graph:
    """The network behind the material."""
    return network()
