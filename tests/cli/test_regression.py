"""Networks without a class axis, end to end: an autoencoder for images, and a network that regresses two values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snntoolbox.cli import main
from tests.cli.conftest import SHAPE, _patterns, results

METRIC = """
import numpy as np


def sharpness(outputs, targets, ann_outputs):
    assert outputs.shape == targets.shape == ann_outputs.shape
    return {"largest": outputs.max(), "error": np.abs(outputs - targets).mean()}


NUMBER = 3
"""


def _train(folder: Path, layers: list, x: np.ndarray, y: np.ndarray) -> None:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(SHAPE), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(x, y, epochs=5, verbose=0)
    model.save(folder / "model.keras")


@pytest.fixture
def autoencoder(project: Path) -> Path:
    from keras import layers

    x, _ = _patterns(200, seed=0)
    network = [
        layers.Conv2D(4, 3, 2, "same", activation="relu", name="encode"),
        layers.Conv2DTranspose(4, 3, 2, "same", activation="relu", name="decode"),
        layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="image"),
    ]
    _train(project, network, x, x)
    test = np.load(project / "x_test.npz")["arr_0"]
    np.savez(project / "y_test.npz", test)
    (project / "measures.py").write_text(METRIC)
    return project


@pytest.fixture
def regressor(project: Path) -> Path:
    from keras import layers

    x, y = _patterns(200, seed=0)
    targets = np.stack([y / 2 - 0.5, x.mean(axis=(1, 2, 3))], axis=1)
    _train(project, [layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dense(2)], x, targets)
    test = np.load(project / "x_test.npz")["arr_0"]
    y_test = np.load(project / "y_test.npz")["arr_0"]
    np.savez(project / "y_test.npz", np.stack([y_test / 2 - 0.5, test.mean(axis=(1, 2, 3))], axis=1))
    return project


PLOTS = {"output.plot_vars": "all", "simulation.duration": 60}


def test_an_autoencoder_is_compared_by_its_images(autoencoder: Path, run) -> None:
    numbers = results(run({**PLOTS, "output.metric": "measures:sharpness"}))
    accuracy = numbers["accuracy"]
    assert all(accuracy[key] is None for key in ("ann", "parsed", "snn", "snn_over_time", "agreement"))
    assert numbers["errors"]["snn_vs_ann"]["correlation"] > 0.99
    assert np.shape(numbers["errors"]["snn_vs_targets"]["per_output"]) == SHAPE
    assert len(numbers["mse_over_time"]["snn_vs_targets"]) == 60
    assert numbers["metric"]["ann"]["error"] == pytest.approx(numbers["errors"]["ann_vs_targets"]["mae"], rel=1e-5)
    assert numbers["metric"]["snn"]["error"] == pytest.approx(numbers["errors"]["snn_vs_targets"]["mae"], rel=1e-5)
    assert 0 < numbers["metric"]["snn"]["largest"] <= 1  # the sigmoid is applied to what is decoded
    html = (autoencoder / "log/test/report.html").read_text()
    for part in ("Correlation with the ANN", "SNN error", "largest", "Mean squared error"):
        assert part in html
    assert "SNN accuracy" not in html and "Same decision" not in html


def test_a_regressor_is_no_classifier(regressor: Path, run) -> None:
    numbers = results(run(PLOTS))
    assert numbers["accuracy"]["agreement"] is None
    assert numbers["errors"]["snn_vs_targets"]["mse"] <= numbers["errors"]["ann_vs_targets"]["mse"] + 0.01
    assert (regressor / "log/test/figures").is_dir()
    assert not (regressor / "log/test/confusion_matrix.csv").exists()


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("measures:nothing", "has no attribute 'nothing'"),
        ("measures_of_nobody:error", "Modules are looked for in"),
        ("measures:NUMBER", "expected a function, got measures:NUMBER = 3"),
        ("measures", "it names a module and something in it"),
    ],
)
def test_a_metric_that_cannot_be_used_is_refused_before_the_simulation(metric, message, autoencoder, run) -> None:
    observed = run({"output.metric": metric})
    assert observed["status"] == 1
    assert message in observed["err"]
    assert not (autoencoder / "log" / "test").exists()


def test_the_check_looks_for_the_metric_too(autoencoder: Path, capsys) -> None:
    assert main([str(autoencoder / "config.ini"), "--check", "--set", "output.metric=measures:nothing"]) == 1
    assert "has no attribute 'nothing'" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softmax", None])
def test_activations_of_the_output_are_applied_to_what_is_decoded(activation, project: Path, run) -> None:
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    network = [layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dense(3, activation=activation)]
    keras.Sequential([keras.Input(SHAPE), *network]).save(project / "model.keras")
    numbers = results(run({"simulation.duration": 200}))
    assert numbers["errors"]["snn_vs_ann"]["max_error"] < 0.03
