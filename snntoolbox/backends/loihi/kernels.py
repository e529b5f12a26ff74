"""The two loops of the emulator, compiled with numba where it is installed: spikes through synapses, and compartments.

numba pays: a spike touches only its own synapses, which NumPy can only do for all neurons at once (see
benchmarks/loihi.py). Without it the emulator uses a sparse matrix and the step of `compartments`; results are equal.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

__all__ = ["compiled_kernels", "numba_installed"]


def numba_installed() -> bool:
    """Return whether numba can be imported."""
    return find_spec("numba") is not None


@cache
def compiled_kernels() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the compiled `_deliver` and `_step`."""
    import numba

    jit = numba.njit(cache=False, nogil=True)
    return jit(_deliver), jit(_step)


def _deliver(
    spikes: Any, compartment_core: Any, route_pointer: Any, route_list: Any, route_base: Any, route_core: Any,
    route_hops: Any, list_pointer: Any, list_delay: Any, synapse_index: Any, synapse_charge: Any, ring: Any, slot: Any,
    messages: Any, operations: Any, hops: Any, traffic: Any,
) -> None:  # fmt: skip
    """Add the charge of every spike to the accumulators of its targets; count messages and operations of each core."""
    slots = ring.shape[0]
    for sample in range(spikes.shape[0]):
        for compartment in range(spikes.shape[1]):
            if not spikes[sample, compartment]:
                continue
            for route in range(route_pointer[compartment], route_pointer[compartment + 1]):
                one, base = route_list[route], route_base[route]
                begin, end = list_pointer[one], list_pointer[one + 1]
                to = (slot + 1 + list_delay[one]) % slots
                for k in range(begin, end):
                    ring[to, sample, base + synapse_index[k]] += synapse_charge[k]
                messages[sample, route_core[route]] += 1
                operations[sample, route_core[route]] += end - begin
                hops[sample, 0] += route_hops[route, 0]
                hops[sample, 1] += route_hops[route, 1]
                traffic[compartment_core[compartment], route_core[route]] += 1


def _step(
    u: Any, v: Any, dead: Any, charge: Any, carry: Any, bias: Any, decay_u: Any, decay_v: Any, threshold: Any,
    vmin: Any, vmax: Any, refractory: Any, fires: Any, join: Any, start: Any, stop: Any, time: Any, spikes: Any,
    wrapped: Any, saturated: Any,
) -> None:  # fmt: skip
    """One step of all compartments; see `compartments.step` for the equations."""
    half_q, half_u = 1 << 21, 1 << 23
    for sample in range(u.shape[0]):
        for i in range(u.shape[1]):
            spikes[sample, i] = False
            q = carry[sample, i] + charge[sample, i]
            charge[sample, i] = 0
            if time <= start[i]:  # what arrives at an idle compartment is lost
                continue
            if time > stop[i]:  # what arrives after the last step waits for the next run
                carry[sample, i] = q
                continue
            carry[sample, i] = 0
            kept = q
            q = ((q + half_q) & (2 * half_q - 1)) - half_q
            current = u[sample, i]
            if decay_u[i] == 4096:
                current = 0
            elif decay_u[i]:
                size = (abs(current) * (4096 - decay_u[i])) >> 12
                current = size if current > 0 else -size
            total = current + q
            current = ((total + half_u) & (2 * half_u - 1)) - half_u
            wrapped[i] += kept != q or total != current
            u[sample, i] = current
            voltage = v[sample, i]
            if decay_v[i] == 4096:
                voltage = 0
            elif decay_v[i]:
                size = (abs(voltage) * (4096 - decay_v[i])) >> 12
                voltage = size if voltage > 0 else -size
            voltage += ((current + bias[sample, i] + half_u) & (2 * half_u - 1)) - half_u
            if voltage < vmin[i] or voltage > vmax[i]:
                saturated[i] += 1
                voltage = min(max(voltage, vmin[i]), vmax[i])
            if join[i]:
                voltage = min(max(voltage + v[sample, i - 1], vmin[i]), vmax[i])
            if dead[sample, i] > 0:
                voltage = 0
                dead[sample, i] -= 1
            if fires[i] and voltage > threshold[i]:
                spikes[sample, i] = True
                voltage = 0
                dead[sample, i] = max(refractory[i] - 1, 0)
            v[sample, i] = voltage
