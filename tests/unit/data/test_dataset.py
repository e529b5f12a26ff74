import numpy as np
import pytest

from snntoolbox.data import ArraySource, Dataset, Preprocessing, from_arrays
from snntoolbox.errors import DataError


def test_batches_cover_every_sample_with_a_smaller_last_one(rng):
    x = rng.random((7, 3))
    data = from_arrays(x)
    batches = list(data.batches(3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert all(batch.dtype == np.float32 for batch in batches)
    np.testing.assert_array_equal(np.concatenate(batches), x.astype(np.float32))
    np.testing.assert_array_equal(data.array(), x.astype(np.float32))


def test_what_is_yielded_cannot_write_to_the_users_array(rng):
    x = rng.random((4, 2)).astype(np.float32)
    (batch,) = from_arrays(x).batches(4)
    assert np.shares_memory(batch, x)
    with pytest.raises(ValueError, match="read-only"):
        batch[0] = 0
    assert x.flags.writeable


def test_samples_are_prepared_when_read():
    data = from_arrays(np.array([[0, 255]], dtype=np.uint8), preprocessing=Preprocessing(rescale=1 / 255))
    assert data.array().tolist() == [[0.0, 1.0]]


def test_selection_keeps_samples_and_labels_together(rng):
    x = rng.random((6, 2))
    data = from_arrays(x, np.arange(6)).select([4, 1, 3]).select([2, 0])
    np.testing.assert_array_equal(data.array(), x[[3, 4]].astype(np.float32))
    assert data.classes is not None and data.classes.tolist() == [3, 4]
    assert len(data) == 2


def test_take():
    data = from_arrays(np.arange(5.0)[:, None], np.arange(5))
    assert data.take(2).classes.tolist() == [0, 1]
    assert data.take(-1) is data
    for count in (0, 6, -2):
        with pytest.raises(DataError, match=rf"x: expected a number of samples from 1 to 5 .*, got {count}"):
            data.take(count)


@pytest.mark.parametrize("positions", [[0, 5], [-1], []])
def test_positions_outside_the_set_are_refused(positions):
    with pytest.raises(DataError, match="expected sample indices from 0 to 4"):
        from_arrays(np.zeros((5, 1))).select(positions)


def test_shuffling_depends_on_the_seed_alone(rng):
    data = from_arrays(rng.random((50, 2)), np.arange(50))
    first, again, other = data.shuffled(1), data.shuffled(1), data.shuffled(2)
    assert first.classes.tolist() == again.classes.tolist() != other.classes.tolist()
    assert sorted(first.classes.tolist()) == list(range(50))
    np.testing.assert_array_equal(first.array(), data.array()[first.classes])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_sample_that_is_not_finite_is_named_when_it_is_read(value):
    x = np.zeros((5, 2, 2))
    x[3, 1, 1] = value
    batches = from_arrays(x, name="x_norm").batches(2)
    next(batches)
    with pytest.raises(DataError, match="x_norm: sample 3 holds NaN or infinity"):
        next(batches)


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(DataError, match="batch size of 1 or more, got 0"):
        next(from_arrays(np.zeros((2, 2))).batches(0))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, 4)), "x: expected at least one sample, got none"),
        (np.array(5.0), "got a single number"),
        (np.array([[1, 2], [3]], dtype=object), "expected numbers, got an array of type object"),
        (np.zeros((2, 2), dtype=complex), "expected numbers"),
    ],
)
def test_arrays_that_are_no_samples_are_refused(x, message):
    with pytest.raises(DataError, match=message):
        from_arrays(x)


def test_for_network_adds_the_channel_axis_and_checks_labels(rng):
    data = from_arrays(rng.random((3, 4, 5)), np.eye(2)[[0, 1, 1]])
    fitted = data.for_network((4, 5, 1), 2)
    assert fitted.shape == (4, 5, 1)
    assert next(fitted.batches(2)).shape == (2, 4, 5, 1)
    with pytest.raises(DataError, match="one-hot labels have 2 columns, the network has 10 outputs"):
        data.for_network((4, 5, 1), 10)
    assert data.for_network((4, 5)).classes is not None


def test_for_network_proposes_the_layout_before_it_looks_at_channels(rng):
    data = from_arrays(rng.random((2, 3, 8, 8)), preprocessing=Preprocessing(mean=(1.0, 2.0, 3.0)))
    with pytest.raises(DataError, match=r"x\.transpose\(0, 2, 3, 1\)"):
        data.for_network((8, 8, 3), 10)


def test_for_network_checks_the_preprocessing_and_the_class_names():
    with pytest.raises(DataError, match="mean has 3 values"):
        from_arrays(np.zeros((2, 4)), preprocessing=Preprocessing(mean=(1.0, 2.0, 3.0))).for_network((4,), 10)
    with pytest.raises(DataError, match="2 classes, the network has 10 outputs"):
        from_arrays(np.zeros((2, 4)), [0, 1], class_names=["cat", "dog"]).for_network((4,), 10)


def test_the_fingerprint_follows_content_order_and_preprocessing(rng):
    x = rng.random((6, 3))
    data = from_arrays(x)
    changed = x.copy()
    changed[5, 2] += 1e-12
    variants = [
        data,
        from_arrays(changed),
        from_arrays(x.astype(np.float32)),
        from_arrays(x, preprocessing=Preprocessing(rescale=0.5)),
        data.select([1, 0, 2, 3, 4, 5]),
        data.take(5),
    ]
    assert len({variant.fingerprint() for variant in variants}) == len(variants)
    assert from_arrays(x.copy(), name="elsewhere").fingerprint() == data.fingerprint()


def test_indices_cannot_be_changed_behind_the_dataset():
    indices = np.array([1, 0])
    data = Dataset(ArraySource(np.zeros((2, 1)), "x"), indices)
    indices[0] = 0
    assert data.indices.tolist() == [1, 0]
    with pytest.raises(ValueError, match="read-only"):
        data.indices[0] = 0
