"""Thresholds from the inputs that samples cause in an integer copy of the network (Rueckauer 2020, section 3.2.3.7).

The copy has the rounded weights of the chip and mimics a neuron by min(max(charge / threshold, 0), 1). Layer by layer,
the threshold is set to a high percentile of the charges above zero, so that the rates use the whole range. The largest
charges of all (99.999 % in the thesis) would make the rates of deep networks so low that twice the steps are needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.discretize import discretize_layer
from snntoolbox.backends.loihi.float_layers import NEGATIVE, FloatLayer
from snntoolbox.backends.loihi.limits import UNIT_SHIFT
from snntoolbox.backends.loihi.settings import LoihiSettings

__all__ = ["input_rates", "mean_rates", "normalize_layers", "rounded"]

Array = NDArray[Any]


def input_rates(layers: Sequence[FloatLayer], samples: Mapping[str, Array]) -> dict[str, Array]:
    """Return the rates of the input layers in spikes a step, shape (batch, n)."""
    rates = {}
    for layer in layers:
        if layer.kind == "input":
            values = np.asarray(samples[layer.name.removesuffix(NEGATIVE)], np.float64)
            rates[layer.name] = np.clip(values.reshape(len(values), -1) / layer.message, 0, 1)
    return rates


def rounded(layer: FloatLayer, settings: LoihiSettings) -> FloatLayer:
    """Return the layer with the weights and biases that the chip will hold, in thresholds again."""
    population, projections, _ = discretize_layer(layer, settings)
    threshold = (population.registers.threshold.astype(np.float64) + 1) * 2.0**UNIT_SHIFT
    weights = {}
    for projection in projections:
        charges = projection.charges().astype(np.float64)
        charges.data /= threshold[charges.indices]
        weights[projection.source] = charges
    return replace(layer, weights=weights, bias=population.registers.bias / threshold)


def mean_rates(layers: Sequence[FloatLayer], samples: Mapping[str, Array]) -> dict[str, Array]:
    """Return what each layer does on average: rates in spikes a step, and the mean charge of a readout, (batch, n)."""
    rates = input_rates(layers, samples)
    for layer in layers:
        if layer.kind != "input":
            charge = layer.charge(rates)
            rates[layer.name] = charge if layer.kind == "readout" else np.clip(charge, 0, 1)
    return rates


def normalize_layers(
    layers: Sequence[FloatLayer], samples: Mapping[str, Array], settings: LoihiSettings
) -> list[FloatLayer]:
    """Return the layers with thresholds set by ``samples`` (input -> values, shape (batch, *shape)).

    A layer that nothing excites keeps its threshold.
    """
    done: list[FloatLayer] = []
    gains: dict[str, float] = {}
    rates = input_rates(layers, samples)
    for layer in layers:
        if layer.kind == "input":
            done.append(layer)
            continue
        for source, gain in gains.items():
            layer = layer.with_source_gain(source, gain)
        if layer.kind == "neurons":
            charge = rounded(layer, settings).charge(rates)
            above = charge[charge > 0]
            largest = float(np.percentile(above, settings.threshold_percentile)) if len(above) else 1.0
            if settings.saturation:
                largest = min(largest, settings.saturation / float(layer.threshold.max()))
            gains[layer.name] = largest * settings.desired_threshold_to_input_ratio
            layer = layer.with_gain(gains[layer.name])
            rates[layer.name] = np.clip(rounded(layer, settings).charge(rates), 0, 1)
        done.append(layer)
    return done
