"""Networks with every correction that calibration makes: the TensorFlow backend agrees with the reference."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.api import load_backend, simulate
from snntoolbox.backends.tensorflow import TensorFlowSettings
from snntoolbox.calibration.corrections import KINDS, Corrections
from snntoolbox.calibration.readout_start import READOUT_START
from snntoolbox.codes.rate import RateCode
from snntoolbox.conversion import Conversion
from snntoolbox.passes.change_weights import op_to_change, weights_of
from snntoolbox.testing.residual_graphs import ResidualKind, residual_graph


def random_change(graph, name, rng):
    parameters = weights_of(graph[op_to_change(graph, name)].op)
    return tuple(rng.normal(size=one.shape, scale=0.02) for one in parameters)


@pytest.mark.parametrize("shortcuts", [True, False])
@pytest.mark.parametrize("start", [0, 6])
def test_tensorflow_agrees_with_the_reference(shortcuts, start):
    rng = np.random.default_rng(0)
    graph = residual_graph(4, ResidualKind(projection=True, stem=True))
    x = rng.normal(size=(6, 8, 8, 2)).astype(np.float32)
    spiking = Conversion(normalize_shortcuts=shortcuts).run(graph, x, RateCode()).spiking
    layers = [name for name in spiking.neurons if spiking[name].op.model.spiking]
    changeable = [name for name in spiking.neurons if op_to_change(spiking, name)]
    found = {
        "weight": {name: random_change(spiking, name, rng) for name in changeable},
        "clamp": {name: number // 2 for number, name in enumerate(layers)},
        "threshold": {name: float(rng.uniform(0.8, 1.25)) for name in layers},
        "compensation": {name: float(rng.uniform(1, 1.2)) for name in layers},
        "bias": {name: rng.normal(size=spiking.shapes[name][-1], scale=0.05) for name in spiking.neurons},
        "potential": {name: rng.normal(size=spiking.shapes[name], scale=0.5) for name in layers},
    }
    assert len(changeable) > len(layers) / 2
    corrections = Corrections(found)
    assert set(found) == set(KINDS)
    corrected = corrections.apply(spiking).with_attributes(**{READOUT_START: str(start)})
    exact = load_backend("tensorflow", TensorFlowSettings(xla="off", precision="float64"))
    expected, received = (simulate(corrected, x, backend=b, num_steps=15) for b in ("reference", exact))
    for name in layers:
        np.testing.assert_array_equal(received.spike_counts[name], expected.spike_counts[name])
    np.testing.assert_allclose(received.output_over_time, expected.output_over_time, atol=1e-9)
    plain = simulate(spiking, x, backend="reference", num_steps=15)
    assert any((plain.spike_counts[name] != expected.spike_counts[name]).any() for name in layers)
