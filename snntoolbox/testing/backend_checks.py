"""The single checks of the contract of backends; `snntoolbox.testing.backend` runs them.

Each takes a backend and returns the number of spike counts that differ from the reference through a tie of float32 (0
where there is nothing to compare). It raises `ConformanceError` if the backend does not keep the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from snntoolbox.backends import Backend, Probes, Record
from snntoolbox.codes import ConstantCurrent, PoissonSpikes, SpikeTrains, Stimulus
from snntoolbox.codes.ttfs_exact import ExactTTFSCode
from snntoolbox.errors import ConformanceError, SimulationError, UnsupportedError
from snntoolbox.ir import Graph
from snntoolbox.neurons import (
    BurstIntegrateAndFire,
    GradedIntegrateAndFire,
    IntegrateAndFire,
    SignedIntegrateAndFire,
    SoftmaxNeuron,
)
from snntoolbox.testing.comparison import compare_records, run_reference
from snntoolbox.testing.neuron_cases import NEURONS
from snntoolbox.testing.requirements import (
    require,
    require_close,
    require_equal,
    require_refusal,
    require_same,
)
from snntoolbox.testing.spiking_networks import SpikingNetworks

__all__ = [
    "CHECKS",
    "batch_elements_are_independent",
    "deterministic_by_seed",
    "equals_reference_exactly",
    "equals_reference_up_to_ties",
    "first_spikes",
    "neuron_options",
    "output_neurons",
    "probes_agree_with_counts",
    "refuses_by_name",
    "reset_returns_to_fresh",
    "several_inputs",
    "stochastic_input",
    "takes_dense_and_convolutional_networks",
]

STEPS = 25


def _run(backend: Backend, graph: Graph, stimulus: Stimulus, probes: Probes | None = None, seed: int = 0) -> Record:
    with backend.compile(graph, batch_size=len(stimulus), seed=seed) as simulation:
        return simulation.run(stimulus, STEPS, probes)


def _supported(backend: Backend, graph: Graph) -> bool:
    """Whether the backend takes a graph; if not, it must refuse it, naming every node it lists."""
    problems = backend.check(graph)
    if not problems:
        return True
    try:
        backend.compile(graph, batch_size=1)
    except UnsupportedError as error:
        missing = [p for p in problems if str(p) not in str(error)]
        if not missing:
            return False
        raise ConformanceError(f"the refusal does not name {missing[0]}") from error
    raise ConformanceError(f"check() lists {problems[0]}, but compile() takes the graph")


def _compare(backend: Backend, graph: Graph, stimulus: Stimulus, what: str, seed: int = 0) -> int:
    if not _supported(backend, graph):
        return 0
    expected, margins = run_reference(graph, stimulus, STEPS, seed=seed)
    return compare_records(graph, expected, margins, _run(backend, graph, stimulus, seed=seed), what)


def _networks(dyadic: bool, seeds: range) -> Iterator[tuple[str, SpikingNetworks, Graph]]:
    for seed in seeds:
        networks = SpikingNetworks(seed, dyadic=dyadic)
        for name, make in networks.all().items():
            yield f"network '{name}', seed {seed}", networks, make()


def equals_reference_exactly(backend: Backend) -> int:
    """Where float32 computes every sum exactly, every spike count equals the reference's."""
    for what, networks, graph in _networks(True, range(2)):
        ties = _compare(backend, graph, ConstantCurrent(networks.samples(graph)), what)
        if ties:
            raise ConformanceError(f"{what}: {ties} spike counts differ, though all sums are exact in float32")
    return 0


def equals_reference_up_to_ties(backend: Backend) -> int:
    """On any weights, spike counts equal the reference's but where a potential was within rounding of the threshold."""
    return sum(
        _compare(backend, graph, ConstantCurrent(networks.samples(graph)), what)
        for what, networks, graph in _networks(False, range(10, 12))
    )


def takes_dense_and_convolutional_networks(backend: Backend) -> int:
    """Integrate-and-fire neurons between dense layers and convolutions are what every backend runs."""
    networks = SpikingNetworks(0, dyadic=True)
    for graph in (networks.dense(), networks.convolutions()):
        if backend.check(graph):
            raise ConformanceError(f"refuses a basic network: {backend.check(graph)[0]}")
    return 0


def neuron_options(backend: Backend) -> int:
    """Every option of the neurons acts as in the reference."""
    networks = SpikingNetworks(1, dyadic=True)
    for name, neuron in NEURONS.items():
        graph = networks.dense(neuron)
        if _compare(backend, graph, ConstantCurrent(networks.samples(graph)), f"neurons with {name}"):
            raise ConformanceError(f"neurons with {name}: spike counts differ, though all sums are exact in float32")
    for name in ("negative spikes", "spikes that are taken back", "sizes that are powers"):
        graph = networks.max_pooling("cumulative", NEURONS[name])
        what = f"max-pooling behind neurons with {name}"
        if _compare(backend, graph, ConstantCurrent(networks.samples(graph)), what):
            raise ConformanceError(f"{what}: spike counts differ, though all sums are exact in float32")
    return 0


