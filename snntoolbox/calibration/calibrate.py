"""From a graph and samples to the scale of each rectifier.

Source: Rueckauer 2020, section 2.1.2.2 "Robust normalization"; other methods in files of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration.histogram import LogHistogram
from snntoolbox.calibration.local_balancing import balance_locally
from snntoolbox.calibration.mmse import mmse_scales
from snntoolbox.calibration.statistics import Calibration, LayerStatistics
from snntoolbox.calibration.threshold_balancing import balance_by_spikes
from snntoolbox.codes.rounding import Rounding
from snntoolbox.errors import ConversionError, DataError
from snntoolbox.ir import Graph
from snntoolbox.ir.evaluate import Evaluator
from snntoolbox.ir.ops import Relu
from snntoolbox.ir.samples import Samples

__all__ = ["PERCENTILE_STEP", "Balancing", "Method", "calibrate"]

_LOG = logging.getLogger(__name__)
PERCENTILE_STEP = 0.02
"""What a layer's percentile is lower by than that of the layer before, with a schedule."""
_SMALLEST_SHARE = 0.01
"""Channels that are hardly ever active get no scale below this share of the layer's: one larger activation, unseen
among the samples, would be clipped to next to nothing."""

_KEPT_BYTES = 1 << 28
"""Samples that are kept for methods that go through them again and again, up to this size."""
Method = Literal["percentile", "maximum", "robust", "mmse", "local_balancing", "threshold_balancing"]
_LISTED = 5
"""Layers with silent channels that a warning names; all are in the statistics."""


@dataclass(frozen=True)
class Balancing:
    """Numbers of the methods that balance thresholds.

    Attributes:
        rounds: Number of updates of local balancing.
        steps: Number of time steps of Poisson spikes in threshold balancing.
        factor: What thresholds found by threshold balancing are multiplied by.
    """

    rounds: int = 500
    steps: int = 100
    factor: float = 1.0


@dataclass(frozen=True)
class _Rule:
    """How scales are chosen."""

    method: Method
    percentile: float
    channel_wise: bool
    schedule: bool
    rounding: Rounding | None

    def percentile_at(self, depth: int) -> float:
        return max(self.percentile - PERCENTILE_STEP * depth, 0.0) if self.schedule else self.percentile

    def scales(self, histogram: LogHistogram, percentile: float) -> NDArray[np.float64]:
        """Return a scale for each row; NaN where there is none."""
        if self.method == "mmse" and self.rounding is not None:
            return mmse_scales(histogram, self.rounding)
        return histogram.percentile(percentile, zeros=self.method == "robust")

    def histogram(self, channels: int) -> LogHistogram:
        # About 200 kB a layer; channel by channel, 8 kB a channel.
        return LogHistogram(channels, bits=6, octaves=16) if self.channel_wise else LogHistogram()


