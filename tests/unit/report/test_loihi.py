"""Every picture of a network on Loihi shows what the layout and the run hold."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from snntoolbox.backends.loihi import LoihiBackend
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
    usage_table,
)
from snntoolbox.report.loihi_section import detail_tables, write_details


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


def test_pictures_of_a_run(model):
    activity = model.run(np.full((1, 1500), 255), 3).activity
    assert draw_traffic(activity, 1).axes[0].images[0].get_array().shape == activity.traffic.shape
    report = EnergyReport("davies2018", 1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0, 3.0, 4.0, 1)
    figure = draw_costs([report])
    assert sum(bar.get_width() for bar in figure.axes[0].patches) == report.energy_uj == 15.0
    assert sum(bar.get_width() for bar in figure.axes[1].patches) == report.time_ms == 10.0
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
        return SimpleNamespace(details=simulation.details(), results=None)


def test_tables_hold_layers_costs_and_stages(material):
    layers, costs, stages = detail_tables(material)
    assert layers.title == "Loihi: 1 cores on 1 chip" and [row[0] for row in layers.rows] == ["in", "hidden", "out"]
    assert all(len(row) == len(layers.header) for row in layers.rows) and {row[-1] for row in layers.rows} == {"0"}
    assert [row[0] for row in costs.rows] == profile_names() and "published" in costs.note
    assert [row[0] for row in stages.rows] == ["thresholds set", "rounded"]
    assert detail_tables(SimpleNamespace(details=None)) == []


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
