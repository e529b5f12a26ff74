"""What a report is made of, beyond the results: one sample in detail, activations around normalisation, a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.layers import layer_kind
from snntoolbox.analysis.results import Results
from snntoolbox.backends.record import Record
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking

__all__ = ["LayerScale", "Material", "SampleView", "Sweep", "layer_labels", "spiking_layers", "thresholds"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SampleView:
    """One sample in detail.

    Attributes:
        record: The sample simulated alone (batch of 1), with spike trains and, for ``v_mem``, potentials probed.
        x: The sample as it enters the network, shape of the input.
        index: Its index in the data set.
        label: Name of its class; empty if not known.
        activations: Layer of neurons -> normalised activations, of the layer's shape.
        rates: Layer of neurons -> mean message over the steps in which the layer is not clamped, of the layer's shape.
        thresholds: Layer of neurons -> threshold of the potential.
    """

    record: Record
    x: Array
    index: int = 0
    label: str = ""
    activations: Mapping[str, Array] = field(default_factory=dict)
    rates: Mapping[str, Array] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LayerScale:
    """Activations of a layer before and after normalisation.

    Attributes:
        before, after: Some activations, flat arrays.
        scale: The activation that became 1; an array for one a channel.
    """

    before: Array
    after: Array
    scale: float | Array


@dataclass(frozen=True, eq=False)
class Sweep:
    """Runs that differ in one option, in the spike code, or in both.

    Attributes:
        parameter: Name of the option.
        values: Its values, one for each run; None where the option means nothing to the code.
        results: Results at each.
        logscale: Whether the axis of values is logarithmic.
        codes: Spike code of each run; empty if all have the same.
    """

    parameter: str
    values: tuple[float | None, ...]
    results: tuple[Results, ...]
    logscale: bool = False
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Material:
    """All that a report shows.

    Attributes:
        results: Numbers of the run.
        sample: One sample in detail.
        normalization: Layer -> activations around normalisation.
        sweep: Runs over the values of an option.
        class_names: Name of each class; numbers if there are none.
        config: The effective configuration as text.
        simple_labels: Whether layers go by number and kind instead of by their own names.
        details: What only the simulator knows of the run (`Simulation.details`).
        labels_of_samples: Class of each sample, shape (samples,); None where there are no labels.
    """

    results: Results
    sample: SampleView | None = None
    normalization: Mapping[str, LayerScale] = field(default_factory=dict)
    sweep: Sweep | None = None
    class_names: Sequence[str] = ()
    config: str = ""
    simple_labels: bool = True
    details: Any = None
    labels_of_samples: Array | None = None

    def label(self, layer: str) -> str:
        """Return what a layer of neurons is called in figures and tables."""
        return self.labels.get(layer, layer)

    @property
    def labels(self) -> dict[str, str]:
        """Layer of neurons -> what it is called."""
        kinds = {name: layer.kind for name, layer in self.results.layers.items()}
        return layer_labels(kinds) if self.simple_labels else {name: name for name in kinds}

    def class_name(self, number: int) -> str:
        """Return what a class is called."""
        return str(self.class_names[number]) if number < len(self.class_names) else str(number)


def layer_labels(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return short names, ``1 Conv``, ``2 Dense``: position and kind, for layers with their kinds in order."""
    return {name: f"{number} {kind}" for number, (name, kind) in enumerate(kinds.items(), start=1)}


def spiking_layers(graph: Graph) -> dict[str, str]:
    """Return the layers of neurons that fire, with the kind of op that each belongs to: what a raster can show."""
    ops = ((name, graph[name].op) for name in graph.neurons)
    return {name: layer_kind(graph, name) for name, op in ops if isinstance(op, Spiking) and op.model.spiking}


def thresholds(graph: Graph) -> dict[str, float]:
    """Return the threshold of each layer of neurons that has one; the mean where neurons differ."""
    found = {}
    for name in graph.neurons:
        op = graph[name].op
        threshold = getattr(op.model, "threshold", None) if isinstance(op, Spiking) else None
        if threshold is not None:
            found[name] = float(np.mean(threshold))
    return found
