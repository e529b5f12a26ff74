"""Every picture of a network on Loihi shows what the layout and the run hold."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from snntoolbox.analysis.results import Accuracy
from snntoolbox.backends.loihi import LoihiBackend, LoihiSettings
from snntoolbox.backends.loihi.energy import EnergyReport, profile_names
from snntoolbox.backends.loihi.layers import NxDense, NxInputLayer
from snntoolbox.backends.loihi.model import NxModel
from snntoolbox.codes import ConstantCurrent
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator, IntegrateAndFire
from snntoolbox.report import loihi_section
from snntoolbox.report.loihi import (
    draw_chip,
    draw_costs,
    draw_error_against_product,
    draw_traffic,
    draw_usage,
    layer_colors,
    usage_table,
)
from snntoolbox.report.loihi_section import detail_tables, stage_accuracies, write_details
from snntoolbox.report.wording import short_number


@pytest.fixture(scope="module")
def model():
    inputs = NxInputLayer((1500,), name="pixels")
    made = NxModel(inputs.input, NxDense(20, name="hidden")(inputs.input))
    rng = np.random.default_rng(0)
    made.layers[1].set_weights([rng.integers(-9, 99, (1500, 20)), np.zeros(20)])
    return made


def size(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer)
    return len(buffer.getvalue())


def test_a_row_a_layer_with_the_shares_of_the_fullest_core(model):
    rows = usage_table(model.partition())
    assert [(row["layer"], row["cores"]) for row in rows] == [("pixels", 2), ("hidden", 1)]
    assert rows[0]["compartments"] == pytest.approx(73.2, abs=0.1)
    assert rows[1]["input axons"] == 0  # two shared axons of 4096
    assert 0 < rows[1]["synaptic memory"] <= 100


def test_pictures_of_the_layout(model):
    layout = model.partition()
    chip = draw_chip(layout)
    assert f"{layout.num_cores} cores on 1 chip" in chip.axes[0].get_title("left") + chip.axes[0].get_title()
    assert len(draw_usage(layout).axes[0].lines) == 4
    assert size(chip) > 1000


def test_every_layer_has_a_color_and_every_core_the_numbers_of_its_layers():
    inputs = NxInputLayer((2000,), name="pixels")
    tensor = NxDense(900, name="layer 1")(inputs.input)
    for number in range(2, 9):
        tensor = NxDense(5, name=f"layer {number}")(tensor)
    made = NxModel(inputs.input, tensor, LoihiSettings(num_cores_per_chip=2, share_cores=False))
    layout = made.partition()
    axes = draw_chip(layout).axes[0]
    assert len(set(layer_colors(9))) == 9 and layout.num_chips > 4  # a second row of chips
    texts = [text.get_text() for text in axes.texts]
    assert [t for t in texts if t.startswith("chip")] == [f"chip {n + 1}" for n in range(layout.num_chips)]
    assert sorted(map(int, (t for t in texts if not t.startswith("chip")))) == sorted(
        number for number, cores in enumerate(layout.core.values(), start=1) for _ in cores
    )
    assert axes.get_legend().get_texts()[0].get_text() == "1 pixels"


def test_lines_of_the_traffic_map_divide_chips(model):
    activity = model.run(np.full((1, 1500), 255), 3).activity
    numbers = np.arange(len(activity.traffic))
    assert len(draw_traffic(activity, 1).axes[0].lines) == 0
    assert len(draw_traffic(activity, 1, numbers, 2).axes[0].lines) == 2 * ((len(numbers) - 1) // 2)


def test_pictures_of_a_run(model):
    activity = model.run(np.full((1, 1500), 255), 3).activity
    assert draw_traffic(activity, 1).axes[0].images[0].get_array().shape == activity.traffic.shape
    report = EnergyReport("davies2018", 1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0, 3.0, 4.0, 1)
    figure = draw_costs([report])
    for axes, parts, total in ((figure.axes[0], (1, 2, 3, 4, 5), "15 µJ"), (figure.axes[1], (1, 2, 3, 4), "10 ms")):
        widths = [bar.get_width() for bar in axes.patches]
        np.testing.assert_allclose(widths, 100 * np.array(parts) / sum(parts))
        assert [text.get_text() for text in axes.texts] == [total]
    curve = draw_error_against_product({"ours": (np.array([1.0, 10.0]), np.array([5.0, 1.0]))})
    np.testing.assert_array_equal(curve.axes[0].lines[0].get_ydata(), [5.0, 1.0])


@pytest.fixture(scope="module")
def material():
    rng = np.random.default_rng(0)
    nodes = (
        Node("in", ops.Input((6,))),
        Node("dense", ops.Dense(rng.normal(size=(6, 4)), rng.normal(size=4)), ("in",)),
        Node("hidden", ops.Spiking(IntegrateAndFire(initial_potential=0.5)), ("dense",)),
        Node("last", ops.Dense(rng.normal(size=(4, 3))), ("hidden",)),
        Node("out", ops.Spiking(Accumulator()), ("last",)),
    )
    x = rng.random((5, 6))
    backend = LoihiBackend()
    backend.prepare({"in": x})
    with backend.compile(Graph(nodes, ("out",), {"spike_code": "rate"}), batch_size=5) as simulation:
        simulation.run(ConstantCurrent(x), 12)
        return SimpleNamespace(details=simulation.details(), results=None, labels_of_samples=None)


def test_tables_hold_layers_costs_and_stages(material):
    layers, costs, stages = detail_tables(material)
    assert layers.title == "Loihi: 1 cores on 1 chip" and [row[0] for row in layers.rows] == ["in", "hidden", "out"]
    assert all(len(row) == len(layers.header) for row in layers.rows) and {row[-1] for row in layers.rows} == {"0"}
    assert [row[0] for row in costs.rows] == profile_names() and "published" in costs.note
    shown = dict(zip(costs.header, costs.rows[0], strict=True))
    energy = material.details.energy[costs.rows[0][0]]
    assert shown["Power (mW)"] == short_number(energy.power_mw)
    assert energy.power_mw == pytest.approx(1e-6 * energy.energy_uj / (1e-3 * energy.time_ms) * 1e3)
    assert [row[0] for row in stages.rows] == ["thresholds set", "rounded"]
    assert detail_tables(SimpleNamespace(details=None)) == []


def test_the_loss_of_each_stage_is_in_the_report(material):
    decided = material.details.decisions
    assert list(decided) == ["converted", "thresholds set", "rounded"]
    labels = np.array(decided["rounded"])
    labels[0] += 1  # so that four of five are right
    results = SimpleNamespace(accuracy=Accuracy(ann=1.0, snn=0.6))
    known = SimpleNamespace(details=material.details, results=results, labels_of_samples=labels)
    found = stage_accuracies(material.details, known)
    assert list(found) == ["ANN", "converted", "thresholds set", "rounded", "spikes on the chip"]
    assert found["rounded"] == pytest.approx(0.8) and (found["ANN"], found["spikes on the chip"]) == (1.0, 0.6)
    rows = {row[0]: row[1:] for row in detail_tables(known)[2].rows}
    assert rows["ANN"] == ("", "100.00 %", "") and rows["rounded"][1:] == ("80.00 %", "\N{MINUS SIGN}20.00")
    few = SimpleNamespace(details=material.details, results=results, labels_of_samples=labels[:2])
    assert stage_accuracies(material.details, few) == {}


def test_files_hold_every_core_and_profile(material, tmp_path):
    write_details(tmp_path, material)
    found = json.loads((tmp_path / "loihi.json").read_text())
    assert set(found["energy"]) == set(profile_names()) and found["samples"] == 5
    rows = (tmp_path / "loihi_cores.csv").read_text().splitlines()
    assert len(rows) == 2 and rows[1].startswith("0,0,in hidden out,")
    write_details(tmp_path / "elsewhere", SimpleNamespace(details=None))
    assert not (tmp_path / "elsewhere").exists()


def test_pictures_of_the_section_are_drawn_for_this_simulator_only(material):
    pairs = (
        (loihi_section.chip, loihi_section.chip_caption),
        (loihi_section.usage, loihi_section.usage_caption),
        (loihi_section.traffic, loihi_section.traffic_caption),
        (loihi_section.costs, loihi_section.costs_caption),
    )
    for draw, caption in pairs:
        assert size(draw(material)) > 1000 and caption(material)
        assert draw(SimpleNamespace(details=None)) is None
