"""The search against settings made by hand, at several numbers of steps, on images that it has not seen.

The search sees training images only. The hand-set rows are the best techniques of the part ``thresholds`` with binary
spikes; the search is confined to binary spikes too.
"""

import time

from accuracy_setup import BATCH, show

from snntoolbox.config.load import load
from snntoolbox.search import Search

BY_HAND = {
    "percentile 99.9": {},
    "percentile 99.9, channels": {"normalization.channel_wise": True},
    "local balancing, channels": {"normalization.method": "local_balancing", "normalization.channel_wise": True},
    "mmse, channels": {"normalization.method": "mmse", "normalization.channel_wise": True},
}
STEPS = (16, 32, 64)


def run(setup):
    """Measure and print."""
    found = {}
    for network in [one for one in setup.networks if one.name == "resnet20" or len(setup.networks) == 1]:
        rows = []
        for num_steps in (4,) if setup.quick else STEPS:
            common = {"simulation.duration": num_steps, "simulation.batch_size": BATCH}
            settings = load(None, {**common, "search.time_limit": 60 if setup.quick else 480})
            start = time.perf_counter()
            result = Search(network.graph, setup.x_norm[: 120 if setup.quick else 900], settings).run()
            seconds = time.perf_counter() - start
            test = Tester(setup, network, settings)
            by_hand = {name: test(options) for name, options in BY_HAND.items()}
            chosen = test(result.best.options)
            best = max(by_hand, key=by_hand.get)
            rows.append([num_steps, result.best.name, f"{100 * chosen:.1f}", best, f"{100 * by_hand[best]:.1f}"])
            rows[-1] += [len(result.trials), f"{seconds:.0f}"]
            found[f"{network.name}, T={num_steps}"] = {
                "chosen": dict(result.best.options),
                "accuracy": chosen,
                "by_hand": by_hand,
                "trials": len(result.trials),
                "seconds": seconds,
                "stopped_by_time_limit": result.stopped,
            }
        title = f"{network.name}, {len(setup.x)} unseen images, ANN {100 * network.accuracy:.1f} %: accuracy in %"
        show(title, ["T", "chosen by the search", "search", "best by hand", "by hand", "trials", "s"], rows)
    return found


class Tester:
    """Measures the accuracy of options on the images that no search saw."""

    def __init__(self, setup, network, settings):
        self.setup, self.network, self.settings = setup, network, settings

    def __call__(self, options):
        """Return the accuracy at the last step."""
        search = Search(self.network.graph, self.setup.x_norm, self.settings)
        spiking = search.convert(options)
        return float((search.simulate(spiking, self.setup.x).output.argmax(-1) == self.setup.y).mean())
