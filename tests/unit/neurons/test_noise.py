"""Counter-based noise: uniform, and a function of seed, stream, sample, step and element alone."""

from __future__ import annotations

import numpy as np
import pytest

from snntoolbox.neurons.noise import mix, stream_key, uniform


def test_known_values_never_change() -> None:
    """Saved results rest on them; other backends compute the same integers."""
    assert mix(np.array([0, 1, 2], np.uint32)).tolist() == [0, 1753845952, 3507691905]
    assert stream_key(0, "input") == 3724478469
    assert uniform(stream_key(0, "input"), np.array([0, 7]), 1, (2,)).tolist() == [
        [0.18040144443511963, 0.22227948904037476],
        [0.24379223585128784, 0.947009801864624],
    ]


def test_it_is_uniform() -> None:
    values = uniform(5, np.arange(100), 3, (1000,))
    counts, _ = np.histogram(values, bins=20, range=(0, 1))
    assert values.min() >= 0
    assert values.max() < 1
    # Chi-square with 19 degrees of freedom: 43.8 is exceeded with probability 0.001.
    assert ((counts - 5000) ** 2 / 5000).sum() < 43.8


def test_samples_do_not_depend_on_their_batch() -> None:
    whole = uniform(1, np.arange(6), 2, (3, 2))
    parts = [uniform(1, np.array([i]), 2, (3, 2)) for i in range(6)]
    assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("other", [(2, 0, 1), (1, 1, 1), (1, 0, 2)])
def test_key_sample_and_step_each_matter(other: tuple[int, int, int]) -> None:
    def draw(key: int, sample: int, step: int) -> np.ndarray:
        return uniform(key, np.array([sample]), step, (2000,))[0]

    one, two = draw(1, 0, 1), draw(*other)
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.1
