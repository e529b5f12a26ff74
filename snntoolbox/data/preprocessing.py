"""From raw samples to what the network was trained on: explicit, in float32, and never in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import DataError

__all__ = ["Preprocessing"]


@dataclass(frozen=True)
class Preprocessing:
    """``((x * rescale)[..., order] - mean) / std``, in this order.

    Attributes:
        rescale: Factor on the raw values, such as 1/255.
        channel_order: Order of the channels that the network expects. Samples are stored as ``rgb``; ``bgr`` turns the
            last axis round.
        mean: Subtracted; empty, one value, or one per channel in the order the network expects.
        std: Divides; empty, one value, or one per channel in the order the network expects.

    Raises:
        DataError: A value is not finite, or a standard deviation is zero.
    """

    rescale: float = 1.0
    channel_order: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers that would turn every sample into NaN or infinity."""
        if not np.isfinite([self.rescale, *self.mean, *self.std]).all():
            raise DataError(f"preprocessing: rescale, mean and std must be finite numbers, got {self}")
        if 0.0 in self.std:
            raise DataError(f"preprocessing: std divides the samples and must not be 0, got {self.std}")

    def check(self, shape: tuple[int, ...]) -> None:
        """Check that samples of ``shape`` have the channels (last axis) that the options speak of.

        Raises:
            DataError: The number of values differs from the number of channels, or ``bgr`` is asked of other than 3.
        """
        channels = shape[-1] if shape else 1
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (0, 1, channels):
                raise DataError(
                    f"preprocessing: {name} has {len(values)} values, expected 1 or one for each of the {channels} "
                    f"channels of samples of shape {shape}"
                )
        if self.channel_order == "bgr" and channels != 3:
            raise DataError(
                f"preprocessing: channel_order = bgr needs 3 channels on the last axis, samples have shape {shape}. "
                "Use channel_order = rgb to leave the channels as they are."
            )

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return prepared samples (n, *shape); ``x`` itself is not changed, but is returned if nothing is to do."""
        y = np.asarray(x, dtype=np.float32)
        if self.rescale != 1.0:
            y = y * np.float32(self.rescale)
        if self.channel_order == "bgr":
            y = y[..., ::-1]
        if self.mean:
            y = y - np.asarray(self.mean, dtype=np.float32)
        if self.std:
            y = np.divide(y, np.asarray(self.std, dtype=np.float32))
        return y
