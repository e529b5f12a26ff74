"""Networks built by hand from Nx layers compute what their op says, in integers."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.backends.loihi.compartments import READOUT
from snntoolbox.backends.loihi.direct import simulate_directly
from snntoolbox.backends.loihi.layers import (
    NxAveragePooling2D,
    NxConv1D,
    NxConv2D,
    NxDense,
    NxDepthwiseConv2D,
    NxFlatten,
    NxInputLayer,
    NxReshape,
    NxZeroPadding2D,
)
from snntoolbox.backends.loihi.mapping import load_mapping
from snntoolbox.backends.loihi.model import NxModel
from snntoolbox.backends.loihi.nx_run import run_mapping
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.errors import GraphError, SimulationError


def fill(model, seed=0):
    """Give every layer random integer weights."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        layer.set_weights([rng.integers(-100, 130, w.shape) for w in layer.get_weights()])
    return model


def image_model(reset="hard"):
    inputs = NxInputLayer((6, 6, 2), vThMant=255, resetMode=reset)
    x = NxZeroPadding2D(1)(inputs.input)
    x = NxConv2D(3, 3, strides=2, resetMode=reset, name="conv")(x)
    x = NxDepthwiseConv2D((3, 3), padding="same", resetMode=reset, name="depthwise")(x)
    x = NxAveragePooling2D(3, strides=1, padding="same", resetMode=reset, name="pool")(x)
    x = NxReshape((9, 3))(x)
    x = NxConv1D(4, 3, resetMode=reset, name="conv1d")(x)
    x = NxDense(5, threshOp=READOUT, name="out")(NxFlatten()(x))
    return fill(NxModel(inputs.input, x))


@pytest.mark.parametrize("reset", ["hard", "soft"])
def test_every_layer_runs_as_the_unmapped_integers_do(reset, rng):
    model = image_model(reset)
    bias = rng.integers(0, 256, (2, 6, 6, 2))
    result = model.run(bias, 30, probes=("conv", "depthwise", "pool", "conv1d"))
    name = model.layers[0].name
    trains, voltages = simulate_directly(
        model.network(), lambda step: {name: (bias.reshape(2, -1) << 6).astype(np.int32)}, 30
    )
    for layer, train in result.spike_trains.items():
        assert train.any(), layer
        np.testing.assert_array_equal(train.reshape(30, 2, -1), trains[layer])
    np.testing.assert_array_equal(result.voltages["out"], voltages["out"][-1])
    np.testing.assert_array_equal(result.spikes["conv"], result.spike_trains["conv"].sum(axis=0))


def test_input_may_change_from_step_to_step(rng):
    inputs = NxInputLayer((4,), name="in")
    model = fill(NxModel(inputs.input, NxDense(3, name="out")(inputs.input)))
    spikes = rng.random((20, 1, 4)) < 0.3
    result = model.run(spikes * 256, 20)
    np.testing.assert_array_equal(result.spikes["in"], spikes.sum(axis=0))


def test_weights_have_the_shapes_of_keras():
    model = image_model()
    shapes = {layer.name: [w.shape for w in layer.get_weights()] for layer in model.layers}
    assert shapes["conv"] == [(3, 3, 2, 3), (3,)]
    assert shapes["depthwise"] == [(3, 3, 3, 1), (3,)]
    assert shapes["conv1d"] == [(3, 3, 4), (4,)]
    assert shapes["out"] == [(28, 5), (5,)]
    assert "depthwise" in model.summary()
    assert model.compile().layout.num_cores >= 1


def test_mistakes_are_named():
    inputs = NxInputLayer((4,))
    dense = NxDense(3, name="fc")
    out = dense(inputs.input)
    with pytest.raises(GraphError, match=r"layer 'fc': expected weights of shapes \[\(4, 3\), \(3,\)\]"):
        dense.set_weights([np.zeros((3, 3))])
    with pytest.raises(GraphError, match="expected whole numbers"):
        dense.set_weights([np.full((4, 3), 0.5), np.zeros(3)])
    with pytest.raises(GraphError, match=r"unknown argument 'vThMan'. Did you mean 'vThMant'"):
        NxDense(3, vThMan=1)
    with pytest.raises(GraphError, match="must have neurons"):
        NxModel(inputs.input, NxFlatten()(out))
    with pytest.raises(SimulationError, match="expected biases of shape"):
        NxModel(inputs.input, out).run(np.zeros((1, 5)), 3)
    with pytest.raises(SimulationError, match=r"at least 3 steps, got \(2, 1, 4\)"):
        NxModel(inputs.input, out).run(np.zeros((2, 1, 4)), 3)
    with pytest.raises(SimulationError, match=r"probe 'fcc': there is no such layer. Did you mean 'fc'"):
        NxModel(inputs.input, out).run(np.zeros((1, 4)), 3, probes=("fcc",))


def test_new_weights_reach_the_chip(rng, tmp_path):
    inputs = NxInputLayer((4,), name="in")
    model = fill(NxModel(inputs.input, NxDense(3, threshOp=READOUT, name="out")(inputs.input)))
    bias = rng.integers(1, 256, (1, 4))
    model.save(tmp_path / "before.npz")
    assert model.run(bias, 20).voltages["out"].any()
    model.layers[1].set_weights([np.zeros((4, 3)), np.zeros(3)])
    assert not model.run(bias, 20).voltages["out"].any()
    model.save(tmp_path / "after.npz")
    for name, fires in (("before", True), ("after", False)):
        assert run_mapping(load_mapping(tmp_path / f"{name}.npz"), bias, 20).voltages["out"].any() == fires


def test_a_mapping_from_a_file_runs_as_the_model_does(rng, tmp_path):
    model = image_model("soft")
    bias = rng.integers(0, 256, (2, 6, 6, 2))
    here = model.run(bias, 20)
    model.save(tmp_path / "chip.npz")
    there = run_mapping(load_mapping(tmp_path / "chip.npz"), bias, 20)
    np.testing.assert_array_equal(there.voltages["out"], here.voltages["out"])
    for layer, counts in here.spikes.items():
        np.testing.assert_array_equal(there.spikes[layer], counts)
    assert there.energy.as_dict() == here.energy.as_dict()
    assert here.energy.profile == "davies2018" and here.energy.synapse_uj > 0
    other = NxModel(model._chain[0], model._chain[-1], LoihiSettings(energy_profile="sana_fe")).run(bias, 20)
    assert other.energy.profile == "sana_fe" and other.energy.energy_uj != here.energy.energy_uj
