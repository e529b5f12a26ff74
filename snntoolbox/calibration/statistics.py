"""What calibration finds out, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "LayerStatistics"]


@dataclass(frozen=True, eq=False)
class LayerStatistics:
    """Activations of one rectifier over all samples.

    Attributes:
        scale: What becomes a rate of one spike a step: a scalar, or an array (channels,).
        percentile: Of the non-zero activations, which the scale was taken at.
        maximum: Largest activation.
        active_fraction: Share of activations that are not zero.
        dead_channels: Channels without any activity (all of them if the layer is silent).
        edges, counts: Histogram of the non-zero activations, shapes (n + 1,) and (n,); edges grow by a constant factor,
            roughly.
    """

    scale: float | NDArray[np.float64]
    percentile: float
    maximum: float
    active_fraction: float
    dead_channels: tuple[int, ...] = ()
    edges: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        """Make arrays read-only."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, _read_only(value))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Scales of all rectifiers of a graph, and what they rest on.

    Attributes:
        layers: Name of each rectifier -> its statistics, in order of the graph.
        num_samples: Number of samples.
        relative_error: Upper limit of the relative error of a scale against the exact percentile of the same
            activations; 0 if scales are maxima, which are exact.
    """

    layers: Mapping[str, LayerStatistics]
    num_samples: int
    relative_error: float

    def __post_init__(self) -> None:
        """Freeze the mapping."""
        object.__setattr__(self, "layers", MappingProxyType(dict(self.layers)))

    @property
    def scales(self) -> dict[str, float | NDArray[np.float64]]:
        """Name of each rectifier -> its scale, as `snntoolbox.passes.normalize_activations` takes them."""
        return {name: layer.scale for name, layer in self.layers.items()}


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    copy = array.copy()
    copy.flags.writeable = False
    return copy
