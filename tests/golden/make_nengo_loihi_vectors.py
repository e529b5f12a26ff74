"""Write nengo_loihi.npz: what nengo-loihi's emulator of the chip computes for random compartments and weights.

Spikes are kept whole; currents and voltages as one CRC-32 a step (400 values each), and whole for the first steps.

Run in an environment of its own (the package needs an old NumPy)::

    python -m venv env && env/bin/pip install nengo-loihi==1.1.0 "numpy==1.26.4" "scipy<1.14"
    env/bin/python tests/golden/make_nengo_loihi_vectors.py
"""

import sys
import warnings
import zlib
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")

from nengo_loihi.block import Axon, LoihiBlock, Synapse, SynapseConfig  # noqa: E402
from nengo_loihi.builder import Model  # noqa: E402
from nengo_loihi.builder.discretize import discretize_weights  # noqa: E402
from nengo_loihi.emulator import EmulatorInterface  # noqa: E402
from nengo_loihi.inputs import SpikeInput  # noqa: E402

COMPARTMENTS, INPUTS, STEPS, FAN_IN = 400, 64, 400, 24
RUNS, WHOLE = 3, 20


def make_block(rng):
    """Compartments with every parameter drawn at random; some never leak, some clear at once."""
    block = LoihiBlock(COMPARTMENTS)
    comp = block.compartment
    comp.dtype = np.int32
    comp.scale_u = comp.scale_v = False

    def decays():
        values = rng.integers(0, 4096, COMPARTMENTS)
        values[::7], values[::11] = 0, 4095
        return values.astype(np.int32)

    comp.decay_u, comp.decay_v = decays(), decays()
    comp.vth = (rng.integers(1, 2 ** rng.integers(4, 18, COMPARTMENTS)) << 6).astype(np.int32)
    mantissa = rng.integers(-4095, 4096, COMPARTMENTS) * (rng.random(COMPARTMENTS) < 0.5)
    comp.bias = (mantissa << rng.integers(0, 8, COMPARTMENTS)).astype(np.int32)
    comp.refract_delay = rng.integers(0, 64, COMPARTMENTS).astype(np.int32)
    comp.refract_delay[::3] = 1
    comp.vmin = -(2 ** int(rng.integers(12, 24))) + 1
    comp.vmax = 2 ** (9 + 2 * int(rng.integers(4, 8))) - 1
    comp.enable_noise = np.zeros(COMPARTMENTS, bool)
    return block


def make_synapse(rng, axons):
    """Random targets; exponents up to 7, so that the accumulators wrap now and then."""
    synapse = Synapse(axons)
    indices = [np.sort(rng.choice(COMPARTMENTS, FAN_IN, replace=False))[None] for _ in range(axons)]
    mantissa = rng.integers(-255, 256, (axons, FAN_IN))
    exponent = rng.integers(0, 14, (axons, 1)).clip(0, 7)
    weights = (mantissa << exponent << 6).astype(np.int32)
    synapse._set_weights_indices([w[None] for w in weights], indices=indices, weight_dtype=np.int32)
    return synapse, np.concatenate(indices), weights


def run(seed):
    rng = np.random.default_rng(seed)
    block = make_block(rng)
    from_input, input_index, input_weight = make_synapse(rng, INPUTS)
    recurrent, recurrent_index, recurrent_weight = make_synapse(rng, COMPARTMENTS)
    block.add_synapse(from_input)
    block.add_synapse(recurrent)
    spikes_in = rng.random((STEPS, INPUTS)) < 0.1
    source = SpikeInput(INPUTS)
    axon = Axon(INPUTS)
    axon.target = from_input
    axon.set_compartment_axon_map(np.arange(INPUTS))
    source.add_axon(axon)
    for t, row in enumerate(spikes_in, start=1):
        source.add_spikes(t, np.flatnonzero(row))
    back = Axon(COMPARTMENTS)
    back.target = recurrent
    back.set_compartment_axon_map(np.arange(COMPARTMENTS))
    block.add_axon(back)
    model = Model()
    model.add_input(source)
    model.add_block(block)
    emulator = EmulatorInterface(model, seed=0)
    u, v, s = [], [], []
    for _ in range(STEPS):
        emulator.step()
        u.append(emulator.compartment.current.copy())
        v.append(emulator.compartment.voltage.copy())
        s.append(emulator.compartment.spiked.copy())
    comp = block.compartment
    registers = [comp.decay_u, comp.decay_v, comp.vth, comp.bias, comp.refract_delay]
    return {
        "registers": np.stack(registers).astype(np.int32),
        "limits": np.array([comp.vmin, comp.vmax], np.int32),
        "spikes_in": np.packbits(spikes_in, axis=1),
        "input_index": input_index.astype(np.int16),
        "input_weight": input_weight,
        "recurrent_index": recurrent_index.astype(np.int16),
        "recurrent_weight": recurrent_weight,
        "u": np.stack(u[:WHOLE]).astype(np.int32),
        "v": np.stack(v[:WHOLE]).astype(np.int32),
        "u_crc": np.array([zlib.crc32(row.astype("<i4").tobytes()) for row in u], np.uint32),
        "v_crc": np.array([zlib.crc32(row.astype("<i4").tobytes()) for row in v], np.uint32),
        "s": np.packbits(np.stack(s), axis=1),
    }


def weight_table():
    """Every mantissa at every number of bits, sign mode and exponent; mixed mode with even mantissas only."""
    rows = []
    for mode, name in ((1, "mixed"), (2, "excitatory"), (3, "inhibitory")):
        for bits in (1, 2, 3, 4, 5, 6, 7):  # 7 is the code of 8 bits
            for exponent in range(-7, 8):
                config = SynapseConfig(weight_bits=bits, weight_exp=exponent, fanout_type=mode)
                shift = config.shift_bits
                low, high = {"mixed": (-256 + (1 << shift), 254), "excitatory": (0, 255), "inhibitory": (-255, 0)}[name]
                mantissa = np.arange(low, high + 1)
                mantissa = mantissa[mantissa % (1 << shift) == 0]  # others are rounded before the chip sees them
                if exponent + shift < 0:
                    continue  # nengo rounds these before they are written; the chip's own floor is tested elsewhere
                stored = discretize_weights(config, mantissa.astype(float), check_result=False)
                real_bits = 8 if bits == 7 else bits
                rows += [
                    (("mixed", "excitatory", "inhibitory").index(name), real_bits, exponent, m, w)
                    for m, w in zip(mantissa, stored, strict=True)
                ]
    return np.array(rows, np.int32)


def main():
    arrays = {f"{name}_{seed}": value for seed in range(RUNS) for name, value in run(seed).items()}
    arrays["weights"] = weight_table()
    path = Path(__file__).with_name("nengo_loihi.npz")
    np.savez_compressed(path, **arrays)
    spikes = [int(np.unpackbits(arrays[f"s_{seed}"], axis=1).sum()) for seed in range(RUNS)]
    sys.stdout.write(f"{path.name}: {path.stat().st_size} bytes, spikes {spikes}, {len(arrays['weights'])} weights\n")


if __name__ == "__main__":
    main()
