"""The same network without cores: integers, whole layers. The mapped emulation is compared with it.

A soft reset is its stated equation, v[t] = v[t-1] + I[t] - feedback s[t-1], without dendrites.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.arithmetic import decay, wrap
from snntoolbox.backends.loihi.limits import Q_BITS, U_BITS, UNIT_SHIFT
from snntoolbox.backends.loihi.network import Network, Population

__all__ = ["simulate_directly"]

Array = NDArray[Any]


def simulate_directly(
    network: Network, bias: Callable[[int], Mapping[str, Array]], num_steps: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Run a network from its initial state for ``num_steps`` steps of each layer, without delays between layers.

    Args:
        network: The network. Delays only make up for layers that spikes skip, so they are left out as well.
        bias: Step from 1 -> input layer -> bias, shape (batch, n).
        num_steps: Number of steps.

    Returns:
        Layer -> spikes, shape (steps, batch, n), and readout -> voltage after each step (it never saturates).
    """
    layers = {population.name: _Layer(population) for population in network.populations}
    matrices = {number: p.charges().astype(np.int64) for number, p in enumerate(network.projections)}
    spikes: dict[str, list[Array]] = {name: [] for name in layers}
    voltages: dict[str, list[Array]] = {p.name: [] for p in network.populations if p.kind == "readout"}
    for time in range(1, num_steps + 1):
        given = bias(time)
        batch = len(next(iter(given.values())))
        sent: dict[str, Array] = {}
        for name, layer in layers.items():
            charge = np.zeros((batch, layer.population.size), np.int64)
            for number, projection in enumerate(network.projections):
                if projection.target == name:
                    charge += (matrices[number].T @ sent[projection.source].T).T
            sent[name] = layer.step(charge, given.get(name), time - 1 + layer.population.depth)
            spikes[name].append(sent[name].astype(np.int8))
            if name in voltages:
                voltages[name].append(layer.voltage.copy())
    return (
        {name: np.stack(rows) for name, rows in spikes.items()},
        {name: np.stack(rows) for name, rows in voltages.items()},
    )


class _Layer:
    """State of one layer."""

    def __init__(self, population: Population) -> None:
        self.population = population
        self.voltage = np.zeros((0, population.size), np.int64)
        self._current = self._dead = self._feedback = self.voltage

    def step(self, charge: Array, bias: Array | None, time: int) -> Array:
        """Return the spikes of a step as 0 and 1; ``time`` is the chip's step less 1."""
        registers = self.population.registers
        if not len(self.voltage):
            self.voltage = np.broadcast_to(registers.initial_voltage, charge.shape).astype(np.int64)
            self._current = self._dead = self._feedback = np.zeros_like(self.voltage)
        held = registers.start > time
        charge = charge - self._feedback
        u = wrap(decay(self._current, registers.decay_u + registers.ds_offset) + wrap(charge, Q_BITS), U_BITS)
        v = decay(self.voltage, registers.decay_v + registers.dm_offset)
        v = v + wrap(u + (registers.bias if bias is None else bias), U_BITS)
        if self.population.kind != "readout":  # the host clears it before it saturates
            v = np.clip(v, registers.vmin, registers.vmax)
        v = np.where(self._dead > 0, 0, v)
        fires = (v > registers.threshold.astype(np.int64) << UNIT_SHIFT) & ~held & (self.population.kind != "readout")
        if self.population.feedback is None:
            v = np.where(fires, 0, v)
        else:
            self._feedback = np.where(fires, self.population.feedback.astype(np.int64) << UNIT_SHIFT, 0)
        self._dead = np.maximum(np.where(fires, registers.refractory, self._dead) - 1, 0)
        self.voltage = np.where(held, self.voltage, v)
        self._current = np.where(held, 0, u)
        return fires.astype(np.int64)
