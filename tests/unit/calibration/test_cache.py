"""Calibrations in files: found again under the same key, and under no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snntoolbox.calibration import Calibration, LayerStatistics, calibration_key, load_calibration, save_calibration
from snntoolbox.data.dataset import from_arrays
from snntoolbox.ir import Graph, Node, ops

SETTINGS = {"percentile": 99.9, "channel_wise": False, "schedule": False}


def network(value=1.0, name="r", slope=0.0, dtype=np.float32):
    nodes = (
        Node("x", ops.Input((2,))),
        Node("fc", ops.Dense(np.full((2, 2), value, dtype)), ("x",)),
        Node(name, ops.Relu(negative_slope=slope), ("fc",)),
    )
    return Graph(nodes, (name,))


@pytest.fixture
def x(rng):
    return rng.normal(size=(10, 2)).astype(np.float32)


def test_the_key_is_that_of_the_content(x):
    assert calibration_key(network(), x, SETTINGS) == calibration_key(network(), x.copy(), dict(SETTINGS))
    assert calibration_key(network().with_attributes(source="elsewhere.keras"), x, SETTINGS) == calibration_key(
        network(), x, SETTINGS
    )


@pytest.mark.parametrize(
    "other",
    [
        network(1.0000001),
        network(name="s"),
        network(slope=0.1),
        network(dtype=np.float64),
        replace(network(), outputs=("fc",)),
    ],
    ids=["weights", "name", "attribute", "dtype", "outputs"],
)
def test_another_network_has_another_key(other, x):
    assert calibration_key(other, x, SETTINGS) != calibration_key(network(), x, SETTINGS)


def test_other_samples_have_another_key(x):
    changed = x.copy()
    changed[3, 1] = np.nextafter(changed[3, 1], np.float32(np.inf))
    samples = [x, changed, x[:9], x.reshape(2, 10), x.astype(np.float64), {"x": x}, {"y": x}, x[::-1]]
    assert len({calibration_key(network(), data, SETTINGS) for data in samples}) == len(samples)


def test_a_data_set_has_its_own_fingerprint(x):
    keys = {calibration_key(network(), from_arrays(data), SETTINGS) for data in (x, x.copy(), x[:5])}
    assert len(keys) == 2


def test_other_settings_have_another_key(x):
    settings = [SETTINGS, SETTINGS | {"percentile": 99.0}, SETTINGS | {"channel_wise": True}, SETTINGS | {"more": None}]
    assert len({calibration_key(network(), x, one) for one in settings}) == len(settings)


@pytest.fixture
def calibration(rng):
    layers = {
        "block/relu": LayerStatistics(1.5, 99.9, 3.0, 0.25, (), np.array([0.5, 1.0, 2.0]), np.array([3, 4])),
        "second": LayerStatistics(rng.uniform(1, 2, size=3), 99.88, 2.0, 0.5, (1,)),
    }
    return Calibration(layers, 10, 2**-10)


def test_a_saved_calibration_comes_back_as_it_was(calibration, tmp_path):
    path = save_calibration(calibration, tmp_path / "folder", "a" * 64)
    loaded = load_calibration(tmp_path / "folder", "a" * 64)
    assert path.is_file() and list(loaded.layers) == list(calibration.layers)
    assert (loaded.num_samples, loaded.relative_error) == (10, 2**-10)
    for name, layer in calibration.layers.items():
        for attribute, value in vars(layer).items():
            np.testing.assert_array_equal(getattr(loaded.layers[name], attribute), value)
    assert isinstance(loaded.scales["block/relu"], float)


def test_nothing_is_found_under_another_key(calibration, tmp_path):
    save_calibration(calibration, tmp_path, "a" * 64)
    assert load_calibration(tmp_path, "b" * 64) is None
    assert load_calibration(tmp_path, "a" * 63 + "b") is None  # the same file name
    assert load_calibration(tmp_path / "none", "a" * 64) is None


def test_a_damaged_file_is_not_used(calibration, tmp_path):
    path = save_calibration(calibration, tmp_path, "a" * 64)
    path.write_bytes(path.read_bytes()[:100])
    assert load_calibration(tmp_path, "a" * 64) is None
    path.write_bytes(b"")
    assert load_calibration(tmp_path, "a" * 64) is None


def test_a_second_model_under_the_same_label_uses_its_own_scales(calibration, tmp_path, x):
    save_calibration(calibration, tmp_path, calibration_key(network(1.0), x, SETTINGS))
    assert load_calibration(tmp_path, calibration_key(network(2.0), x, SETTINGS)) is None
    assert load_calibration(tmp_path, calibration_key(network(1.0), x, SETTINGS)) is not None


def test_nothing_half_written_stays(calibration, tmp_path, monkeypatch):
    def fail(*arguments, **arrays):
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        save_calibration(calibration, tmp_path, "a" * 64)
    assert list(tmp_path.iterdir()) == []
