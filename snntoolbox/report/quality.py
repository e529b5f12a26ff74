"""What "error" means for a run: the curve that is drawn against time and operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.accuracy import wilson_interval
from snntoolbox.analysis.results import Results

__all__ = ["ErrorCurve", "error_curve"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """Error of the spiking network after each step, beside that of the networks it came from.

    Attributes:
        label: Axis label.
        unit: Appended to numbers.
        values: Shape (steps,).
        key: Column name in files.
        ann, parsed: Error of the ANN and of the parsed graph; None if not known or not meaningful.
        band: Lower and upper end of the 95 % interval after each step.
        top_k: Error if k classes count, after each step; None for k = 1.
        resolution: Error of a single sample; smaller differences do not exist. 0 if not counted in samples.
    """

    label: str
    unit: str
    values: FloatArray
    key: str
    ann: float | None = None
    parsed: float | None = None
    band: tuple[FloatArray, FloatArray] | None = None
    top_k: FloatArray | None = None
    resolution: float = 0.0

    def text(self, value: float) -> str:
        """Return an error as text: percentages to two decimals, others to three digits."""
        return f"{value:.2f}{self.unit}" if self.unit else f"{value:.3g}"


def error_curve(results: Results) -> ErrorCurve | None:
    """Return the curve: classification error, else error of values, else disagreement with the ANN; None if none."""
    accuracy = results.accuracy
    if accuracy.snn_over_time is not None:
        return _classification(results)
    if "snn_vs_targets" in results.mse_over_time:
        errors = results.errors
        ann = errors["ann_vs_targets"].mse if "ann_vs_targets" in errors else None
        return ErrorCurve("Mean squared error", "", results.mse_over_time["snn_vs_targets"], "mse", ann)
    if accuracy.agreement_over_time is not None:
        share = accuracy.agreement_over_time
        values, band = _percent(share, results.num_samples)
        resolution = 100 / results.num_samples
        label = "Decisions other than the ANN's (%)"
        return ErrorCurve(label, " %", values, "disagreement_percent", band=band, resolution=resolution)
    if "snn_vs_ann" in results.mse_over_time:
        label = "Mean squared deviation from the ANN"
        return ErrorCurve(label, "", results.mse_over_time["snn_vs_ann"], "mse_to_ann")
    return None


def _classification(results: Results) -> ErrorCurve:
    accuracy = results.accuracy
    values, band = _percent(accuracy.snn_over_time, results.num_samples)
    top_k = accuracy.snn_top_k_over_time if accuracy.k > 1 else None
    return ErrorCurve(
        label="Classification error (%)",
        unit=" %",
        values=values,
        key="error_percent",
        ann=None if accuracy.ann is None else 100 * (1 - accuracy.ann),
        parsed=None if accuracy.parsed is None else 100 * (1 - accuracy.parsed),
        band=band,
        top_k=None if top_k is None else 100 * (1 - top_k),
        resolution=100 / results.num_samples,
    )


def _percent(share_right: Any, num_samples: int) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    """Return error in percent and its 95 % interval, for a share of right samples."""
    share = np.asarray(share_right, np.float64)
    low, high = wilson_interval(share * num_samples, num_samples)
    return 100 * (1 - share), (100 * (1 - high), 100 * (1 - low))
