"""The emulator: runs a mapped configuration, not the network it came from, with the chip's integer arithmetic.

Timing: a spike of step t is charge at its targets in step t + 1 + delay. The host leaves each layer idle until the
first spikes of the layers before can reach it, and stops it after ``num_steps`` steps of its own, so that every layer
sees exactly ``num_steps`` steps of input and a run takes num_steps + depth steps of the chip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.compartments import FIRE, CompartmentState, overflows, step
from snntoolbox.backends.loihi.kernels import compiled_kernels, numba_installed
from snntoolbox.backends.loihi.limits import UNIT_SHIFT
from snntoolbox.backends.loihi.mapping import LayerMap
from snntoolbox.backends.loihi.mapping import Mapping as ChipMapping
from snntoolbox.backends.loihi.program import connections, unfold
from snntoolbox.errors import SimulationError

__all__ = ["Activity", "Emulator", "StepResult"]

Array = NDArray[Any]


@dataclass(eq=False)
class Activity:
    """What the chip did in a run, for energy and time.

    Attributes:
        operations: Synaptic operations of each sample, shape (batch,).
        messages: Axon messages of each sample, shape (batch,).
        spikes: Spikes of each sample, shape (batch,).
        updates: Compartment updates of each sample, shape (batch,).
        hops: Hops along x and y of each sample, shape (batch, 2).
        traffic: Messages from core to core over all samples, shape (cores, cores).
        core_operations, core_messages, core_spikes: Of each core over all samples, shape (cores,).
        wrapped, saturated: Compartment -> steps in which a register overflowed, over all samples.
        steps: Steps of the chip.
    """

    operations: Array
    messages: Array
    spikes: Array
    updates: Array
    hops: Array
    traffic: Array
    core_operations: Array
    core_messages: Array
    core_spikes: Array
    wrapped: Array
    saturated: Array
    steps: int = 0


@dataclass(frozen=True, eq=False)
class StepResult:
    """One step of the chip, valid until the next.

    Attributes:
        time: Step of the chip, from 1.
        spikes: Whether each compartment fired, shape (batch, compartments).
        voltage: Voltages, shape (batch, compartments).
        operations, messages: Of each sample and core in this step, shape (batch, cores).
        host: Readout layer -> sum of what the host has read and cleared, shape (batch, n).
    """

    time: int
    spikes: Array
    voltage: Array
    operations: Array
    messages: Array
    host: dict[str, Array] = field(default_factory=dict)


class Emulator:
    """A mapped network with its state.

    Args:
        mapping: The configuration.
        batch_size: Samples that run side by side.
        readout_interval: Steps after which the host reads and clears the voltages of readout layers.
        compiled: Use numba; where it is installed unless given.
    """

    def __init__(
        self, mapping: ChipMapping, batch_size: int, *, readout_interval: int = 32, compiled: bool | None = None
    ) -> None:
        self.mapping, self.batch_size, self.readout_interval = mapping, batch_size, readout_interval
        self.compiled = numba_installed() if compiled is None else compiled
        self.program = unfold(mapping)
        delays = np.unique(self.program.list_delay) if len(self.program.list_delay) else np.zeros(1, np.int64)
        self._slots = int(delays.max()) + 2
        self._registers = mapping.registers
        self._fires = self._registers.threshold_op == FIRE
        self._matrices: list[tuple[int, Any]] = []
        if not self.compiled:
            self._matrices = [(int(d), connections(self.program, int(d)).T.tocsr()) for d in delays]
        self.reset()

    def reset(self) -> None:
        """Return every register to its initial state."""
        state, shape = self._registers.initial_state(self.batch_size), (self.batch_size, len(self._registers))
        self._u, self._v, self._dead = state.current.copy(), state.voltage.copy(), state.dead.copy()
        self._ring = np.zeros((self._slots, *shape), np.int32)
        self._carry = np.zeros(shape, np.int32)
        self._slot = 0

    def reset_layer(self, layer: LayerMap) -> None:
        """Return one layer to its initial state, with what is on the way to it."""
        where = np.unique(np.concatenate([layer.spiking, layer.charged]))
        self._u[:, where] = self._dead[:, where] = self._carry[:, where] = 0
        self._ring[:, :, where] = 0
        self._v[:, where] = self._registers.initial_voltage[where]

    def run(
        self, bias: Callable[[int], Mapping[str, Array]], num_steps: int, activity: Activity | None = None
    ) -> Iterator[StepResult]:
        """Run the chip until every layer has made ``num_steps`` steps.

        Args:
            bias: Step of the input from 1 -> input layer -> bias, shape (batch, n), in units of the current.
            num_steps: Steps of each layer.
            activity: Counts are added to it.

        Yields:
            Each step of the chip.
        """
        registers, mapping = self._registers, self.mapping
        stop = np.zeros(len(registers), np.int64)
        for layer in mapping.layers:
            stop[layer.charged] = stop[layer.spiking] = layer.depth + num_steps
        inputs = [layer for layer in mapping.layers if layer.kind == "input"]
        readouts = [layer for layer in mapping.layers if layer.kind == "readout"]
        host = {layer.name: np.zeros((self.batch_size, len(layer.charged)), np.int64) for layer in readouts}
        biases = np.broadcast_to(registers.bias, self._u.shape).copy()
        counts = activity or self.new_activity()
        last = num_steps + max(layer.depth for layer in mapping.layers)
        for time in range(1, last + 1):
            if time <= num_steps:
                values = bias(time)
                for layer in inputs:
                    biases[:, layer.charged] = self._checked(layer, values[layer.name])
            spikes = self._update(time, stop, biases, counts)
            operations, messages = self._deliver(spikes, counts)
            self._count(counts, spikes, operations, messages, (time > registers.start) & (time <= stop))
            yield StepResult(time, spikes, self._v, operations, messages, host)
            for layer in readouts:
                if (time - layer.depth) % self.readout_interval == 0 and time <= layer.depth + num_steps:
                    host[layer.name] += self._v[:, layer.charged]
                    self._v[:, layer.charged] = 0
        self._carry += self._ring.sum(axis=0, dtype=np.int32)  # feedback of the last step
        self._ring[:] = 0

    def new_activity(self) -> Activity:
        """Return counts of zero."""
        batch, cores, size = self.batch_size, self.mapping.num_cores, len(self._registers)

        def zeros(*shape: int) -> Array:
            return np.zeros(shape, np.int64)

        return Activity(
            operations=zeros(batch), messages=zeros(batch), spikes=zeros(batch), updates=zeros(batch),
            hops=zeros(batch, 2), traffic=zeros(cores, cores), core_operations=zeros(cores),
            core_messages=zeros(cores), core_spikes=zeros(cores), wrapped=zeros(size), saturated=zeros(size),
        )  # fmt: skip

    def _checked(self, layer: LayerMap, values: Array) -> Array:
        if values.shape != (self.batch_size, len(layer.charged)):
            expected = (self.batch_size, len(layer.charged))
            raise SimulationError(f"input '{layer.name}': expected biases of shape {expected}, got {values.shape}")
        return values

    def _update(self, time: int, stop: Array, bias: Array, counts: Activity) -> Array:
        registers, spikes = self._registers, np.zeros(self._u.shape, np.bool_)
        charge = self._ring[self._slot]
        if self.compiled:
            decay_u = (registers.decay_u + registers.ds_offset).astype(np.int64)
            decay_v = (registers.decay_v + registers.dm_offset).astype(np.int64)
            compiled_kernels()[1](
                self._u, self._v, self._dead, charge, self._carry, bias, decay_u, decay_v,
                registers.threshold.astype(np.int64) << UNIT_SHIFT, registers.vmin, registers.vmax,
                registers.refractory, self._fires, registers.join, registers.start, stop, time, spikes,
                counts.wrapped, counts.saturated,
            )  # fmt: skip
        else:
            self._update_plainly(time, stop, bias, spikes, counts)
        return spikes

    def _update_plainly(self, time: int, stop: Array, bias: Array, spikes: Array, counts: Activity) -> None:
        registers, charge = self._registers, self._ring[self._slot]
        self._carry += np.where(time <= registers.start, 0, charge)
        charge[:] = 0
        # A soma follows its dendrite: both are active in the same steps.
        active = np.flatnonzero((time > registers.start) & (time <= stop))
        state = CompartmentState(self._u[:, active], self._v[:, active], self._dead[:, active])
        inputs = (registers.take(active), state, self._carry[:, active], bias[:, active])
        wrapped, saturated = overflows(*inputs)
        counts.wrapped[active] += wrapped.sum(axis=0)
        counts.saturated[active] += saturated.sum(axis=0)
        state, fired = step(*inputs)
        self._u[:, active], self._v[:, active], self._dead[:, active] = state.current, state.voltage, state.dead
        self._carry[:, active] = 0
        spikes[:, active] = fired

    def _deliver(self, spikes: Array, counts: Activity) -> tuple[Array, Array]:
        program, cores = self.program, self.mapping.num_cores
        operations = np.zeros((self.batch_size, cores), np.int64)
        messages = np.zeros_like(operations)
        if self.compiled:
            compiled_kernels()[0](
                spikes, program.compartment_core, program.route_pointer, program.route_list, program.route_base,
                program.route_core, program.route_hops, program.list_pointer, program.list_delay,
                program.synapse_index, program.synapse_charge, self._ring, self._slot, messages, operations,
                counts.hops, counts.traffic,
            )  # fmt: skip
        else:
            for delay, matrix in self._matrices:
                arriving = (matrix @ spikes.T.astype(np.int64)).T
                self._ring[(self._slot + 1 + delay) % self._slots] += arriving.astype(np.int32)
            self._count_plainly(spikes, operations, messages, counts)
        self._slot = (self._slot + 1) % self._slots
        return operations, messages

    def _count_plainly(self, spikes: Array, operations: Array, messages: Array, counts: Activity) -> None:
        program, source = self.program, self.program.route_source
        lengths = np.diff(program.list_pointer)[program.route_list]
        for sample, fired in enumerate(spikes):
            on = np.flatnonzero(fired[source])
            np.add.at(messages[sample], program.route_core[on], 1)
            np.add.at(operations[sample], program.route_core[on], lengths[on])
            counts.hops[sample] += program.route_hops[on].sum(axis=0)
            np.add.at(counts.traffic, (program.compartment_core[source[on]], program.route_core[on]), 1)

    def _count(self, counts: Activity, spikes: Array, operations: Array, messages: Array, active: Array) -> None:
        counts.steps += 1
        counts.operations += operations.sum(axis=1)
        counts.messages += messages.sum(axis=1)
        counts.spikes += spikes.sum(axis=1)
        counts.updates += int(active.sum())
        counts.core_operations += operations.sum(axis=0)
        counts.core_messages += messages.sum(axis=0)
        counts.core_spikes += np.bincount(
            self.program.compartment_core, spikes.sum(axis=0), self.mapping.num_cores
        ).astype(np.int64)
