"""Layers -> the chip's integers: mantissas and exponents of weights, biases and thresholds.

With s the number of integer steps in a threshold, a weight w (in thresholds) becomes round(s w), a bias round(s b), and
the threshold s itself, so that nothing but rounding is lost. s is as large as the weight bits, the accumulators and the
feedback of the soft reset allow (Rueckauer 2020, section 3.2.3.7, integer conversion).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.arithmetic import mantissa_and_exponent
from snntoolbox.backends.loihi.compartments import FIRE, READOUT, Compartments
from snntoolbox.backends.loihi.float_layers import FloatLayer
from snntoolbox.backends.loihi.limits import (
    BIAS_MANTISSA_MAX,
    DECAY_MAX,
    Q_BITS,
    THRESHOLD_MANTISSA_MAX,
    UNIT_SHIFT,
    WEIGHT_MAX,
)
from snntoolbox.backends.loihi.network import Network, Population, Projection
from snntoolbox.backends.loihi.settings import LoihiSettings

__all__ = ["LayerReport", "discretize_layer", "discretize_layers"]

Array = NDArray[Any]
_Q_LIMIT = (1 << Q_BITS >> UNIT_SHIFT) - 1
_FEEDBACK_MAX = WEIGHT_MAX << 7
_TYPICAL_SHARE = 0.25  # of the spikes that could arrive together in a step, what is made room for behind hidden layers


@dataclass(frozen=True)
class LayerReport:
    """What rounding did to a layer.

    Attributes:
        name: The layer.
        thresholds: Smallest and largest integer threshold of its neurons.
        weight_error: Root mean square of the rounding errors over that of the weights.
        clipped: Share of the weights that were larger than the largest integer.
        zeroed: Share of the non-zero weights that became zero.
        largest_charge: Largest charge of a step if all sources spiked together, over what the accumulator can hold.
        bias_clipped: Share of the biases that did not fit.
    """

    name: str
    thresholds: tuple[int, int]
    weight_error: float
    clipped: float
    zeroed: float
    largest_charge: float
    bias_clipped: float


def discretize_layers(layers: Sequence[FloatLayer], settings: LoihiSettings) -> tuple[Network, tuple[LayerReport, ...]]:
    """Round all layers.

    Args:
        layers: From `float_layers`, in order.
        settings: Bits, signs, exponents.

    Returns:
        The network, and a report for each layer with weights.
    """
    depths = {layer.name: layer.depth for layer in layers}
    populations, projections, reports = [], [], []
    for layer in layers:
        population, into, report = discretize_layer(layer, settings, depths)
        populations.append(population)
        projections += into
        if layer.weights:
            reports.append(report)
    return Network(tuple(populations), tuple(projections)), tuple(reports)


def discretize_layer(
    layer: FloatLayer, settings: LoihiSettings, depths: dict[str, int] | None = None
) -> tuple[Population, list[Projection], LayerReport]:
    """Round one layer; ``depths`` gives the depth of its sources, from which delays follow."""
    depths = depths or {}
    bits, mixed = settings.connection_kwargs.numWeightBits or 8, not settings.shared_sign
    exponent = settings.connection_kwargs.weightExponent or 0
    scale = _scale(layer, settings, 2.0**exponent)
    quantum = 1 << (8 - bits + mixed)
    largest = ((254 if mixed else WEIGHT_MAX) // quantum) * quantum
    projections, errors = [], _Errors()
    for source, matrix in layer.weights.items():
        exact = matrix.data * scale[matrix.indices] / 2.0**exponent
        rounded = np.rint(exact / quantum) * quantum
        mantissa = np.clip(rounded, -largest, largest)
        errors.add(exact, mantissa, rounded)
        weights = matrix.astype(np.int16)
        weights.data = mantissa.astype(np.int16)
        weights.eliminate_zeros()
        delay = max(layer.depth - depths.get(source, layer.depth - 1) - 1, 0)
        projections.append(
            Projection(source, layer.name, weights, exponent, bits, mixed, delay, settings.synapse_encoding)
        )
    registers, clipped = _registers(layer, scale, settings)
    soft = layer.reset == "soft" and layer.kind != "readout"
    population = Population(
        layer.name, layer.shape, registers, layer.kind,
        feedback=scale.astype(np.int32) if soft else None,
        message=layer.message, volt=layer.threshold / (scale * 2.0**UNIT_SHIFT), depth=layer.depth,
    )  # fmt: skip
    report = LayerReport(
        layer.name, (int(scale.min()), int(scale.max())), errors.relative, errors.clipped, errors.zeroed,
        float(_worst_charge(layer, scale) / _Q_LIMIT), clipped,
    )  # fmt: skip
    return population, projections, report


def _scale(layer: FloatLayer, settings: LoihiSettings, unit: float) -> Array:
    """Return s for each neuron: whole, the same for a channel, and a possible feedback if the reset is soft."""
    if layer.kind == "input":
        wanted = min(settings.compartment_kwargs.vThMant or WEIGHT_MAX, _FEEDBACK_MAX)
        mantissa, shift = mantissa_and_exponent(wanted)
        return np.full(layer.size, mantissa << shift if layer.reset == "soft" else wanted, np.int64)
    channels = layer.shape[-1]
    weight, charge = np.zeros(channels), np.zeros(channels)
    for matrix in layer.weights.values():
        channel = matrix.indices % channels
        if settings.weight_percentile < 100 and matrix.nnz:
            high = np.percentile(np.abs(matrix.data), settings.weight_percentile)
            np.maximum.at(weight, channel, np.minimum(np.abs(matrix.data), high))
        else:
            np.maximum.at(weight, channel, np.abs(matrix.data))
    np.maximum.at(charge, np.arange(layer.size) % channels, _worst_charge(layer, np.ones(layer.size), each=True))
    soft = layer.reset == "soft" and layer.kind != "readout"
    share = 1.0 if layer.depth <= 1 else _TYPICAL_SHARE  # equal inputs spike in the same steps
    with np.errstate(divide="ignore"):
        # What a soft reset takes away, one threshold, goes through the same accumulator as the charge.
        room = np.minimum(WEIGHT_MAX * unit / weight, _Q_LIMIT / (charge * share + soft))
    room = np.minimum(room, _FEEDBACK_MAX if layer.reset == "soft" else THRESHOLD_MANTISSA_MAX)
    with np.errstate(divide="ignore", invalid="ignore"):
        bias = np.zeros(channels)
        np.maximum.at(bias, np.arange(layer.size) % channels, np.abs(layer.bias))
        room = np.minimum(room, (BIAS_MANTISSA_MAX << 1) / bias)  # exponent 7 is one more than the unit
    whole = _whole(room, soft=layer.reset == "soft", classes=settings.channel_thresholds)
    return np.asarray(whole[np.arange(layer.size) % channels])


def _whole(room: Array, *, soft: bool, classes: bool) -> Array:
    """Return whole numbers <= ``room``: one for all channels, times a power of two for each if ``classes``."""
    smallest = max(float(room.min()), 1.0)
    exponent = max(int(np.ceil(np.log2(smallest / (WEIGHT_MAX + 1)))), 0) if soft else 0
    base = max(int(smallest / 2**exponent), 1)
    base = min(base, WEIGHT_MAX) if soft else base
    if not classes:
        return np.full(len(room), base << exponent, np.int64)
    shift = np.floor(np.log2(np.maximum(room / (base << exponent), 1.0))).astype(np.int64)
    largest = 7 - exponent if soft else 7
    return np.asarray((np.int64(base) << exponent) << np.minimum(shift, largest))


def _worst_charge(layer: FloatLayer, scale: Array, *, each: bool = False) -> Any:
    """Return the largest charge, of either sign, if all sources spiked in one step; of each neuron or over all."""
    total = np.zeros((2, layer.size))
    for matrix in layer.weights.values():
        total[0] += np.bincount(matrix.indices, np.maximum(matrix.data, 0), layer.size)
        total[1] += np.bincount(matrix.indices, np.maximum(-matrix.data, 0), layer.size)
    worst = total.max(axis=0) * scale
    return worst if each else worst.max(initial=0)


def _registers(layer: FloatLayer, scale: Array, settings: LoihiSettings) -> tuple[Compartments, float]:
    """Return the registers of a layer, and the share of the biases that were too large."""
    bias = layer.bias * scale * 2.0**UNIT_SHIFT
    exponent = settings.compartment_kwargs.biasExp
    if exponent is None:
        exponent = UNIT_SHIFT + bool(np.abs(bias).max(initial=0) > (BIAS_MANTISSA_MAX << UNIT_SHIFT))
    largest = (1 << (settings.connection_kwargs.numBiasBits or 12)) - 1
    mantissa = np.rint(bias / 2**exponent)
    return Compartments.uniform(
        layer.size,
        bias_mantissa=np.clip(mantissa, -largest, largest).astype(np.int64),
        bias_exponent=exponent,
        decay_v=min(round((1 - layer.leak) * (DECAY_MAX + 1)), DECAY_MAX),
        # The chip fires above the threshold, the definition at it; charges are whole, so one less is the same.
        threshold=scale - 1,
        refractory=layer.refractory + 1 if layer.refractory else 0,
        threshold_op=READOUT if layer.kind == "readout" else FIRE,
        initial_voltage=np.rint(layer.initial * scale).astype(np.int64) << UNIT_SHIFT,
        start=layer.depth + layer.clamp,
    ), float(np.mean(np.abs(mantissa) > largest))


class _Errors:
    """Collects what rounding does to the weights of a layer."""

    def __init__(self) -> None:
        self._error = self._power = 0.0
        self._clipped = self._zeroed = self._count = 0

    def add(self, exact: Array, mantissa: Array, rounded: Array) -> None:
        self._error += float(np.sum((mantissa - exact) ** 2))
        self._power += float(np.sum(exact**2))
        self._clipped += int(np.sum(mantissa != rounded))
        self._zeroed += int(np.sum((mantissa == 0) & (exact != 0)))
        self._count += len(exact)

    @property
    def relative(self) -> float:
        return float(np.sqrt(self._error / self._power)) if self._power else 0.0

    @property
    def clipped(self) -> float:
        return self._clipped / max(self._count, 1)

    @property
    def zeroed(self) -> float:
        return self._zeroed / max(self._count, 1)
