import numpy as np
import pytest

from snntoolbox.data import Preprocessing
from snntoolbox.errors import DataError


def test_steps_are_applied_in_the_documented_order(rng):
    x = rng.integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)
    prepare = Preprocessing(rescale=1 / 255, channel_order="bgr", mean=(0.1, 0.2, 0.3), std=(0.5, 1.0, 2.0))
    expected = (x[..., ::-1] / 255 - [0.1, 0.2, 0.3]) / [0.5, 1.0, 2.0]
    assert prepare(x).dtype == np.float32
    np.testing.assert_allclose(prepare(x), expected, rtol=1e-5, atol=1e-6)


def test_one_value_counts_for_every_channel(rng):
    x = rng.random((2, 3)).astype(np.float32)
    np.testing.assert_allclose(Preprocessing(mean=(0.5,), std=(2.0,))(x), (x - 0.5) / 2, rtol=1e-6)


def test_the_users_array_is_not_changed(rng):
    x = rng.random((2, 3)).astype(np.float32)
    before = x.copy()
    Preprocessing(rescale=2.0, mean=(1.0,), std=(3.0,))(x)
    np.testing.assert_array_equal(x, before)


def test_the_number_of_values_must_be_that_of_the_channels():
    with pytest.raises(DataError, match=r"mean has 2 values, expected 1 or one for each of the 3 channels"):
        Preprocessing(mean=(0.0, 1.0)).check((8, 8, 3))
    with pytest.raises(DataError, match="std has 3 values"):
        Preprocessing(std=(1.0, 1.0, 1.0)).check((8, 8, 1))


def test_bgr_needs_three_channels():
    with pytest.raises(DataError, match="needs 3 channels"):
        Preprocessing(channel_order="bgr").check((8, 8, 1))


@pytest.mark.parametrize("options", [{"rescale": float("nan")}, {"mean": (float("inf"),)}, {"std": (1.0, 0.0)}])
def test_numbers_that_would_ruin_every_sample_are_refused(options):
    with pytest.raises(DataError, match="preprocessing"):
        Preprocessing(**options)
