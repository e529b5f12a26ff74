"""Recordings of single neurons, batch by batch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.operations import fan_out
from snntoolbox.backends.record import Probes
from snntoolbox.backends.reference import ReferenceBackend
from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.config.settings.option_types import LogVar
from snntoolbox.ir import Graph
from snntoolbox.report.logs import LogWriter

ALL = frozenset(get_args(LogVar)) - {"all"}
STEPS = 6


def log(folder: Path, graph: Graph, names: Any, encode: Any = ConstantCurrent) -> list[dict[str, np.ndarray]]:
    """Simulate batches of 3 and 2 samples, log them, and return the files' content."""
    writer, collector = LogWriter(folder, names, graph, seed=4), Collector(graph)
    x = np.random.default_rng(0).random((5, 4, 4, 1)).astype(np.float32)
    files = []
    for part in (slice(0, 3), slice(3, 5)):
        stimulus = encode(x[part], sample_ids=np.arange(10, 15)[part])
        with ReferenceBackend().compile(graph, batch_size=3, seed=4) as simulation:
            record = simulation.run(stimulus, STEPS, writer.probes(collector.probes))
        activations = {"layer[0]": np.ones((len(record), 2, 2, 2))}
        batch = Batch(record, np.arange(5)[part] % 4, activations=activations, stimulus=stimulus)
        path = writer.write(batch)
        if path is not None:
            with np.load(path) as arrays:
                files.append(dict(arrays) | {"record": record})
    return files


def test_every_variable_has_the_shape_of_its_name(tmp_path: Path, spiking_graph: Graph) -> None:
    first, second = log(tmp_path / "log", spiking_graph, ALL)
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["0.npz", "1.npz"]
    shapes = {key: array.shape for key, array in second.items() if key != "record"}
    assert shapes == {
        "output_b_l": (2, 4),
        "label_b": (2,),
        "sample_id_b": (2,),
        "activations_n_b_l/layer[0]": (2, 2, 2, 2),
        "spiketrains_n_b_l_t/layer[0]": (2, 2, 2, 2, STEPS),
        "spiketrains_n_b_l_t/layer[1]": (2, 8, STEPS),
        "mem_n_b_l_t/layer[0]": (2, 2, 2, 2, STEPS),
        "mem_n_b_l_t/layer[1]": (2, 8, STEPS),
        "mem_n_b_l_t/readout": (2, 4, STEPS),
        "input_b_l_t": (2, 4, 4, 1, 1),
        "synaptic_operations_b_t": (2, STEPS),
        "neuron_operations_b_t": (2, STEPS),
    }
    np.testing.assert_array_equal(second["sample_id_b"], [13, 14])
    np.testing.assert_array_equal(first["label_b"], [0, 1, 2])


def test_what_is_logged_is_what_was_recorded(tmp_path: Path, spiking_graph: Graph) -> None:
    first, _ = log(tmp_path, spiking_graph, ALL)
    record, fan_outs = first["record"], fan_out(spiking_graph)
    trains = first["spiketrains_n_b_l_t/layer[0]"]
    assert trains.sum() > 0
    np.testing.assert_array_equal(trains.sum(axis=-1), record.spike_counts["layer[0]"])
    np.testing.assert_array_equal(first["mem_n_b_l_t/readout"][..., -1], record.potentials["readout"][-1])
    operations = sum(
        (record.spike_counts[name] * fan_outs[name]).reshape(3, -1).sum(axis=1) for name in ("layer[0]", "layer[1]")
    )
    np.testing.assert_array_equal(first["synaptic_operations_b_t"].sum(axis=1), operations)
    assert (first["neuron_operations_b_t"] == 8 + 8 + 4).all()


def test_spiking_input_is_logged_step_by_step_and_counted(tmp_path: Path, spiking_graph: Graph) -> None:
    encode = partial(PoissonSpikes, rate=0.6)
    first, _ = log(tmp_path, spiking_graph, {"input_b_l_t", "synaptic_operations_b_t"}, encode)
    spikes = first["input_b_l_t"]
    assert spikes.shape == (3, 4, 4, 1, STEPS)
    from_input = ((spikes != 0) * fan_out(spiking_graph)["x"][..., None]).sum(axis=(1, 2, 3))
    from_layers = sum(first["record"].totals.values()).T
    np.testing.assert_array_equal(first["synaptic_operations_b_t"], from_input + from_layers)


def test_only_what_is_asked_for_is_recorded(tmp_path: Path, spiking_graph: Graph) -> None:
    writer = LogWriter(tmp_path, {"spiketrains_n_b_l_t"}, spiking_graph)
    probes = writer.probes(Probes(potentials=("readout",)))
    assert probes.spikes == ("layer[0]", "layer[1]") and probes.potentials == ("readout",)
    (first, _) = log(tmp_path, spiking_graph, {"activations_n_b_l"})
    assert {key.split("/")[0] for key in first} == {
        "output_b_l",
        "label_b",
        "sample_id_b",
        "activations_n_b_l",
        "record",
    }


def test_without_variables_nothing_is_written(tmp_path: Path, spiking_graph: Graph) -> None:
    assert log(tmp_path / "log", spiking_graph, ()) == []
    assert not (tmp_path / "log").exists()


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_variable_can_be_logged_alone(name: str, tmp_path: Path, spiking_graph: Graph) -> None:
    first, _ = log(tmp_path, spiking_graph, {name})
    assert any(key.startswith(name) for key in first)
