"""A set of samples as everything downstream takes it: chosen, prepared, in float32 batches, with labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.data.labels import Labels, interpret_labels
from snntoolbox.data.preprocessing import Preprocessing
from snntoolbox.data.shapes import fit_shape
from snntoolbox.data.source import ArraySource, SampleSource
from snntoolbox.errors import DataError

__all__ = ["Dataset", "from_arrays"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples, chosen and prepared, with what is known of them. Nothing is read before it is asked for.

    Attributes:
        source: The raw samples.
        indices: Which of them, in which order; all of them unless given.
        labels: Classes or targets, one for each of ``indices``.
        preprocessing: What is done to each sample.
        class_names: Name of each class; empty if none are known.
        shape: Shape of one sample as delivered; that of the source, up to a channel axis of length 1.

    Raises:
        DataError: There is no sample.
    """

    source: SampleSource
    indices: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    labels: Labels = field(default_factory=Labels)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    class_names: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Fill in what was left out."""
        if len(self.source) == 0:
            raise DataError(f"{self.source.name}: expected at least one sample, got none")
        indices = self.indices if len(self.indices) else np.arange(len(self.source))
        indices = np.array(indices, dtype=np.intp)
        indices.flags.writeable = False
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "shape", self.shape or self.source.shape)

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.indices)

    @property
    def name(self) -> str:
        """Where the samples come from, as messages name it."""
        return self.source.name

    @property
    def classes(self) -> NDArray[np.int64] | None:
        """Class index of each sample (n,), or None."""
        return self.labels.classes

    @property
    def targets(self) -> NDArray[np.float32] | None:
        """Values to regress (n, ...), or None."""
        return self.labels.targets

    def batches(self, batch_size: int) -> Iterator[NDArray[np.float32]]:
        """Yield prepared samples in read-only float32 arrays (batch, *shape); the last may be smaller.

        One batch is in memory at a time.

        Raises:
            DataError: The batch size is not positive, or a sample holds NaN or infinity.
        """
        if batch_size < 1:
            raise DataError(f"{self.name}: expected a batch size of 1 or more, got {batch_size}")
        for start in range(0, len(self), batch_size):
            yield self._read(self.indices[start : start + batch_size])

    def array(self) -> NDArray[np.float32]:
        """Return all prepared samples at once, float32 (n, *shape), read-only."""
        return self._read(self.indices)

    def _read(self, indices: NDArray[np.intp]) -> NDArray[np.float32]:
        self.preprocessing.check(self.shape)
        raw = self.source.read(indices).reshape(len(indices), *self.shape)
        with np.errstate(over="ignore"):  # float64 values beyond float32 become infinite and are refused below
            x = self.preprocessing(raw)
        if raw.dtype.kind == "f" and not np.isfinite(x).all():
            row = int(np.argwhere(~np.isfinite(x))[0][0])
            raise DataError(
                f"{self.name}: sample {indices[row]} holds NaN or infinity (after preprocessing, in float32). "
                "Remove or repair the sample."
            )
        view = x.view()
        view.flags.writeable = False
        return view

    def select(self, positions: Sequence[int] | NDArray[np.integer]) -> Dataset:
        """Return the samples at these positions, in this order; repetitions are allowed.

        Raises:
            DataError: No position is given, or one is not in 0 .. n-1.
        """
        chosen = np.asarray(positions, dtype=np.intp)
        outside = chosen[(chosen < 0) | (chosen >= len(self))]
        if outside.size or not chosen.size:
            received = f"got {outside[:5].tolist()}" if outside.size else "got none"
            raise DataError(f"{self.name}: expected sample indices from 0 to {len(self) - 1}, {received}")
        return replace(self, indices=self.indices[chosen], labels=self.labels.select(chosen))

    def take(self, count: int) -> Dataset:
        """Return the first ``count`` samples; -1 takes all.

        Raises:
            DataError: There are fewer, or ``count`` is 0 or below -1.
        """
        if count == -1:
            return self
        if not 1 <= count <= len(self):
            raise DataError(
                f"{self.name}: expected a number of samples from 1 to {len(self)} (or -1: all), got {count}"
            )
        return self.select(np.arange(count))

    def shuffled(self, seed: int) -> Dataset:
        """Return the same samples in a random order that depends on the seed alone."""
        return self.select(np.random.default_rng(seed).permutation(len(self)))

    def for_network(self, input_shape: tuple[int, ...], num_outputs: int | None = None) -> Dataset:
        """Return the samples as a network takes them: shape (up to a channel axis of length 1), labels and class names.

        Args:
            input_shape: Shape of the network's input, without batch.
            num_outputs: Number of output values for one sample; None leaves the labels as they are.

        Raises:
            DataError: The shape, the preprocessing, a label, the targets or the number of class names does not fit.
        """
        shape = fit_shape(self.shape, input_shape, self.name)
        self.preprocessing.check(shape)
        if num_outputs is None:
            return replace(self, shape=shape)
        labels = self.labels.for_outputs(num_outputs, f"labels of {self.name}")
        if labels.classes is not None and self.class_names and len(self.class_names) != num_outputs:
            raise DataError(
                f"{self.name}: {len(self.class_names)} classes, the network has {num_outputs} outputs. If some classes "
                "have no samples here, name all of them, in the network's order, in the file class_idx_path."
            )
        return replace(self, shape=shape, labels=labels)

    def fingerprint(self) -> str:
        """Return a hash of the samples, their order and their preprocessing: a key for what is computed from them."""
        parts = (self.source.fingerprint(self.indices), self.preprocessing, self.shape)
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def from_arrays(
    x: Any,
    y: Any = None,
    *,
    preprocessing: Preprocessing | None = None,
    class_names: Sequence[str] = (),
    name: str = "x",
) -> Dataset:
    """Return a dataset of arrays that are in memory; they are neither copied nor changed.

    Args:
        x: Samples (n, *shape), numbers of any real type.
        y: Classes, one-hot classes, targets or None; see :func:`~snntoolbox.data.labels.interpret_labels`.
        preprocessing: What is done to each sample when it is read.
        class_names: Name of each class.
        name: How messages name the samples.

    Raises:
        DataError: Samples or labels cannot be used, or do not belong together.
    """
    source = ArraySource(np.asarray(x), name)
    return Dataset(
        source,
        labels=interpret_labels(y, len(source), f"labels of {name}"),
        preprocessing=preprocessing or Preprocessing(),
        class_names=tuple(class_names),
    )
