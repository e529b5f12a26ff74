"""Rectifiers that a network was trained to round, as PyTorch writes them."""

import numpy as np
import pytest

import snntoolbox
from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.onnx import OnnxFrontend

F = np.float32
WEIGHTS = {
    "w": np.random.default_rng(0).normal(size=(4, 2, 3, 3)).astype(F),
    "zero": F(0),
    "one": F(1),
    "half": F(0.5),
    "n": F(8),
    "ceiling": F(1.7),
    "size": F(1.7 / 8),
}
CONV = ("Conv", "x w", "z", {"pads": [1, 1, 1, 1]})
FIRST = [
    ("Div", "z ceiling", "a", {}),
    ("Clip", "a zero one", "b", {}),
    ("Mul", "b n", "c", {}),
    ("Add", "c half", "d", {}),
    ("Floor", "d", "e", {}),
    ("Div", "e n", "f", {}),
    ("Mul", "f ceiling", "y", {}),
]
LAST = [
    ("Div", "z size", "a", {}),
    ("Add", "a half", "b", {}),
    ("Floor", "b", "c", {}),
    ("Clip", "c zero n", "d", {}),
    ("Mul", "d size", "y", {}),
]


@pytest.mark.parametrize("chain", [FIRST, LAST], ids=["clip before the floor", "clip behind the floor"])
def test_a_rounded_rectifier_is_one_node(model, assert_same, kinds, chain):
    graph = assert_same(model([CONV, *chain], ["N", 2, 5, 5], WEIGHTS))
    assert kinds(graph) == ["Conv", "Relu"]
    op = graph["y"].op if "y" in graph.shapes else graph.nodes[-1].op
    assert op.levels == 8 and op.max_value == pytest.approx(1.7, rel=1e-6)


def test_its_ceiling_becomes_the_threshold(model):
    graph = OnnxFrontend().parse(model([CONV, *FIRST, ("Relu", "y", "r", {})], ["N", 2, 5, 5], WEIGHTS, ["r"]))
    x = np.random.default_rng(1).normal(size=(9, 5, 5, 2)).astype(F)
    spiking = snntoolbox.convert(graph, x, output="spikes", scales_in="thresholds")
    (layer,) = spiking.neurons
    assert spiking[layer].op.model.threshold == pytest.approx(1.7, rel=1e-6)
    assert spiking[layer].op.model.initial_potential == pytest.approx(0.85, rel=1e-6)


@pytest.mark.parametrize(
    "chain",
    [
        [("Floor", "z", "y", {})],
        [FIRST[0], FIRST[1], ("Mul", "b n", "d", {}), *FIRST[4:]],
        [LAST[0], ("Floor", "a", "c", {}), *LAST[3:]],
        [*LAST[:3], ("Clip", "c zero half", "y", {})],
    ],
    ids=["alone", "cut off before", "cut off behind", "no whole number of levels"],
)
def test_other_floors_are_refused(model, chain):
    with pytest.raises(UnsupportedError, match="QCFS"):
        OnnxFrontend().parse(model([CONV, *chain], ["N", 2, 5, 5], WEIGHTS))
