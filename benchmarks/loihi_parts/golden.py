"""The emulator's compartments against nengo-loihi's: current, voltage and spike in every step (tests/golden)."""

import numpy as np
from loihi_setup import HERE, load_script, say

GOLDEN = HERE.parent / "tests" / "golden"


def run(setup):
    """Compare and print."""
    test = load_script(GOLDEN / "test_nengo_loihi.py")
    with np.load(GOLDEN / "nengo_loihi.npz") as file:
        vectors = dict(file)
    mismatches = values = spikes = 0
    for number in range(1 if setup.quick else test.RUNS):
        expected = np.unpackbits(vectors[f"s_{number}"], axis=1).astype(bool)
        for t, (u, v, s, _) in enumerate(test.simulate(vectors, number)):
            same_u = test.zlib.crc32(u.astype("<i4").tobytes()) == vectors[f"u_crc_{number}"][t]
            same_v = test.zlib.crc32(v.astype("<i4").tobytes()) == vectors[f"v_crc_{number}"][t]
            mismatches += int(np.sum(s != expected[t])) + (not same_u) + (not same_v)
            values, spikes = values + 3 * len(s), spikes + int(s.sum())
    found = {"compared_values": values, "spikes": spikes, "mismatches": mismatches}
    say("golden", found)
    return found
