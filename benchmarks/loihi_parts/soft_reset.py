"""The soft reset of dendrite and soma against its equation: v[t] = v[t-1] + I[t] - feedback s[t-1], in 24 bits.

Many neurons get more charge, of either sign, than spikes can take away, so that voltages reach their limits, too.
Charge and feedback of a step stay within what an accumulator holds: the equation has no accumulator to overflow.
"""

import numpy as np
from loihi_setup import say
from scipy import sparse

from snntoolbox.backends.loihi.arithmetic import mantissa_and_exponent
from snntoolbox.backends.loihi.compartments import Compartments
from snntoolbox.backends.loihi.emulator import Emulator
from snntoolbox.backends.loihi.limits import VOLTAGE_MAX
from snntoolbox.backends.loihi.mapper import map_layout
from snntoolbox.backends.loihi.network import Network, Population, Projection
from snntoolbox.backends.loihi.partition.search import partition

INPUTS, NEURONS = 60, 400
THRESHOLDS = (63, 100, 255, 300, 511, 512, 1000, 2047, 4000, 12000, 16320)


def run(setup):
    """Compare and print."""
    rng = np.random.default_rng(0)
    steps = 50 if setup.quick else 500
    weights = (rng.integers(-255, 256, (INPUTS, NEURONS)) * (rng.random((INPUTS, NEURONS)) < 0.6)).astype(np.int16)
    layers = (_layer(rng, "input", INPUTS, "input", 0), _layer(rng, "hidden", NEURONS, "neurons", 1))
    network = Network(layers, (Projection("input", "hidden", sparse.csr_array(weights)),))
    emulator = Emulator(map_layout(partition(network)), 1)
    bias = rng.integers(0, 256, (1, INPUTS)).astype(np.int32) << 6
    v = {p.name: p.registers.initial_voltage.astype(np.int64) for p in layers}
    s = {p.name: np.zeros(p.size, np.int64) for p in layers}
    trains, found = [], dict.fromkeys(("values", "spikes", "saturated", "mismatches"), 0)
    found |= {"neurons": INPUTS + NEURONS, "steps": steps}
    maps = {layer.name: layer for layer in emulator.mapping.layers}
    for step in emulator.run(lambda time: {"input": bias}, steps):
        for p in layers:
            if not p.depth < step.time <= p.depth + steps:
                continue
            charge = bias[0] if p.name == "input" else (trains[step.time - 2] @ weights.astype(np.int64) << 6)
            v[p.name] = v[p.name] + charge + p.registers.bias - s[p.name] * (p.feedback.astype(np.int64) << 6)
            found["saturated"] += int(np.sum(v[p.name] != np.clip(v[p.name], -VOLTAGE_MAX, VOLTAGE_MAX)))
            v[p.name] = np.clip(v[p.name], -VOLTAGE_MAX, VOLTAGE_MAX)
            s[p.name] = (v[p.name] > p.registers.threshold.astype(np.int64) << 6).astype(np.int64)
            if p.name == "input":
                trains.append(s[p.name].copy())
            found["values"] += 2 * p.size
            found["spikes"] += int(s[p.name].sum())
            found["mismatches"] += int(np.sum(step.voltage[0, maps[p.name].charged] != v[p.name]))
            found["mismatches"] += int(np.sum(step.spikes[0, maps[p.name].spiking] != s[p.name]))
    say("soft_reset", found)
    return found


def _layer(rng, name, size, kind, depth):
    """Return neurons with thresholds of all sizes, the feedback of each as near to it as a weight can be."""
    threshold = rng.choice(THRESHOLDS[:3] if kind == "input" else THRESHOLDS, size)
    parts = [mantissa_and_exponent(int(value)) for value in threshold]
    registers = Compartments.uniform(
        size, threshold=threshold, bias_mantissa=0 if kind == "input" else rng.integers(-20, 60, size), bias_exponent=6,
        initial_voltage=threshold // 2 << 6, start=depth,
    )  # fmt: skip
    feedback = np.array([mantissa << exponent for mantissa, exponent in parts], np.int32)
    return Population(name, (size,), registers, kind, feedback, depth=depth)
