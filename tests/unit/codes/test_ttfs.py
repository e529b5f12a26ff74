"""Codes with one spike a neuron, on a small network: what they decide, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import snntoolbox
from snntoolbox.api import encode
from snntoolbox.backends import Probes
from snntoolbox.errors import ConversionError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.ir.ops import Spiking
from snntoolbox.neurons import ExpectantReadout, FirstSpike, FirstSpikeReadout

RNG = np.random.default_rng(3)
X = RNG.uniform(0, 1, (40, 5, 5, 2))


def network(relu: ops.Relu | None = None, last: ops.Op | None = None) -> Graph:
    rng = np.random.default_rng(0)
    nodes = (
        Node("x", ops.Input((5, 5, 2))),
        Node("conv", ops.Conv(rng.normal(size=(2, 2, 2, 4)) * 0.5, rng.normal(size=4) * 0.1), ("x",)),
        Node("relu", relu or ops.Relu(), ("conv",)),
        Node("pool", ops.MaxPool((2, 2)), ("relu",)),
        Node("flat", ops.Reshape((16,)), ("pool",)),
        Node("fc1", ops.Dense(rng.normal(size=(16, 12)) * 0.4, rng.normal(size=12) * 0.1), ("flat",)),
        Node("hidden", relu or ops.Relu(), ("fc1",)),
        Node("fc2", ops.Dense(rng.normal(size=(12, 3))), ("hidden",)),
        Node("out", last or ops.Softmax(), ("fc2",)),
    )
    return Graph(nodes, ("out",))


def run(code: str, graph: Graph | None = None, steps: int = 400, probes: Probes | None = None, **options: Any) -> Any:
    graph = graph or network()
    spiking = snntoolbox.convert(graph, X, spike_code=code, method="maximum", **options)
    record = snntoolbox.simulate(spiking, X, backend="reference", num_steps=steps, probes=probes)
    return spiking, record, snntoolbox.evaluate(graph, X).argmax(-1)


@pytest.mark.parametrize("code", ["ttfs", "ttfs_dyn_thresh"])
def test_every_neuron_fires_once_and_the_first_output_decides(code: str) -> None:
    _, record, wanted = run(code, time_resolution=10.0)
    assert (record.decisions > 0).all()
    assert (record.output.argmax(-1) == wanted).mean() > 0.7
    for name in ("relu", "hidden"):
        neurons = record.spike_counts[name][..., : record.activations[name].shape[-1]]
        assert neurons.max() == 1
    assert np.ptp(record.output_over_time[record.decisions.max() :], axis=0).max() == 0


def test_nothing_counts_after_the_decision() -> None:
    _, record, _ = run("ttfs", probes=Probes(totals={"relu": None}, spikes=("relu",)))
    steps = np.arange(1, record.num_steps + 1)
    for sample, decision in enumerate(record.decisions):
        assert record.totals["relu"][steps > decision, sample].sum() == 0
        assert record.totals["relu"][:, sample].sum() == record.spike_counts["relu"][sample].sum()


def test_a_sample_is_the_same_in_any_batch() -> None:
    spiking, record, _ = run("ttfs")
    alone = snntoolbox.simulate(spiking, X[7:8], backend="reference", num_steps=400)
    assert alone.decisions[0] == record.decisions[7]
    assert all((counts[0] == record.spike_counts[name][7]).all() for name, counts in alone.spike_counts.items())


def test_windows_lose_nothing_but_what_is_rounded() -> None:
    graph = network()
    spiking, record, wanted = run("ttfs_exact", graph, steps=3 * 256, window=256)
    assert spiking.attributes["num_steps"] == "768"
    assert (record.output.argmax(-1) == wanted).all()
    assert np.abs(record.output - snntoolbox.evaluate(graph, X)).max() < 0.02
    assert max(record.spike_counts[name].max() for name in ("relu", "hidden")) == 1


def test_clamped_rectifiers_have_a_latest_time() -> None:
    spiking, _, _ = run("ttfs_clamped", network(ops.Relu(threshold=0.2)), steps=50)
    op = spiking["hidden"].op
    assert isinstance(op, Spiking)
    assert isinstance(op.model, FirstSpike)
    assert np.isfinite(op.model.last_step)


def test_neurons_of_input_and_output() -> None:
    spiking, _, _ = run("ttfs", steps=1)
    assert spiking.neurons == ("x_spikes", "relu", "hidden", "out")
    assert isinstance(spiking["out"].op, Spiking)
    assert isinstance(spiking["out"].op.model, FirstSpikeReadout)
    dynamic, _, _ = run("ttfs_dyn_thresh", steps=1)
    readout = [node.op for node in dynamic.nodes if isinstance(node.op, Spiking)][-1]
    assert isinstance(readout.model, ExpectantReadout)


@pytest.mark.parametrize("code", ["ttfs", "ttfs_dyn_thresh"])
def test_input_as_currents_sends_no_spikes_and_is_never_late(code: str) -> None:
    spiking, record, wanted = run(code, time_resolution=10.0, spiking_input=False)
    assert spiking.inputs == ("x",)
    assert not [name for name in spiking.neurons if name.startswith("x")]
    assert (record.output.argmax(-1) == wanted).mean() > 0.8
    last = Probes(potentials=("relu",))
    late = snntoolbox.simulate(spiking, X[:1], backend="reference", num_steps=2, probes=last).potentials["relu"]
    shape = spiking.shapes["relu"]
    assert np.allclose(late[1][..., : shape[-1]], 2 * late[0][..., : shape[-1]])


def test_the_latest_time_of_a_layer_counts_from_the_layer_before() -> None:
    spiking, record, _ = run("ttfs", time_resolution=6.0, latest_spike=2.0, probes=Probes(spikes=("relu", "hidden")))
    models = [spiking[name].op.model for name in ("x_spikes", "relu", "hidden")]  # type: ignore[union-attr]
    assert [float(model.last_step) for model in models] == [np.inf, 12, 24]
    unlimited = run("ttfs", time_resolution=6.0, probes=Probes(spikes=("relu", "hidden")))[1]
    for name, last in (("relu", 12), ("hidden", 24)):
        assert not record.spike_trains[name][last:].any()
    assert (record.spike_trains["relu"][:12] == unlimited.spike_trains["relu"][:12]).all()
    assert unlimited.spike_trains["relu"][12:].any()


def test_the_earlier_of_two_limits_holds() -> None:
    limits = [
        float(
            run("ttfs_clamped", network(ops.Relu(threshold=0.2)), 1, latest_spike=latest)[0]["relu"].op.model.last_step
        )
        for latest in (0, 1.5, 1000)
    ]
    assert limits[1] == 6 < limits[0] == limits[2]
    with pytest.raises(ConversionError, match="latest_spike"):
        run("ttfs", latest_spike=0.5)
    with pytest.raises(ConversionError, match="wait for late spikes"):
        run("ttfs_dyn_thresh", latest_spike=4)


def test_what_is_not_expected_is_not_announced() -> None:
    events = [
        sum(counts.sum() for name, counts in run("ttfs_dyn_thresh", least_expected=least)[1].spike_counts.items())
        for least in (1e-3, 0.3, 100.0)
    ]
    neurons = run("ttfs_dyn_thresh", patience=0.0, least_expected=100.0)[1].spike_counts
    assert events[0] > events[1] > events[2] == sum(counts.sum() for counts in neurons.values())
    with pytest.raises(ConversionError, match="least_expected"):
        run("ttfs_dyn_thresh", least_expected=0)


def test_clamped_networks_belong_to_their_code() -> None:
    with pytest.raises(ConversionError, match="finetune_clamped"):
        snntoolbox.convert(network(), X, spike_code="ttfs_clamped")
    for code in ("rate", "ttfs_dyn_thresh", "ttfs_exact"):
        with pytest.raises(UnsupportedError, match="ttfs_clamped"):
            snntoolbox.convert(network(ops.Relu(threshold=0.2)), X, spike_code=code)


def test_what_has_no_first_spike_is_refused() -> None:
    with pytest.raises(ConversionError, match="first spike cannot stand for"):
        snntoolbox.convert(network(last=ops.Activation("sigmoid")), X, spike_code="ttfs")
    with pytest.raises(UnsupportedError, match="slope"):
        snntoolbox.convert(network(ops.Relu(negative_slope=0.1)), X, spike_code="ttfs")
    with pytest.raises(ConversionError, match="time_resolution"):
        snntoolbox.convert(network(), X, spike_code="ttfs", time_resolution=0)


def test_other_backends_say_that_they_do_not_know_the_code() -> None:
    from snntoolbox.backends.brian2 import Brian2Backend

    spiking, _, _ = run("ttfs", steps=1)
    with pytest.raises(UnsupportedError, match="spike code 'ttfs' is not supported"):
        Brian2Backend().compile(spiking, batch_size=1)
    assert set(encode(spiking, X)) == {"x"}
