import re

import pytest

from snntoolbox.data.shapes import fit_shape
from snntoolbox.errors import DataError


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28)])
def test_a_channel_axis_of_one_is_added(shape):
    assert fit_shape(shape, (28, 28, 1), "x") == (28, 28, 1)


def test_a_channel_axis_of_one_is_removed():
    assert fit_shape((28, 28, 1), (28, 28), "x") == (28, 28)


@pytest.mark.parametrize(
    ("shape", "expected", "proposal"),
    [
        ((3, 32, 32), (32, 32, 3), "(channels last): x.transpose(0, 2, 3, 1)"),
        ((1, 28, 28), (28, 28, 1), "(channels last): x.transpose(0, 2, 3, 1)"),
        ((20, 30, 3), (30, 20, 3), "axes: x.transpose(0, 2, 1, 3)"),
        ((784,), (28, 28, 1), "x.reshape(-1, 28, 28, 1)"),
        ((28, 28), (784,), "x.reshape(-1, 784)"),
        ((28, 28, 1), (32, 32, 1), "resized or cropped"),
        ((10,), (11,), "as the network was trained on"),
    ],
)
def test_the_message_says_what_would_fit(shape, expected, proposal):
    with pytest.raises(DataError) as caught:
        fit_shape(shape, expected, "x_test.npz")
    assert f"x_test.npz: samples have shape {shape}, the network takes {expected}" in str(caught.value)
    assert re.search(re.escape(proposal), str(caught.value))
