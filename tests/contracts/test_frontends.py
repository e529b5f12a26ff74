"""Every frontend keeps the contract on a model of its own, and the contract notices who does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snntoolbox.errors import ConformanceError
from snntoolbox.frontends.base import Frontend
from snntoolbox.frontends.keras import KerasFrontend
from snntoolbox.frontends.onnx import OnnxFrontend
from snntoolbox.ir import Graph
from snntoolbox.ir.edit import replace_ops
from snntoolbox.testing import check_frontend


@pytest.fixture(scope="module")
def model() -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    x = keras.Input((6, 6, 2))
    y = layers.Conv2D(3, 3, padding="same", activation="relu", name="conv")(x)
    y = layers.Add()([y, layers.Conv2D(3, 1, name="branch")(x)])
    y = layers.Flatten()(layers.MaxPooling2D()(layers.ReLU()(y)))
    return keras.Model(x, [layers.Dense(4, activation="softmax")(y), layers.Dense(2)(y)])


def test_keras(model: Any, tmp_path: Path) -> None:
    graph = check_frontend(KerasFrontend(), model)
    model.save(tmp_path / "model.keras")
    assert check_frontend(KerasFrontend(), tmp_path / "model.keras").equals(graph)


def test_onnx(repository: Path) -> None:
    fixtures = sorted((repository / "tests" / "golden").rglob("*.onnx"))
    assert fixtures
    for path in fixtures[:4]:
        check_frontend(OnnxFrontend(), path)


@dataclasses.dataclass(frozen=True)
class _Wrong(KerasFrontend):
    """Forgets a bias."""

    def parse(self, model: Any) -> Graph:
        graph = super().parse(model)
        conv = graph["conv"].op
        return replace_ops(graph, {"conv": conv.replace(bias=np.ones_like(conv.bias))})


@dataclasses.dataclass(frozen=True)
class _Choosy(KerasFrontend):
    """Does not know its own models."""

    @classmethod
    def accepts(cls, model: Any) -> bool:
        return False


@pytest.mark.parametrize(("frontend", "message"), [(_Wrong(), "outputs deviate by"), (_Choosy(), "refuses a model")])
def test_faults_are_found(model: Any, frontend: Frontend, message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        check_frontend(frontend, model)