def output_neurons(backend: Backend) -> int:
    """Output layers that spike, by threshold or by a softmax, equal the reference's, noise included."""
    networks, ties = SpikingNetworks(2, dyadic=False), 0
    outputs = (
        IntegrateAndFire(),
        SignedIntegrateAndFire(negative_slope=1.0),
        GradedIntegrateAndFire(levels=4, initial_potential=0.0625),
        BurstIntegrateAndFire(threshold=0.25, initial_potential=0.125),
        SoftmaxNeuron("poisson"),
        SoftmaxNeuron("clock", 0.5),
    )
    for output in outputs:
        graph = networks.dense(output=output)
        stimulus = ConstantCurrent(networks.samples(graph), sample_ids=[3, 5, 8, 13])
        ties += _compare(backend, graph, stimulus, f"output neurons {output}", seed=4)
    return ties


def stochastic_input(backend: Backend) -> int:
    """Poisson input is that of `PoissonSpikes.frames`, its limit of events included; given trains are played back."""
    networks = SpikingNetworks(3, dyadic=True)
    graph = networks.dense()
    x = networks.samples(graph)
    stimuli: dict[str, Stimulus] = {
        "Poisson input": PoissonSpikes(x, rate=0.5, sample_ids=[7, 1, 100, 2]),
        "Poisson input with a limit of events": PoissonSpikes(x, max_events=30),
        "given spike trains": SpikeTrains(np.stack(list(PoissonSpikes(x).frames(STEPS, 9)))),
    }
    for what, stimulus in stimuli.items():
        if _compare(backend, graph, stimulus, what, seed=6):
            raise ConformanceError(f"{what}: spike counts differ, though all sums are exact in float32")
    return 0


def first_spikes(backend: Backend) -> int:
    """Networks with one spike a neuron fire, wait, pass max-pooling and decide as in the reference."""
    networks = SpikingNetworks(10, dyadic=True)
    for code, graph in networks.first_spikes().items():
        if not _supported(backend, graph):
            continue
        x = networks.samples(graph)
        exact = ExactTTFSCode(8).encode(x)
        stimulus = exact if code == "ttfs_exact" else ConstantCurrent(x)
        expected, margins = run_reference(graph, stimulus, STEPS)
        received = _run(backend, graph, stimulus)
        if compare_records(graph, expected, margins, received, code):
            raise ConformanceError(f"{code}: spike counts differ, though all sums are exact in float32")
        require_equal(expected.decisions, received.decisions, f"{code}: steps of decisions")
        for name, values in expected.activations.items():
            require_close(values, received.activations[name], f"{code}: activations of '{name}'")
        require_close(expected.output_over_time, received.output_over_time, f"{code}: outputs over time")
    return 0


def several_inputs(backend: Backend) -> int:
    """Inputs of different kinds act together, and must hold as many samples."""
    networks = SpikingNetworks(9, dyadic=True)
    graph = networks.two_inputs()
    if not _supported(backend, graph):
        return 0
    x, y = (networks.samples(graph, name=name) for name in graph.inputs)
    stimuli = {"y": PoissonSpikes(y, rate=0.5), "x": ConstantCurrent(x)}
    uneven = {"x": ConstantCurrent(x), "y": ConstantCurrent(y[:2])}
    with backend.compile(graph, batch_size=4, seed=3) as simulation:
        require_refusal(lambda: simulation.run(uneven, 3), SimulationError, "samples", "uneven inputs")
        received = simulation.run(stimuli, STEPS)
    expected = _reference().compile(graph, batch_size=4, seed=3).run(stimuli, STEPS)
    require_same(expected, received, "two inputs and the reference's run")
    return 0


def deterministic_by_seed(backend: Backend) -> int:
    """The same seed gives the same record; another seed gives other noise."""
    networks = SpikingNetworks(4, dyadic=False)
    graph = networks.dense()
    stimulus = PoissonSpikes(networks.samples(graph), rate=0.5)
    first, again, other = (_run(backend, graph, stimulus, seed=seed) for seed in (1, 1, 2))
    require_same(first, again, "two runs with one seed")
    if all(np.array_equal(first.spike_counts[name], other.spike_counts[name]) for name in first.spike_counts):
        raise ConformanceError("runs with different seeds gave the same spikes")
    return 0


def reset_returns_to_fresh(backend: Backend) -> int:
    """After a reset a simulation does what a new one does; without one, neurons go on from where they are."""
    networks = SpikingNetworks(5, dyadic=True)
    graph = networks.residual()
    graph = graph if _supported(backend, graph) else networks.dense()
    stimulus = ConstantCurrent(networks.samples(graph))
    records = {}
    for name, engine in (("reference", _reference()), ("backend", backend)):
        with engine.compile(graph, batch_size=4) as simulation:
            fresh = simulation.run(stimulus, 7)
            carried = simulation.run(stimulus, 7)
            simulation.reset()
            records[name] = (fresh, carried, simulation.run(stimulus, 7))
    fresh, carried, again = records["backend"]
    require_same(fresh, again, "a run after reset() and a fresh one")
    require_same(records["reference"][1], carried, "a run without reset() and the reference's", outputs=False)
    return 0


