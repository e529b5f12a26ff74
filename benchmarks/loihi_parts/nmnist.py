"""The network of N-MNIST, 2312-512-10, cut into cores: 30 in the thesis (Rueckauer 2020, section 3.3.2.1)."""

import time

from loihi_setup import random_dense, say

from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.search import partition

SEARCHES = {
    "greedy M=1, sparse": ("sparse", SearchOptions("greedy", 1)),
    "ours, sparse, one layer a core": ("sparse", SearchOptions(pack=False)),
    "ours, sparse": ("sparse", SearchOptions()),
    "ours, encoding chosen": ("auto", SearchOptions()),
}


def run(setup):
    """Cut and print."""
    found = {}
    for name, (encoding, search) in list(SEARCHES.items())[: 1 if setup.quick else None]:
        started = time.process_time()
        layout = partition(random_dense((2312, 512, 10), encoding), search)
        found[name] = {
            "blocks": [tiling.num_cores for tiling in layout.tilings.values()],
            "cores": layout.num_cores,
            "cpu_seconds": round(time.process_time() - started, 2),
        }
    say("nmnist", found)
    return found
