"""How well rates stand for activations, layer by layer, and how much each layer fires."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.streaming import Histogram, HistogramCounter, PairStatistics, Reservoir
from snntoolbox.errors import DataError

__all__ = [
    "LEAVING",
    "Comparison",
    "RateComparison",
    "SpikeCounter",
    "SpikeStatistics",
    "first_deviating_layer",
    "pearson",
]

Array = NDArray[Any]

LEAVING = 0.9
"""A layer has left its activations if its rates account for less than this share of their variance."""

_BINS = 50
_HIGHEST = 1.25  # activations above are counted as beyond the histogram


def pearson(x: Array, y: Array) -> float | None:
    """Return the Pearson correlation of two arrays of one shape; None if either is constant."""
    pairs = PairStatistics()
    pairs.add(x, y)
    return pairs.correlation


@dataclass(frozen=True, eq=False)
class Comparison:
    """Rates of a layer against its normalised activations, over all samples and neurons.

    Attributes:
        correlation: Pearson correlation; None if either never changes.
        r_squared: Share of the activations' variance that the rates account for; None if they never change.
        mean_abs_error, max_abs_error, rms_error: Of rate - activation, in normalised units.
        mean_activation: Mean of the activations.
        resolution: Rates are multiples of this; errors up to it are the price of few steps.
        points: Random choice of the pairs that are not both 0, shape (2, n): activation, rate.
        activations, rates: Histograms over all samples and neurons.
    """

    correlation: float | None
    r_squared: float | None
    mean_abs_error: float
    max_abs_error: float
    rms_error: float
    mean_activation: float
    resolution: float
    points: NDArray[np.float32]
    activations: Histogram
    rates: Histogram


class RateComparison:
    """Compares the rates of one layer with its activations, batch after batch."""

    def __init__(self, num_steps: int, amplitude: float = 1.0, num_points: int = 2000, seed: int = 0) -> None:
        """Prepare the comparison.

        Args:
            num_steps: Number of steps simulated.
            amplitude: Message of a spike; a rate is a multiple of amplitude / num_steps.
            num_points: Number of points kept for scatter plots.
            seed: Seed of their choice.
        """
        self._pairs = PairStatistics()
        self._points = Reservoir(num_points, seed)
        # Bins hold the same number of possible rates each, or the histogram of rates would look like a comb.
        self._resolution = level = amplitude / num_steps
        width = level * math.ceil(_HIGHEST * max(amplitude, 1.0) / level / _BINS)
        bins = math.ceil(_HIGHEST * max(amplitude, 1.0) / width)
        self._activations = HistogramCounter(-level / 2, width, bins)
        self._rates = HistogramCounter(-level / 2, width, bins)

    def add(self, activations: Array, rates: Array) -> None:
        """Add a batch: normalised activations and rates, both of shape (batch, *shape).

        Raises:
            DataError: The shapes differ.
        """
        if activations.shape != rates.shape:
            raise DataError(f"expected activations of the shape of the rates {rates.shape}, got {activations.shape}")
        self._pairs.add(activations, rates)
        self._activations.add(activations)
        self._rates.add(rates)
        active = np.flatnonzero((activations != 0) | (rates != 0))
        self._points.add(activations.reshape(-1)[active], rates.reshape(-1)[active])

    def result(self) -> Comparison | None:
        """Return the comparison so far; None without samples."""
        pairs = self._pairs
        if pairs.mean_squared_error is None or pairs.mean_abs_error is None or pairs.mean_reference is None:
            return None
        return Comparison(
            correlation=pairs.correlation,
            r_squared=pairs.r_squared,
            mean_abs_error=pairs.mean_abs_error,
            max_abs_error=pairs.max_abs_error,
            rms_error=math.sqrt(pairs.mean_squared_error),
            mean_activation=pairs.mean_reference,
            resolution=self._resolution,
            points=self._points.pairs,
            activations=self._activations.result(),
            rates=self._rates.result(),
        )


@dataclass(frozen=True)
class SpikeStatistics:
    """How much a layer fires.

    Attributes:
        spikes_per_sample: Mean number of spikes of the whole layer for one sample.
        mean_rate: Mean number of spikes of a neuron in a step.
        silent: Share of (sample, neuron) pairs without a spike.
        saturated: Share of (sample, neuron) pairs that fired whenever they could.
        dead: Share of neurons that fired for no sample.
    """

    spikes_per_sample: float
    mean_rate: float
    silent: float
    saturated: float
    dead: float


class SpikeCounter:
    """Sums up the spike counts of one layer, batch after batch. Holds one flag for each neuron, nothing per sample."""

    def __init__(self, num_steps: int, refractory_steps: int = 0) -> None:
        self._num_steps = num_steps
        self._most = math.ceil(num_steps / (1 + refractory_steps))
        self._samples, self._spikes, self._silent, self._saturated = 0, 0, 0, 0
        self._fired: NDArray[np.bool_] | None = None

    def add(self, counts: Array) -> None:
        """Add a batch of spike counts, shape (batch, *shape)."""
        self._samples += len(counts)
        self._spikes += int(counts.sum())
        self._silent += int((counts == 0).sum())
        self._saturated += int((counts >= self._most).sum())
        fired = (counts != 0).any(axis=0)
        self._fired = fired if self._fired is None else self._fired | fired

    def result(self) -> SpikeStatistics | None:
        """Return the statistics so far; None without samples."""
        if self._fired is None:
            return None
        pairs = self._samples * self._fired.size
        return SpikeStatistics(
            spikes_per_sample=self._spikes / self._samples,
            mean_rate=self._spikes / (pairs * self._num_steps),
            silent=self._silent / pairs,
            saturated=self._saturated / pairs,
            dead=1 - float(self._fired.mean()),
        )


def first_deviating_layer(layers: Mapping[str, Comparison | None], threshold: float = LEAVING) -> str | None:
    """Return the first layer whose rates have left its activations; None if all follow.

    A layer has left if R² is below ``threshold`` and the root mean square error exceeds the resolution of the rates, so
    that short simulations are not blamed for rounding.

    Args:
        layers: Layers in the order of the network; None where nothing was compared.
        threshold: Smallest R² of a layer that follows.
    """
    for name, layer in layers.items():
        if layer is None or layer.r_squared is None or layer.rms_error <= layer.resolution:
            continue
        if layer.r_squared < threshold:
            return name
    return None
