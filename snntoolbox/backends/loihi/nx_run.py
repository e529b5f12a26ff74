"""Running a mapping that is at hand, or was loaded from a file, without a graph: biases in, spikes and voltages out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.emulator import Activity, Emulator
from snntoolbox.backends.loihi.energy import EnergyReport, StepClock, energy_report, load_profile
from snntoolbox.backends.loihi.limits import UNIT_SHIFT
from snntoolbox.backends.loihi.mapping import LayerMap, Mapping
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.errors import SimulationError
from snntoolbox.registry import suggest

__all__ = ["NxRun", "run_mapping"]

Array = NDArray[Any]


@dataclass(eq=False)
class NxRun:
    """Result of a run.

    Attributes:
        activity: What the chip did.
        energy: Energy and time of a sample, in the profile of the settings.
        spikes: Layer -> spike counts, shape (batch, *shape).
        spike_trains: Layer -> spikes of each step, shape (steps, batch, *shape); of probed layers.
        voltages: Readout layer -> voltage after the last step, shape (batch, *shape), never saturated.
    """

    activity: Activity
    energy: EnergyReport
    spikes: dict[str, Array] = field(default_factory=dict)
    spike_trains: dict[str, Array] = field(default_factory=dict)
    voltages: dict[str, Array] = field(default_factory=dict)


def run_mapping(
    mapping: Mapping, bias: Any, num_steps: int, probes: tuple[str, ...] = (), settings: LoihiSettings | None = None
) -> NxRun:
    """Run a mapped network with one input from its initial state.

    Args:
        mapping: From `NxModel.map` or `load_mapping`.
        bias: Bias mantissas of the input neurons (scaled by 64): shape (batch, *shape) for constant input, or
            (steps, batch, *shape).
        num_steps: Steps of each layer.
        probes: Layers whose spike trains are kept.
        settings: `readout_interval` and `energy_profile` are used.

    Raises:
        SimulationError: The biases do not fit, a probe is no layer, or the network has several inputs.
    """
    settings = settings or LoihiSettings()
    given = _input(mapping)
    values = _checked(given, np.asarray(bias), num_steps)
    _check_probes(mapping, probes)
    batch = values.shape[1]
    emulator = Emulator(mapping, batch, readout_interval=settings.readout_interval)
    profile = load_profile(settings.energy_profile)
    clock, activity = StepClock(mapping, batch, profile), emulator.new_activity()
    counts = {layer.name: np.zeros((batch, len(layer.spiking)), np.int64) for layer in mapping.layers}
    trains: dict[str, list[Array]] = {probe: [] for probe in probes}
    voltages: dict[str, Array] = {}

    def at(step: int) -> dict[str, Array]:
        now = values[min(step, len(values)) - 1]
        return {given.name: (now.reshape(batch, -1).astype(np.int64) << UNIT_SHIFT).astype(np.int32)}

    for step in emulator.run(at, num_steps, activity):
        clock.add(step)
        for layer in mapping.layers:
            if layer.depth < step.time <= layer.depth + num_steps:
                spikes = step.spikes[:, layer.spiking]
                counts[layer.name] += spikes
                if layer.name in trains:
                    trains[layer.name].append(spikes.reshape(batch, *layer.shape).astype(np.int8))
                if layer.kind == "readout":
                    voltage = step.host[layer.name] + step.voltage[:, layer.charged]
                    voltages[layer.name] = voltage.reshape(batch, *layer.shape)
    return NxRun(
        activity,
        energy_report(mapping, activity, clock, profile),
        {layer.name: counts[layer.name].reshape(batch, *layer.shape) for layer in mapping.layers},
        {probe: np.stack(rows) for probe, rows in trains.items()},
        voltages,
    )


def _input(mapping: Mapping) -> LayerMap:
    inputs = [layer for layer in mapping.layers if layer.kind == "input"]
    if len(inputs) != 1:
        raise SimulationError(f"expected a network with one input, it has {len(inputs)}; run it with `Emulator`")
    return inputs[0]


def _checked(layer: LayerMap, values: Array, num_steps: int) -> Array:
    """Return biases of shape (steps, batch, *shape), one step for constant ones."""
    shape = layer.shape
    constant = values.ndim == len(shape) + 1
    fits = constant or values.ndim == len(shape) + 2
    if not fits or values.shape[-len(shape) :] != shape or (not constant and len(values) < num_steps):
        wanted = ", ".join(map(str, shape))
        raise SimulationError(
            f"input '{layer.name}': expected biases of shape (batch, {wanted}), or (steps, batch, {wanted}) with at "
            f"least {num_steps} steps, got {values.shape}"
        )
    return values[None] if constant else values


def _check_probes(mapping: Mapping, probes: tuple[str, ...]) -> None:
    names = [layer.name for layer in mapping.layers]
    for probe in probes:
        if probe not in names:
            raise SimulationError(f"probe '{probe}': there is no such layer.{suggest(probe, names)}")
