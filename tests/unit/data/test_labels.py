import numpy as np
import pytest

from snntoolbox.data import interpret_labels
from snntoolbox.errors import DataError


@pytest.mark.parametrize(
    "y",
    [
        np.array([2, 0, 1]),
        np.array([2, 0, 1], dtype=np.uint8),
        np.array([[2], [0], [1]]),
        np.array([2.0, 0.0, 1.0], dtype=np.float32),
        [2, 0, 1],
    ],
    ids=["integers", "bytes", "column", "floats", "list"],
)
def test_whole_numbers_are_classes(y):
    labels = interpret_labels(y, 3)
    assert labels.classes is not None and labels.classes.dtype == np.int64
    assert labels.classes.tolist() == [2, 0, 1]
    assert labels.targets is None and labels.num_classes is None


@pytest.mark.parametrize("dtype", [np.float32, np.int64, bool])
def test_one_hot_rows_are_classes(dtype):
    labels = interpret_labels(np.eye(4, dtype=dtype)[[3, 0]], 2)
    assert labels.classes is not None and labels.classes.tolist() == [3, 0]
    assert labels.num_classes == 4


@pytest.mark.parametrize(
    "y",
    [[[0.5, 1.5], [2.0, 3.0]], [[1, 1, 0], [0, 0, 0]], [[0.9, 0.1], [0.1, 0.9]], np.ones((2, 3, 3))],
    ids=["regression", "several classes", "smoothed", "maps"],
)
def test_other_rows_are_targets(y):
    labels = interpret_labels(y, 2)
    assert labels.classes is None and labels.targets is not None
    assert labels.targets.dtype == np.float32
    np.testing.assert_array_equal(labels.targets, np.asarray(y, dtype=np.float32))


@pytest.mark.parametrize("y", [[0.5, 2.0], [[0.5], [2.0]], [-1.0, 2.0]])
def test_one_real_number_a_sample_is_a_target(y):
    labels = interpret_labels(y, 2)
    assert labels.classes is None and labels.targets is not None
    assert labels.targets.shape == (2, 1)


def test_no_labels():
    labels = interpret_labels(None, 3)
    assert labels.classes is None and labels.targets is None


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1, 2], r"y_test: expected a label for each of the 3 samples, got 2 labels"),
        (5, r"got a single number"),
        (["a", "b", "c"], r"expected labels as numbers"),
        (np.array([1, "a", None], dtype=object), r"expected labels as numbers"),
        ([0.0, np.nan, 1.0], r"the label of sample 1 is not a finite number"),
        ([0, 1, -2], r"label -2 of sample 2 is negative"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(y, message):
    with pytest.raises(DataError, match=message):
        interpret_labels(y, 3, "y_test")


def test_selected_labels_follow_the_samples():
    chosen = interpret_labels([5, 6, 7], 3).select(np.array([2, 0]))
    assert chosen.classes is not None and chosen.classes.tolist() == [7, 5]


def test_a_class_beyond_the_outputs_is_named():
    with pytest.raises(DataError, match=r"label 10 of sample 1 is out of range, the network has 10 outputs \(0 to 9\)"):
        interpret_labels([1, 10], 2).for_outputs(10, "y_test")


def test_one_hot_columns_must_be_the_outputs():
    with pytest.raises(DataError, match="one-hot labels have 4 columns, the network has 3 outputs"):
        interpret_labels(np.eye(4)[[0, 1]], 2).for_outputs(3, "y_test")


def test_targets_must_have_the_size_of_the_output():
    labels = interpret_labels([[0.5, 0.5], [0.1, 0.2]], 2)
    assert labels.for_outputs(2, "y_test").targets is labels.targets
    with pytest.raises(DataError, match="expected 3 values for each sample"):
        labels.for_outputs(3, "y_test")


def test_a_network_with_one_output_regresses():
    labels = interpret_labels([3, 40], 2).for_outputs(1, "y_test")
    assert labels.classes is None and labels.targets is not None
    assert labels.targets.tolist() == [[3.0], [40.0]]
