"""What ``y`` says of each sample: a class, a target to regress, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import DataError

__all__ = ["Labels", "interpret_labels"]


@dataclass(frozen=True, eq=False)
class Labels:
    """What is known of each sample. Either of the two is set, or neither.

    Attributes:
        classes: Class index of each sample, int64 (n,).
        targets: Values the network should give, float32 (n, ...); metrics of classification do not apply.
        num_classes: Number of columns if the classes were one-hot, otherwise None.
    """

    classes: NDArray[np.int64] | None = None
    targets: NDArray[np.float32] | None = None
    num_classes: int | None = None

    def select(self, indices: NDArray[np.intp]) -> Labels:
        """Return the labels of some samples, in the order of ``indices``."""
        classes = None if self.classes is None else self.classes[indices]
        targets = None if self.targets is None else self.targets[indices]
        return Labels(classes, targets, self.num_classes)

    def for_outputs(self, num_outputs: int, name: str) -> Labels:
        """Return the labels as a network with ``num_outputs`` outputs is scored on them.

        A network with one output does not choose between classes: its labels become targets of shape (n, 1).

        Raises:
            DataError: A class, the number of one-hot columns or the size of a target is not the network's.
        """
        if self.classes is not None and num_outputs == 1:
            return Labels(targets=self.classes.astype(np.float32)[:, np.newaxis])
        if self.classes is not None:
            self._check_classes(self.classes, num_outputs, name)
        elif self.targets is not None and self.targets[0].size != num_outputs:
            raise DataError(
                f"{name}: expected {num_outputs} values for each sample, one for each output of the network, "
                f"got shape {self.targets.shape[1:]}"
            )
        return self

    def _check_classes(self, classes: NDArray[np.int64], num_outputs: int, name: str) -> None:
        if self.num_classes not in (None, num_outputs):
            raise DataError(
                f"{name}: one-hot labels have {self.num_classes} columns, the network has {num_outputs} outputs. "
                "Use the labels the network was trained on."
            )
        if int(classes.max()) >= num_outputs:
            raise DataError(
                f"{name}: label {int(classes.max())} of sample {int(classes.argmax())} is out of range, the network "
                f"has {num_outputs} outputs (0 to {num_outputs - 1}). Labels are counted from 0."
            )


def interpret_labels(y: Any, num_samples: int, name: str = "y") -> Labels:
    """Find out what ``y`` holds.

    | shape | values | meaning |
    |---|---|---|
    | (n,) or (n, 1) | integers, in whatever type | classes |
    | (n, c), c > 1 | a single 1 in each row, otherwise 0 | classes, one-hot |
    | any other (n, ...) | numbers | targets |

    Args:
        y: The labels, or None.
        num_samples: Number of samples they belong to.
        name: File or argument, as messages name it.

    Raises:
        DataError: The number of labels differs from that of the samples, or the labels are no numbers, not finite or
            negative integers.
    """
    if y is None:
        return Labels()
    array = np.asarray(y)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name}: expected labels as numbers, got an array of type {array.dtype}")
    if array.ndim == 0 or len(array) != num_samples:
        received = "a single number" if array.ndim == 0 else f"{len(array)} labels"
        raise DataError(f"{name}: expected a label for each of the {num_samples} samples, got {received}")
    if not np.isfinite(array).all():
        row = int(np.argwhere(~np.isfinite(array))[0][0])
        raise DataError(f"{name}: the label of sample {row} is not a finite number")
    return _as_column(array, name) if array.size == len(array) else _as_rows(array)


def _as_column(array: NDArray[Any], name: str) -> Labels:
    """Labels with one value a sample."""
    column = array.reshape(len(array))
    if (column != np.floor(column)).any() or (column.dtype.kind == "f" and (column < 0).any()):
        return Labels(targets=column.astype(np.float32)[:, np.newaxis])
    if (column < 0).any():
        row = int(np.argmax(column < 0))
        raise DataError(
            f"{name}: label {column[row]} of sample {row} is negative, classes are counted from 0. "
            "If these are values to regress, store them as floating-point numbers."
        )
    return Labels(classes=column.astype(np.int64))


def _as_rows(array: NDArray[Any]) -> Labels:
    """Labels with several values a sample."""
    one_hot = array.ndim == 2 and (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())
    if one_hot:
        return Labels(classes=array.argmax(axis=1).astype(np.int64), num_classes=array.shape[1])
    return Labels(targets=array.astype(np.float32))
