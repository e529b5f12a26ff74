"""The backend against the reference: the same rates but for rounding; what the chip cannot do is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.loihi import LoihiBackend, LoihiSettings
from snntoolbox.backends.loihi.settings import CompartmentKwargs, ConnectionKwargs
from snntoolbox.backends.record import Probes
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.errors import SimulationError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire

STEPS = 100


def spiking(**options):
    return ops.Spiking(IntegrateAndFire(**{"initial_potential": 0.5, **options}))


def graph(seed=0, **options):
    """A convolution, pooling, and a sum with a shortcut."""
    rng = np.random.default_rng(seed)

    def weights(*shape):
        return rng.normal(size=shape) * 0.25

    pad = ((1, 1), (1, 1))
    nodes = (
        Node("in", ops.Input((6, 6, 2))),
        Node("conv", ops.Conv(weights(3, 3, 2, 4), weights(4), padding=pad), ("in",)),
        Node("first", spiking(**options), ("conv",)),
        Node("pool", ops.AveragePool((2, 2)), ("first",)),
        Node("conv2", ops.Conv(weights(3, 3, 4, 4), weights(4), padding=pad), ("pool",)),
        Node("second", spiking(**options), ("conv2",)),
        Node("sum", ops.Add(), ("pool", "second")),
        Node("third", spiking(**options), ("sum",)),
        Node("flat", ops.Reshape((36,)), ("third",)),
        Node("dense", ops.Dense(weights(36, 3), weights(3)), ("flat",)),
        Node("out", ops.Spiking(Accumulator()), ("dense",)),
    )
    return Graph(nodes, ("out",), {"spike_code": "rate"})


def records(network, stimulus, settings=None, samples=None, steps=STEPS):
    probes = Probes(potentials=("first",), totals={"second": None})
    made = []
    for backend in (ReferenceBackend(), LoihiBackend(settings, samples)):
        with backend.compile(network, batch_size=len(stimulus), seed=3) as simulation:
            made.append(simulation.run(stimulus, steps, probes))
    return made


@pytest.fixture
def x(rng):
    return rng.random((3, 6, 6, 2))


@pytest.mark.parametrize("options", [{}, {"clamp_steps": 7}, {"leak_factor": 0.98}, {"threshold": 0.7}])
def test_rates_are_those_of_the_reference_but_for_rounding(x, options):
    expected, found = records(graph(**options), ConstantCurrent(x))
    for layer in ("first", "second", "third"):
        assert expected.rates(layer).any()
        # 8-bit weights, and an input of spikes instead of currents, move a rate by a few spikes.
        assert np.abs(found.rates(layer) - expected.rates(layer)).max() < 6 / STEPS
    assert np.abs(found.output - expected.output).max() < 0.1
    assert found.output_over_time.shape == expected.output_over_time.shape
    np.testing.assert_allclose(found.totals["second"].sum(0), found.spike_counts["second"].sum((1, 2, 3)))


def test_layers_that_wait_for_each_other_lose_no_step(rng):
    """Ones and whole weights leave nothing to round: spike for spike the reference, in spite of the delays."""
    eye = np.eye(4)
    nodes = (
        Node("in", ops.Input((4,))),
        Node("first", spiking(), ("in",)),
        Node("second", spiking(), ("first",)),
        Node("sum", ops.Add(), ("first", "second")),
        Node("scale", ops.Affine(np.array(0.5)), ("sum",)),
        Node("third", spiking(), ("scale",)),
        Node("dense", ops.Dense(eye, np.full(4, 0.2)), ("third",)),
        Node("out", spiking(), ("dense",)),
    )
    network = Graph(nodes, ("out",), {"spike_code": "rate"})
    stimulus = PoissonSpikes(rng.random((5, 4)), rate=1.0, peak=1.0)
    # Thresholds become 255 and 510, so that 0.5 and 0.2 are whole.
    backend = LoihiBackend(LoihiSettings(channel_thresholds=False))
    probes = Probes(spikes=("first", "second", "third", "out"))
    found = backend.compile(network, batch_size=5, seed=1).run(stimulus, 40, probes)
    expected = ReferenceBackend().compile(network, batch_size=5, seed=1).run(stimulus, 40, probes)
    for layer in probes.spikes:
        np.testing.assert_array_equal(found.spike_trains[layer], expected.spike_trains[layer])
    np.testing.assert_allclose(found.output, expected.output)


def test_samples_set_thresholds_and_leave_the_outputs(x):
    plain = records(graph(threshold=3.0, amplitude=3.0), ConstantCurrent(x))[1]
    expected, found = records(graph(threshold=3.0, amplitude=3.0), ConstantCurrent(x), samples={"in": x}, steps=200)
    assert found.spike_counts["first"].sum() > 1.5 * plain.spike_counts["first"].sum()
    assert np.abs(found.output - expected.output).max() < 0.15


def test_a_batch_is_its_samples_and_a_reset_forgets(x):
    with LoihiBackend().compile(graph(), batch_size=3) as simulation:
        together = simulation.run(ConstantCurrent(x), 20)
        simulation.reset()
        again = simulation.run(ConstantCurrent(x), 20)
        np.testing.assert_array_equal(together.output, again.output)
        for sample in range(3):
            simulation.reset()
            alone = simulation.run(ConstantCurrent(x[sample : sample + 1]), 20)
            np.testing.assert_array_equal(alone.output[0], together.output[sample])


def test_a_soft_reset_leaves_room_for_charge_of_the_other_sign():
    """Both meet in the accumulator: a threshold as large as it is would wrap with the first inhibition."""
    weights = np.full((400, 2), 0.001)
    weights[:100] = -0.0011
    nodes = (
        Node("in", ops.Input((400,))),
        Node("dense", ops.Dense(weights, np.full(2, 0.15)), ("in",)),
        Node("first", spiking(), ("dense",)),
        Node("last", ops.Dense(np.eye(2)), ("first",)),
        Node("out", ops.Spiking(Accumulator()), ("last",)),
    )
    x = np.concatenate([np.full((1, 100), 0.5), np.zeros((1, 300))], axis=1)
    network = Graph(nodes, ("out",), {"spike_code": "rate"})
    with LoihiBackend().compile(network, batch_size=1) as simulation:
        record = simulation.run(ConstantCurrent(x), STEPS)
        assert simulation.activity.wrapped.sum() == 0
    expected = 0.15 - 0.0011 * 0.5 * 100
    np.testing.assert_allclose(record.output, expected, atol=0.02)


def test_negative_input_has_neurons_of_its_own(x):
    network, signed = graph(), x - 0.5
    with pytest.raises(SimulationError, match=r"set \[loihi\] signed_input"):
        records(network, ConstantCurrent(signed), LoihiSettings(signed_input="no"))
    for settings in (None, LoihiSettings(signed_input="yes")):
        expected, found = records(network, ConstantCurrent(signed), settings)
        assert np.abs(found.rates("first") - expected.rates("first")).max() < 6 / STEPS


def test_spikes_above_the_peak_are_sent_one_after_the_other(x):
    for settings in (None, LoihiSettings(input_peak=2.0)):
        expected, found = records(graph(), PoissonSpikes(x * 0.8, rate=0.5), settings, steps=400)
        assert np.abs(expected.rates("first") - found.rates("first")).max() < 6 / STEPS


@pytest.mark.parametrize(
    ("options", "words"),
    [({"reset": "modulo"}, "no reset by modulo"), ({"refractory_steps": 2}, "cannot have a refractory period")],
)
def test_what_the_chip_cannot_do_is_refused_by_node(options, words):
    with pytest.raises(UnsupportedError) as caught:
        LoihiBackend().compile(graph(**options), batch_size=1)
    assert len(caught.value.problems) == 3
    assert all(words in str(p) and str(p).startswith("node '") for p in caught.value.problems)


def test_options_of_the_original_take_effect(x):
    settings = LoihiSettings(
        reset_mode="hard",
        compartment_kwargs=CompartmentKwargs(biasExp=6, vThMant=512),
        connection_kwargs=ConnectionKwargs(numWeightBits=4, weightExponent=0, numBiasBits=12),
        synapse_encoding="sparse",
    )
    simulation = LoihiBackend(settings).compile(graph(), batch_size=3)
    network = simulation.compiled.network
    assert np.all(network["in"].registers.threshold == 511)
    assert all(p.bits == 4 and p.encoding == "sparse" for p in network.projections)
    assert not any(p.soft for p in network.populations)
    simulation.run(ConstantCurrent(x), 5)
    assert simulation.energy.energy_uj > 0


def test_the_mapping_is_written_if_asked(x, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    LoihiBackend(LoihiSettings(save_output=True)).compile(graph(), batch_size=1)
    assert (tmp_path / "loihi_mapping.npz").is_file()
