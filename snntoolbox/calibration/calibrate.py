"""From a graph and samples to the scale of each rectifier, in one pass over the samples.

Source: Rueckauer 2020, section 2.1.2.2 "Robust normalization".
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration.histogram import LogHistogram
from snntoolbox.calibration.statistics import Calibration, LayerStatistics
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.ir import Graph
from snntoolbox.ir.evaluate import Evaluator
from snntoolbox.ir.ops import Relu
from snntoolbox.ir.samples import Samples

__all__ = ["PERCENTILE_STEP", "calibrate"]

_LOG = logging.getLogger(__name__)
PERCENTILE_STEP = 0.02
"""What a layer's percentile is lower by than that of the layer before, with a schedule."""
_SMALLEST_SHARE = 0.01
"""Channels that are hardly ever active get no scale below this share of the layer's: one larger activation, unseen
among the samples, would be clipped to next to nothing."""

_LISTED = 5
"""Layers with silent channels that a warning names; all are in the statistics."""


@dataclass(frozen=True)
class _Rule:
    """How scales are chosen."""

    percentile: float
    channel_wise: bool
    schedule: bool

    def percentile_at(self, depth: int) -> float:
        return max(self.percentile - PERCENTILE_STEP * depth, 0.0) if self.schedule else self.percentile

    def histogram(self, channels: int) -> LogHistogram:
        # About 200 kB a layer; channel by channel, 8 kB a channel.
        return LogHistogram(channels, bits=6, octaves=16) if self.channel_wise else LogHistogram()


def calibrate(
    graph: Graph,
    batches: Iterable[Samples],
    *,
    percentile: float = 99.9,
    channel_wise: bool = False,
    schedule: bool = False,
) -> Calibration:
    """Return the scale of each rectifier: a percentile of its non-zero activations over all samples.

    Activations are sorted into logarithmic buckets batch by batch, so memory does not grow with the number of samples.
    The relative error that this causes is at most 2**-10 (2**-6 with ``channel_wise``) and usually far less, since a
    percentile is placed within its bucket by rank; a scale at percentile 100 is the exact maximum. The limit holds for
    scales above 2**-23 (2**-15) of the largest activation.

    A scale is at most the rectifier's ``max_value``. A layer without any activity gets the scale 1, a channel without
    any that of its layer; a warning names them. No channel's scale is below a hundredth of its layer's. Rectifiers with
    a slope for negative inputs count by absolute value.

    Args:
        graph: The graph as it will be normalised.
        batches: Samples, any number at a time: arrays (batch, *shape), or mappings from input names to such arrays.
        percentile: In (0, 100]; 100 takes the maximum.
        channel_wise: Whether each channel gets a scale of its own.
        schedule: Whether the percentile falls by 0.02 from each rectifier to the next.

    Raises:
        ConversionError: The percentile is out of range, or activations are not finite.
        DataError: There are no samples.
    """
    if not 0 < percentile <= 100:
        raise ConversionError(f"percentile: expected a number in (0, 100], got {percentile}")
    rule = _Rule(percentile, channel_wise, schedule)
    rectifiers = [node.name for node in graph.nodes if isinstance(node.op, Relu)]
    histograms = {name: rule.histogram(graph.shapes[name][-1]) for name in rectifiers}
    num_samples = _fill(graph, histograms, batches)
    layers = {
        name: _statistics(graph, name, histogram, rule.percentile_at(depth))
        for depth, (name, histogram) in enumerate(histograms.items())
    }
    exact = percentile == 100 and not schedule
    error = 0.0 if exact else max((h.relative_error for h in histograms.values()), default=0.0)
    _warn_of_silence(graph, layers, channel_wise)
    return Calibration(layers, num_samples, error)


def _fill(graph: Graph, histograms: dict[str, LogHistogram], batches: Iterable[Samples]) -> int:
    """Count the activations of all samples; return the number of samples."""
    if not histograms:
        return 0
    num_samples = 0
    for values in Evaluator(graph, tuple(histograms)).stream(batches):
        for name, histogram in histograms.items():
            activations = np.abs(values[name]).reshape(-1, histogram.rows)
            _check_finite(graph, name, activations, num_samples)
            histogram.add(activations)
        num_samples += len(values[name])
    if not num_samples:
        raise DataError("calibration: expected at least one sample, got none")
    return num_samples


def _check_finite(graph: Graph, name: str, activations: NDArray[Any], start: int) -> None:
    if activations.size and not np.isfinite(activations.max()):
        raise ConversionError(
            f"node {graph[name]}: activations hold NaN or infinity in the batch that starts at sample {start}. Check "
            "these samples and the network's weights."
        )


def _statistics(graph: Graph, name: str, histogram: LogHistogram, percentile: float) -> LayerStatistics:
    whole = histogram if histogram.rows == 1 else histogram.merged()
    layer_scale = float(whole.percentile(percentile)[0])
    layer_scale = layer_scale if np.isfinite(layer_scale) and layer_scale > 0 else 1.0
    scale: Any = layer_scale
    if histogram.rows > 1:
        found = histogram.percentile(percentile)
        scale = np.maximum(np.where(np.isnan(found), layer_scale, found), _SMALLEST_SHARE * layer_scale)
    op = graph[name].op
    if isinstance(op, Relu) and op.max_value is not None:
        scale = np.minimum(scale, op.max_value)
    channels = graph.shapes[name][-1]
    silent = np.broadcast_to(histogram.num_positive == 0, (channels,))
    edges, counts = whole.coarse()
    return LayerStatistics(
        scale=np.asarray(scale, np.float64) if np.ndim(scale) else float(scale),
        percentile=percentile,
        maximum=float(whole.maxima[0]),
        active_fraction=float(whole.num_positive[0] / max(whole.num_values, 1)),
        dead_channels=tuple(int(c) for c in np.flatnonzero(silent)),
        edges=edges,
        counts=counts,
    )


def _warn_of_silence(graph: Graph, layers: dict[str, LayerStatistics], channel_wise: bool) -> None:
    silent = [name for name, layer in layers.items() if len(layer.dead_channels) == graph.shapes[name][-1]]
    if silent:
        _LOG.warning("layers without any activity for these samples get the scale 1: %s", ", ".join(silent))
    partly = {n: layer.dead_channels for n, layer in layers.items() if layer.dead_channels and n not in silent}
    if channel_wise and partly:
        worst = sorted(partly, key=lambda name: -len(partly[name]) / graph.shapes[name][-1])[:_LISTED]
        _LOG.warning(
            "channels without any activity for these samples get the scale of their layer: %d in %d layers, most in %s",
            sum(map(len, partly.values())),
            len(partly),
            ", ".join(f"{name} ({len(partly[name])} of {graph.shapes[name][-1]})" for name in worst),
        )