def calibrate(
    graph: Graph,
    batches: Iterable[Samples],
    *,
    method: Method = "percentile",
    percentile: float = 99.9,
    channel_wise: bool = False,
    schedule: bool = False,
    rounding: Rounding | None = None,
    balancing: Balancing | None = None,
) -> Calibration:
    """Return the scale of each rectifier: a percentile of its non-zero activations over all samples, unless asked.

    Other methods: the largest activation (``maximum``); a percentile of all activations, zeros included (``robust``);
    the least squared error for a number of time steps (``mmse``, see `snntoolbox.calibration.mmse`); thresholds that
    grow by what they would clip (``local_balancing``, see `snntoolbox.calibration.local_balancing`); the largest input
    under Poisson spikes (``threshold_balancing``, see `snntoolbox.calibration.threshold_balancing`).

    Activations are sorted into logarithmic buckets batch by batch, so memory does not grow with the number of samples.
    The relative error that this causes is at most 2**-10 (2**-6 with ``channel_wise``) and usually far less, since a
    percentile is placed within its bucket by rank; a scale at percentile 100 is the exact maximum. The limit holds for
    scales above 2**-23 (2**-15) of the largest activation.

    A scale is at most the rectifier's ``max_value``, and just that if the network was trained with activations that are
    rounded to levels below it. A layer without any activity gets the scale 1, a channel without
    any that of its layer; a warning names them. No channel's scale is below a hundredth of its layer's. Rectifiers with
    a slope for negative inputs count by absolute value.

    Args:
        graph: The graph as it will be normalised.
        batches: Samples, any number at a time: arrays (batch, *shape), or mappings from input names to such arrays.
        method: What a scale is.
        percentile: In (0, 100]; 100 takes the maximum. For ``percentile`` and ``robust``.
        channel_wise: Whether each channel gets a scale of its own.
        schedule: Whether the percentile falls by 0.02 from each rectifier to the next.
        rounding: What neurons make of an activation; needed for ``mmse``, and where thresholds are balanced by spikes
            it says at which potential neurons start.
        balancing: For the methods that balance thresholds.

    Raises:
        ConversionError: An argument is out of range or missing, or activations are not finite.
        DataError: There are no samples.
    """
    if not 0 < percentile <= 100:
        raise ConversionError(f"percentile: expected a number in (0, 100], got {percentile}")
    if method not in get_args(Method):
        raise ConversionError(f"method: expected one of {', '.join(get_args(Method))}, got '{method}'")
    if method == "mmse" and rounding is None:
        raise ConversionError("method mmse: expected a number of time steps to find scales for; give num_steps")
    exact = method == "maximum" or (percentile == 100 and not schedule and method in ("percentile", "robust"))
    rule = _Rule(method, 100.0 if method == "maximum" else percentile, channel_wise, schedule and not exact, rounding)
    rectifiers = [node.name for node in graph.nodes if isinstance(node.op, Relu)]
    histograms = {name: rule.histogram(graph.shapes[name][-1]) for name in rectifiers}
    kept = _Kept(batches) if "balancing" in method else None
    num_samples = _fill(graph, histograms, batches if kept is None else kept)
    balanced = _balance(graph, kept.batches, rule, balancing or Balancing()) if kept and kept.batches else {}
    layers = {
        name: _statistics(graph, name, histogram, rule, depth, balanced.get(name))
        for depth, (name, histogram) in enumerate(histograms.items())
    }
    error = 0.0 if exact or kept is not None else max((h.relative_error for h in histograms.values()), default=0.0)
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


class _Kept:
    """Batches that are remembered, up to a size, while they are gone through."""

    def __init__(self, batches: Iterable[Samples]) -> None:
        self._source = batches
        self.batches: list[Samples] = []

    def __iter__(self) -> Iterator[Samples]:
        size = 0
        for batch in self._source:
            arrays = list(batch.values()) if isinstance(batch, Mapping) else [batch]
            size += sum(np.asarray(array).nbytes for array in arrays)
            if size <= _KEPT_BYTES or not self.batches:
                self.batches.append(batch)
            yield batch


def _balance(graph: Graph, batches: list[Samples], rule: _Rule, balancing: Balancing) -> dict[str, NDArray[np.float64]]:
    """Return the scales of a method that balances thresholds, shape (channels,) or (); NaN where there is none."""
    if rule.method == "local_balancing":
        scales = balance_locally(graph, batches, rounds=balancing.rounds, channel_wise=rule.channel_wise)
    else:
        start = 0.5 if rule.rounding is None else rule.rounding.start
        scales = balance_by_spikes(
            graph,
            _joined(batches),
            num_steps=balancing.steps,
            factor=balancing.factor,
            start=start,
            channel_wise=rule.channel_wise,
        )
    return {name: np.where(scale > 0, scale, np.nan) for name, scale in scales.items()}


def _joined(batches: list[Samples]) -> Samples:
    first = batches[0]
    if not isinstance(first, Mapping):
        joined: Samples = np.concatenate([np.asarray(batch) for batch in batches])
        return joined
    return {name: np.concatenate([np.asarray(batch[name]) for batch in batches]) for name in first}  # type: ignore[call-overload,index]


def _statistics(
    graph: Graph,
    name: str,
    histogram: LogHistogram,
    rule: _Rule,
    depth: int,
    balanced: NDArray[np.float64] | None,
) -> LayerStatistics:
    percentile = rule.percentile_at(depth)
    whole = histogram if histogram.rows == 1 else histogram.merged()
    layer_scale = float(rule.scales(whole, percentile)[0] if balanced is None else np.nanmax(balanced, initial=0.0))
    layer_scale = layer_scale if np.isfinite(layer_scale) and layer_scale > 0 else 1.0
    scale: Any = layer_scale
    if histogram.rows > 1:
        found = rule.scales(histogram, percentile) if balanced is None else balanced
        scale = np.maximum(np.where(np.isnan(found), layer_scale, found), _SMALLEST_SHARE * layer_scale)
    op = graph[name].op
    if isinstance(op, Relu) and op.max_value is not None:
        # Trained to be rounded below its ceiling: any other scale would round otherwise.
        scale = np.minimum(scale, op.max_value) if op.levels is None else np.asarray(op.max_value, np.float64)
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
