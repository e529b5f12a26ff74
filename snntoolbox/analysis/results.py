"""What a run found out: frozen numbers, and their form as strict JSON. docs/results_format.md explains every key."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.activation_values import ActivationCoding
from snntoolbox.analysis.correlation import Comparison, SpikeStatistics
from snntoolbox.analysis.early_exit import Exits
from snntoolbox.analysis.energy import Energy
from snntoolbox.analysis.propagation import Propagation
from snntoolbox.analysis.regression import ErrorSummary

__all__ = ["Accuracy", "Latency", "LayerResults", "Operations", "Results", "RunInfo"]

FloatArray = NDArray[np.float64]
FORMAT, VERSION = "snntoolbox-results", 1


@dataclass(frozen=True, eq=False)
class Accuracy:
    """Shares of samples classified right, 0 to 1; None where there are no labels, or the stage did not run.

    Attributes:
        ann, parsed, snn: Of the source network, the parsed graph, and the spiking network after the last step.
        snn_over_time: Of the spiking network after each step, shape (steps,).
        k: How many classes count for the top-k figures.
        ann_top_k, parsed_top_k, snn_top_k, snn_top_k_over_time: Label among the k highest outputs.
        class_average: "ann", "parsed", "snn" -> mean over the classes that occur, each weighing the same.
        per_class: "ann", "parsed", "snn" -> accuracy of each class, NaN for one without samples.
        confusion: "ann", "parsed", "snn" -> counts, row = label, column = prediction; the last column is undecided.
        snn_interval_95: Wilson interval of ``snn``: what as many other samples could as well have given.
        agreement: Share of samples for which spiking network and ANN (else the parsed graph) decide for the same class.
        agreement_over_time: The same after each step, shape (steps,).
        undecided: Share of samples for which no output of the spiking network stands out.
    """

    ann: float | None = None
    parsed: float | None = None
    snn: float | None = None
    snn_over_time: FloatArray | None = None
    k: int = 1
    ann_top_k: float | None = None
    parsed_top_k: float | None = None
    snn_top_k: float | None = None
    snn_top_k_over_time: FloatArray | None = None
    class_average: Mapping[str, float] = field(default_factory=dict)
    per_class: Mapping[str, FloatArray] = field(default_factory=dict)
    confusion: Mapping[str, NDArray[np.int64]] = field(default_factory=dict, metadata={"json": False})
    snn_interval_95: tuple[float, float] | None = None
    agreement: float | None = None
    agreement_over_time: FloatArray | None = None
    undecided: float | None = None


@dataclass(frozen=True, eq=False)
class Operations:
    """Operations for one sample.

    Attributes:
        ann: Multiplications and additions of one forward pass (Rueckauer 2020, eq. 2.21); None without a graph.
        snn: Synaptic operations, the additions that spikes cause, up to the last step (eq. 2.22); mean over samples.
        snn_over_time: The same up to each step, shape (steps,).
        snn_input_macs: Multiply-accumulate operations, once, that turn a constant input into currents.
        snn_total: ``snn``, 2 for each of ``snn_input_macs``, and 1 for each element of a constant input that is scaled.
        ratio: ``snn_total`` / ``ann``.
        neuron_updates: Neurons x steps: states that a simulator with a clock updates, counted apart.
        threshold_updates: Synapses told that a threshold changes, counted apart; 0 for codes without announcements.
        per_layer: Layer or input -> its share of ``snn``.
        upper_bound: Whether ``snn`` includes spikes that a max-pool discards.
        proportional: Whether ``snn_over_time`` is partly in proportion to the spikes in front of a max-pool.
        ann_counts, snn_counts: Kind of operation -> how many, for energies (`snntoolbox.analysis.operation_kinds`).
    """

    ann: int | None = None
    snn: float | None = None
    snn_over_time: FloatArray | None = None
    snn_input_macs: int | None = None
    snn_total: float | None = None
    ratio: float | None = None
    neuron_updates: int | None = None
    threshold_updates: float | None = None
    per_layer: Mapping[str, float] = field(default_factory=dict)
    upper_bound: bool = False
    proportional: bool = False
    ann_counts: Mapping[str, float] = field(default_factory=dict)
    snn_counts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LayerResults:
    """One layer of neurons.

    Attributes:
        kind: Op whose result the neurons rectify, such as ``Conv``.
        shape: Shape of the layer.
        neurons: Number of neurons.
        fan_out: Mean number of synaptic operations that a spike causes.
        spikes: How much the layer fires; None if it never fires by design (an accumulating output).
        comparison: Rates against activations; None where no activations were given.
    """

    kind: str
    shape: tuple[int, ...]
    neurons: int
    fan_out: float
    spikes: SpikeStatistics | None = None
    comparison: Comparison | None = field(default=None, metadata={"json": False})


@dataclass(frozen=True)
class Latency:
    """Steps, counted from 1, from which on the spiking network stays within a distance; None if it does not.

    Attributes:
        tolerance: The distance in accuracy.
        to_ann: From the accuracy of the ANN (else of the parsed graph).
        to_final: From its own accuracy after the last step.
    """

    tolerance: float = 0.01
    to_ann: int | None = None
    to_final: int | None = None


@dataclass(frozen=True)
class RunInfo:
    """What is said about a run rather than measured by the analysis.

    Attributes:
        label: Name of the run.
        model: Name of the network.
        backend: Simulator.
        spike_code: What spikes mean.
        seed: Seed of all random numbers.
        created: Date and time, ISO 8601.
        versions: Library -> version.
        timing: Stage -> seconds.
        deviation: Stage that preserves the function -> largest relative deviation of its outputs.
        warnings: What the user should know, a sentence each.
    """

    label: str = ""
    model: str = ""
    backend: str = ""
    spike_code: str = ""
    seed: int = 0
    created: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    deviation: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Results:
    """All numbers of a run.

    Attributes:
        run: What the run was.
        num_samples: Number of samples.
        num_steps: Number of steps simulated; 0 without a simulation.
        dt_ms: Length of a step.
        accuracy, operations, latency: See there.
        errors: "snn_vs_ann", "snn_vs_targets", "ann_vs_targets" -> distance of the output values.
        metric: "ann", "snn" -> name -> number, of the measure that the user gave.
        mse_over_time: "snn_vs_ann", "snn_vs_targets" -> mean squared error after each step, shape (steps,).
        layers: Layer of neurons -> what it did, in the order of the network.
        energy: Cost profile -> what a sample costs by it.
        coding: How codes fit the distribution of the activations; None if that was not asked for.
        first_deviating_layer: First layer whose rates have left its activations; None if all follow.
        exits: When samples are decided; None without early exit.
        propagation: What rates lack of their activations, and how that grows; None where activations are not known.
    """

    run: RunInfo
    num_samples: int
    num_steps: int
    dt_ms: float
    accuracy: Accuracy = field(default_factory=Accuracy)
    operations: Operations = field(default_factory=Operations)
    latency: Latency | None = None
    errors: Mapping[str, ErrorSummary] = field(default_factory=dict)
    metric: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    mse_over_time: Mapping[str, FloatArray] = field(default_factory=dict)
    layers: Mapping[str, LayerResults] = field(default_factory=dict)
    energy: Mapping[str, Energy] = field(default_factory=dict)
    coding: ActivationCoding | None = None
    first_deviating_layer: str | None = None
    exits: Exits | None = None
    propagation: Propagation | None = None

    @property
    def spikes_per_sample(self) -> float | None:
        """Mean number of spikes of the whole network for one sample; None without a simulation."""
        spikes = [layer.spikes.spikes_per_sample for layer in self.layers.values() if layer.spikes is not None]
        return sum(spikes) if spikes else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the points and matrices of figures as plain values; not-a-number becomes None."""
        run: dict[str, Any] = _plain(self.run)
        spikes = {name: layer.spikes for name, layer in self.layers.items() if layer.spikes is not None}
        compared = {name: layer.comparison for name, layer in self.layers.items() if layer.comparison is not None}
        content = {
            "format": FORMAT,
            "format_version": VERSION,
            **{key: run.pop(key) for key in ("backend", "spike_code", "seed")},
            "num_samples": self.num_samples,
            "num_steps": self.num_steps,
            "dt_ms": self.dt_ms,
            "accuracy": self.accuracy,
            "operations": self.operations,
            "energy": self.energy,
            "coding": self.coding,
            "latency": self.latency,
            "errors": self.errors,
            "metric": self.metric,
            "mse_over_time": self.mse_over_time,
            "spikes_per_sample": self.spikes_per_sample,
            "spikes_per_layer": {name: layer.spikes_per_sample for name, layer in spikes.items()},
            "rates": {name: layer.mean_rate for name, layer in spikes.items()},
            "correlation": {name: layer.correlation for name, layer in compared.items()},
            "first_deviating_layer": self.first_deviating_layer,
            "exits": self.exits,
            "propagation": self.propagation,
            "layers": {name: _layer(layer) for name, layer in self.layers.items()},
            **{key: run.pop(key) for key in ("timing", "deviation", "warnings")},
            "run": run,
        }
        return dict(_plain(content))

    def to_json(self) -> str:
        """Return `to_dict` as JSON text that every parser takes (no NaN, no Infinity)."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"


def _layer(layer: LayerResults) -> dict[str, Any]:
    values: dict[str, Any] = _plain(layer) | {"comparison": None}
    if layer.comparison is not None:
        keys = ("correlation", "r_squared", "mean_abs_error", "max_abs_error", "rms_error", "mean_activation")
        values["comparison"] = {key: getattr(layer.comparison, key) for key in keys}
    return values


def _plain(value: Any) -> Any:
    """Return a value as dictionaries, lists, numbers and text."""
    if is_dataclass(value):
        kept = (f.name for f in fields(value) if f.metadata.get("json", True))
        return {name: _plain(getattr(value, name)) for name in kept}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
