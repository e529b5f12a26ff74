"""The mapped emulation against the unmapped integers of the same network, spike for spike."""

import numpy as np
from loihi_setup import NUM_STEPS, say

from snntoolbox.backends.loihi.backend import LoihiBackend
from snntoolbox.backends.loihi.direct import simulate_directly
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.backends.record import Probes
from snntoolbox.codes import ConstantCurrent


def run(setup):
    """Compare and print."""
    x, _, x_norm = setup.images("mnist", 1 if setup.quick else 4)
    spiking, _ = setup.converted("mnist")
    simulation = LoihiBackend(LoihiSettings(), {spiking.inputs[0]: x_norm[:200]}).compile(spiking, batch_size=len(x))
    record = simulation.run(ConstantCurrent(x), NUM_STEPS, Probes(spikes=spiking.neurons))
    charge = (np.rint(x.reshape(len(x), -1) * 255).astype(np.int32)) << 6
    trains, _ = simulate_directly(simulation.compiled.network, lambda step: {spiking.inputs[0]: charge}, NUM_STEPS)
    pairs = [(trains[n].reshape(record.spike_trains[n].shape), record.spike_trains[n]) for n in spiking.neurons]
    found = {
        "spikes": int(sum(a.sum(dtype=np.int64) for a, _ in pairs)),
        "mismatches": int(sum(np.sum(a != b) for a, b in pairs)),
    }
    say("exact", found)
    return found
