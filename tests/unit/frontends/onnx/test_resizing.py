"""Enlarging: taken where it is repetition, by whatever settings."""

import numpy as np
import pytest

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.onnx import OnnxFrontend

IMAGE = ["N", 3, 4, 5]
COORDINATES = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"]
ROUNDING = ["round_prefer_floor", "floor", "ceil", "round_prefer_ceil"]


@pytest.fixture
def conv(rng):
    """A convolution from ``x`` to ``c`` and its weights."""
    return ("Conv", "x w", "c", {}), {"w": rng.normal(size=(3, 3, 1, 1)).astype(np.float32)}


@pytest.mark.parametrize("factors", [(2, 2), (3, 1), (1, 4)], ids=str)
@pytest.mark.parametrize("rounding", ROUNDING)
@pytest.mark.parametrize("coordinates", COORDINATES)
def test_resize_is_repetition_or_refused(model, assert_same, conv, coordinates, rounding, factors):
    """onnxruntime tells which: a graph is right, and a refusal is due."""
    settings = {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding}
    scales = np.array([1, 1, *factors], np.float32)
    made = model([conv[0], ("Resize", "c - scales", "y", settings)], IMAGE, {**conv[1], "scales": scales})
    plain = model([conv[0], ("Upsample", "c scales", "y", {})], IMAGE, {**conv[1], "scales": scales}, opset=9)
    x = np.random.default_rng(1).normal(size=(1, 4, 5, 3))
    repeated = OnnxFrontend().reference_outputs(plain, x)
    try:
        graph = assert_same(made)
    except UnsupportedError as error:
        assert "which is no repetition" in str(error)
        with_channels_last = _resized(made, x)
        assert not np.array_equal(with_channels_last, repeated)
    else:
        assert graph["y"].op.factors == factors


def _resized(made, x):
    """What onnxruntime answers for a model that is refused."""
    from snntoolbox.frontends.onnx.runtime import session

    (y,) = session(made)({"x": x.transpose(0, 3, 1, 2)})
    return y.transpose(0, 2, 3, 1)


@pytest.mark.parametrize(
    ("node", "arrays"),
    [
        (("Resize", "c - - sizes", "y", {}), {"sizes": np.array([1, 3, 8, 15])}),
        (("Resize", "c - scales", "y", {"axes": [3, 2]}), {"scales": np.array([3, 2], np.float32)}),
    ],
    ids=["sizes", "axes"],
)
def test_resize_to_sizes_and_along_axes(model, assert_same, conv, node, arrays):
    graph = assert_same(model([conv[0], node], [1, *IMAGE[1:]], {**conv[1], **arrays}, opset=19))
    assert graph["y"].op.factors == (2, 3)


@pytest.mark.parametrize("opset", [7, 9, 10])
def test_upsample_and_resize_of_old_opsets(model, assert_same, conv, opset):
    op, settings = ("Resize", {}) if opset == 10 else ("Upsample", {})
    arrays = {"s": np.array([1, 1, 2, 3], np.float32)} if opset > 7 else {}
    settings = {} if arrays else {"scales": [1.0, 1.0, 2.0, 3.0]}
    node = (op, "c s" if arrays else "c", "y", settings)
    assert assert_same(model([conv[0], node], IMAGE, {**conv[1], **arrays}, opset=opset))["y"].op.factors == (2, 3)


@pytest.mark.parametrize(
    ("opset", "settings", "scales", "words"),
    [
        (18, {"mode": "linear"}, [1, 1, 2, 2], "resizes axis 2 from 4 to 8 elements (linear, half_pixel"),
        (18, {}, [1, 1, 1.5, 1], "resizes axis 2 from 4 to 6 elements (nearest, half_pixel, round_prefer_floor)"),
        (18, {}, [1, 1, 0.5, 1], "resizes axis 2 from 4 to 2 elements"),
        (
            18,
            {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
            [1, 2, 2, 2],
            "enlarges every axis",
        ),
        (9, {"mode": "linear"}, [1, 1, 2, 2], "interpolates by 'linear'"),
        (9, {}, [1, 1, 1.5, 1], "resizes by [1.0, 1.0, 1.5, 1.0]"),
    ],
    ids=str,
)
def test_refusals(model, assert_same, conv, opset, settings, scales, words):
    op, names = ("Resize", "c - scales") if opset == 18 else ("Upsample", "c scales")
    arrays = {**conv[1], "scales": np.array(scales, np.float32)}
    with pytest.raises(UnsupportedError) as caught:
        assert_same(model([conv[0], (op, names, "y", settings)], IMAGE, arrays, opset=opset))
    assert f"node 'y' ({op}): {words}" in str(caught.value)