def batch_elements_are_independent(backend: Backend) -> int:
    """A sample gives the same alone, in a batch, and in a batch that is not full."""
    networks = SpikingNetworks(6, dyadic=True)
    graph = networks.dense()
    x = networks.samples(graph, 5)
    ids = np.arange(5)

    def part(a: int, b: int) -> Stimulus:
        return PoissonSpikes(x[a:b], rate=0.5, sample_ids=ids[a:b])

    whole = _run(backend, graph, part(0, 5))
    with backend.compile(graph, batch_size=3) as simulation:
        pieces = []
        for a, b in ((0, 3), (3, 5)):
            simulation.reset()
            pieces.append(simulation.run(part(a, b), STEPS))
    require_same(whole, Record.concatenate(pieces), "a batch of 5 and batches of 3 and 2")
    singles = Record.concatenate([_run(backend, graph, part(i, i + 1)) for i in range(5)])
    require_same(whole, singles, "a batch of 5 and single samples")
    return 0


def probes_agree_with_counts(backend: Backend) -> int:
    """Probed trains, totals and potentials have their shapes, and sum up to the counts and outputs."""
    networks = SpikingNetworks(7, dyadic=True)
    graph = networks.dense()
    weights = np.arange(10, dtype=float)
    potentials = ("hidden", "out") if backend.capabilities.potentials else ()
    probes = Probes(spikes=("hidden",), potentials=potentials, totals={"hidden": weights, "out": None})
    stimulus = ConstantCurrent(networks.samples(graph))
    record = _run(backend, graph, stimulus, probes)
    expected, _ = run_reference(graph, stimulus, STEPS, probes=probes)
    counts = record.spike_counts["hidden"]
    require(counts.shape == (4, 10) and counts.dtype.kind in "iu", f"spike counts: {counts.shape} {counts.dtype}")
    require_equal(record.spike_trains["hidden"].sum(axis=0), counts, "probed spikes and spike counts")
    require_equal(record.totals["hidden"].sum(axis=0), counts @ weights, "weighted totals and spike counts")
    for name in potentials:
        require_close(record.potentials[name], expected.potentials[name], f"potentials of '{name}'")
    require_close(record.messages["hidden"], expected.messages["hidden"], "sums of messages")
    require_equal(record.output_over_time[-1], record.output, "the last output over time and the output")
    require_close(record.output_over_time, expected.output_over_time, "outputs over time")
    short = _run(backend, graph, stimulus, replace(probes, outputs_over_time=False))
    require(not short.outputs_over_time, "outputs over time are recorded though they are switched off")
    require_close(short.output, record.output, "the output without outputs over time")
    return 0


def refuses_by_name(backend: Backend) -> int:
    """What cannot be simulated is refused with the node or the reason named, and a closed simulation does not run."""
    networks = SpikingNetworks(8, dyadic=True)
    graph = networks.dense()
    stimulus = ConstantCurrent(networks.samples(graph))
    bare = replace(graph, attributes={})
    require_refusal(lambda: backend.compile(bare, batch_size=1), UnsupportedError, "convert", "an unconverted graph")
    for what in networks.all().values():
        _supported(backend, what())
    simulation = backend.compile(graph, batch_size=4)
    require_refusal(lambda: simulation.run(stimulus, 0), SimulationError, "num_steps", "a run of 0 steps")
    wrong = ConstantCurrent(np.zeros((4, 11)))
    require_refusal(lambda: simulation.run(wrong, 3), SimulationError, "(12,)", "samples of a wrong shape")
    probes = Probes(spikes=("nowhere",))
    require_refusal(lambda: simulation.run(stimulus, 3, probes), SimulationError, "nowhere", "an unknown probe")
    simulation.close()
    require_refusal(lambda: simulation.run(stimulus, 3), SimulationError, "closed", "a closed simulation")
    return 0


CHECKS: Mapping[str, Callable[[Backend], int]] = {
    check.__name__: check
    for check in (
        takes_dense_and_convolutional_networks,
        equals_reference_exactly,
        equals_reference_up_to_ties,
        neuron_options,
        output_neurons,
        stochastic_input,
        first_spikes,
        several_inputs,
        deterministic_by_seed,
        reset_returns_to_fresh,
        batch_elements_are_independent,
        probes_agree_with_counts,
        refuses_by_name,
    )
}
"""Every check by name."""


def _reference() -> Backend:
    from snntoolbox.backends.reference import ReferenceBackend

    return ReferenceBackend()
