"""Every picture of a network on Loihi shows what the layout and the run hold."""

from __future__ import annotations

import io

import numpy as np
import pytest

from snntoolbox.backends.loihi.energy import EnergyReport
from snntoolbox.backends.loihi.layers import NxDense, NxInputLayer
from snntoolbox.backends.loihi.model import NxModel
from snntoolbox.report.loihi import (
    draw_chip,
    draw_costs,
    draw_error_against_product,
    draw_traffic,
    draw_usage,
    usage_table,
)


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
