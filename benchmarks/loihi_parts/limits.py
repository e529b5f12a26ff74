"""Random networks on random small chips, each result checked independently of the search: no limit may be exceeded."""

import numpy as np
from loihi_setup import HERE, load_script, say

from snntoolbox.backends.loihi.checker import check_mapping
from snntoolbox.backends.loihi.limits import Limits
from snntoolbox.backends.loihi.mapper import map_layout
from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.search import partition
from snntoolbox.backends.loihi.placement import place
from snntoolbox.errors import ConversionError

NETWORKS = 200


def run(setup):
    """Cut, check and print."""
    make = load_script(HERE.parent / "tests" / "unit" / "backends" / "loihi" / "conftest.py").make_network
    rng = np.random.default_rng(0)
    found = {
        "networks": 0,
        "refused": 0,
        "violations": 0,
        "cores, greedy M=1": 0,
        "cores, ours": 0,
        "ours takes more": 0,
    }
    for seed in range(10 if setup.quick else NETWORKS):
        network = make(
            seed, soft=bool(rng.integers(2)), encoding=str(rng.choice(["auto", "sparse", "runlength", "dense1"]))
        )
        limits = Limits(
            compartments=int(rng.choice([48, 96, 256])), synapse_words=int(rng.choice([300, 700, 2000])),
            input_axons=400, output_axons=400, cores_per_chip=int(rng.choice([2, 8, 128])),
        )  # fmt: skip
        found["networks"] += 1
        try:
            greedy = partition(network, SearchOptions("greedy", 1, limits=limits))
        except ConversionError:
            found["refused"] += 1
            continue
        ours = partition(network, SearchOptions(limits=limits))
        for layout in (greedy, ours, place(ours)):
            found["violations"] += len(check_mapping(map_layout(layout), network, limits))
        found["cores, greedy M=1"] += greedy.num_cores
        found["cores, ours"] += ours.num_cores
        found["ours takes more"] += ours.num_cores > greedy.num_cores
    say("limits", found)
    return found
