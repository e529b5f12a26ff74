"""One time step of compartments, as registers: the definition that the fast kernel is tested against."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.arithmetic import decay, wrap
from snntoolbox.backends.loihi.limits import (
    BIAS_EXPONENT_MAX,
    BIAS_MANTISSA_MAX,
    DECAY_MAX,
    Q_BITS,
    REFRACTORY_MAX,
    U_BITS,
    UNIT_SHIFT,
    VOLTAGE_MAX,
)
from snntoolbox.errors import GraphError

__all__ = ["FIRE", "READOUT", "SILENT", "CompartmentState", "Compartments", "overflows", "step"]

Array = NDArray[np.int32]

FIRE, SILENT, READOUT = 0, 2, 3
"""Threshold operations: spike and reset to zero; pass the voltage on (a dendrite); neither (a readout)."""

_RANGES = {
    "decay_u": (0, DECAY_MAX),
    "decay_v": (0, DECAY_MAX),
    "ds_offset": (0, 1),
    "dm_offset": (0, 1),
    "bias_mantissa": (-BIAS_MANTISSA_MAX - 1, BIAS_MANTISSA_MAX),
    "bias_exponent": (0, BIAS_EXPONENT_MAX),
    "threshold": (0, 2**17 - 1),
    "vmin": (-VOLTAGE_MAX - 1, 0),
    "vmax": (0, VOLTAGE_MAX),
    "refractory": (0, REFRACTORY_MAX),
    "threshold_op": (FIRE, READOUT),
    "join": (0, 1),
    "initial_voltage": (-VOLTAGE_MAX, VOLTAGE_MAX),
    "start": (0, 2**30),
}


@dataclass(frozen=True, eq=False)
class Compartments:
    """Registers of n compartments. Every attribute is an int32 array of shape (n,).

    Attributes:
        decay_u, decay_v: Decay of current and voltage a step, in 1/4096; 0 to 4095.
        ds_offset, dm_offset: 0 or 1, added to the decays, so that 4095 can become a full decay.
        bias_mantissa, bias_exponent: bias = mantissa << exponent.
        threshold: Mantissa; a compartment fires when its voltage exceeds (strictly) threshold << 6.
        vmin, vmax: Limits at which the voltage saturates.
        refractory: Steps from a spike to the first step in which the voltage may leave zero; 0 and 1: no dead step.
        threshold_op: `FIRE`, `SILENT` or `READOUT`.
        join: 1 if the voltage of the compartment before is added (the soma of a neuron of two compartments).
        initial_voltage: Voltage before the first step.
        start: Steps for which the host leaves the compartment idle, so that spikes of the layers before it arrive.
    """

    decay_u: Array
    decay_v: Array
    ds_offset: Array
    dm_offset: Array
    bias_mantissa: Array
    bias_exponent: Array
    threshold: Array
    vmin: Array
    vmax: Array
    refractory: Array
    threshold_op: Array
    join: Array
    initial_voltage: Array
    start: Array

    def __post_init__(self) -> None:
        """Check lengths and ranges, and make the arrays read-only.

        Raises:
            GraphError: A register is out of range, or an array has another length.
        """
        size = len(self.decay_u)
        for field in fields(self):
            value = np.array(getattr(self, field.name), np.int64)
            low, high = _RANGES[field.name]
            if value.shape != (size,) or (size and not low <= value.min() <= value.max() <= high):
                got = f"{value.min()} to {value.max()}" if value.size else "nothing"
                raise GraphError(
                    f"register {field.name}: expected {size} values from {low} to {high}, got {value.size}: {got}"
                )
            frozen = value.astype(np.int32)
            frozen.flags.writeable = False
            object.__setattr__(self, field.name, frozen)

    @classmethod
    def uniform(cls, size: int, **registers: Any) -> Compartments:
        """Return ``size`` compartments that integrate and fire without leak; ``registers`` change some of that."""
        values: dict[str, Any] = dict.fromkeys(_RANGES, 0)
        values.update(decay_u=DECAY_MAX, ds_offset=1, vmin=-VOLTAGE_MAX, vmax=VOLTAGE_MAX)
        values.update(registers)
        return cls(**{name: np.broadcast_to(value, (size,)) for name, value in values.items()})

    @classmethod
    def concatenate(cls, parts: list[Compartments]) -> Compartments:
        """Return all compartments of ``parts`` in one."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})

    def __len__(self) -> int:
        """Return the number of compartments."""
        return len(self.decay_u)

    def take(self, index: NDArray[Any]) -> Compartments:
        """Return the compartments at ``index``."""
        return Compartments(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def replace(self, **registers: Any) -> Compartments:
        """Return a copy with some registers changed."""
        return replace(self, **{name: np.broadcast_to(value, (len(self),)) for name, value in registers.items()})

    @property
    def bias(self) -> Array:
        """Bias in units of the current."""
        return self.bias_mantissa << self.bias_exponent

    def initial_state(self, batch: int) -> CompartmentState:
        """Return the state before the first step."""
        shape = (batch, len(self))
        voltage = np.broadcast_to(self.initial_voltage, shape).astype(np.int32)
        return CompartmentState(np.zeros(shape, np.int32), voltage, np.zeros(shape, np.int32))


@dataclass(frozen=True, eq=False)
class CompartmentState:
    """What changes: int32 arrays of shape (batch, n).

    Attributes:
        current: u.
        voltage: v.
        dead: Refractory steps that are left.
    """

    current: Array
    voltage: Array
    dead: Array


def step(
    registers: Compartments, state: CompartmentState, charge: NDArray[Any], bias: NDArray[Any] | None = None
) -> tuple[CompartmentState, NDArray[np.bool_]]:
    """Advance by one time step.

    In this order, with D the `decay` and wrapB the `wrap` to B magnitude bits::

        q = wrap21(charge);  u = wrap23(D(u, decay_u + ds_offset) + q)
        v = clip(D(v, decay_v + dm_offset) + wrap23(u + bias), vmin, vmax)     a soma adds its dendrite's new v
        v = 0 while refractory;  spike = v > threshold << 6;  v = 0 where it spikes
        dead = max((refractory if spike else dead) - 1, 0)

    Args:
        registers: The compartments.
        state: State after the step before; not changed.
        charge: Sum of the stored weights of the spikes that arrive, shape (batch, n).
        bias: Bias of each sample, shape (batch, n); the registers' unless given.

    Returns:
        The new state, and the spikes, shape (batch, n).
    """
    u, v = _integrate(registers, state, charge, bias)
    v = np.clip(v, registers.vmin, registers.vmax)
    joined = np.flatnonzero(registers.join)
    v[:, joined] = np.clip(v[:, joined] + v[:, joined - 1], registers.vmin[joined], registers.vmax[joined])
    v = np.where(state.dead > 0, 0, v)
    spikes = (v > (registers.threshold.astype(np.int64) << UNIT_SHIFT)) & (registers.threshold_op == FIRE)
    dead = np.maximum(np.where(spikes, registers.refractory, state.dead) - 1, 0)
    v = np.where(spikes, 0, v)
    return CompartmentState(u.astype(np.int32), v.astype(np.int32), dead.astype(np.int32)), spikes


def overflows(
    registers: Compartments, state: CompartmentState, charge: NDArray[Any], bias: NDArray[Any] | None = None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return where in a `step` the accumulator or current wraps and where the voltage saturates, shape (batch, n)."""
    charge = np.asarray(charge, np.int64)
    total = decay(state.current, registers.decay_u + registers.ds_offset) + wrap(charge, Q_BITS)
    _, v = _integrate(registers, state, charge, bias)
    wrapped = (charge != wrap(charge, Q_BITS)) | (total != wrap(total, U_BITS))
    return wrapped, (v < registers.vmin) | (v > registers.vmax)


def _integrate(
    registers: Compartments, state: CompartmentState, charge: NDArray[Any], bias: NDArray[Any] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the new current, and the voltage before it is limited, joined or reset."""
    bias = registers.bias if bias is None else bias
    u = wrap(decay(state.current, registers.decay_u + registers.ds_offset) + wrap(charge, Q_BITS), U_BITS)
    return u, decay(state.voltage, registers.decay_v + registers.dm_offset) + wrap(u + bias, U_BITS)
