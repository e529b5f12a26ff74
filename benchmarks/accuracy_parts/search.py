"""The search against settings made by hand, at several numbers of steps, on images that it has not seen.

The search sees training images only. The hand-set rows are the best ones with binary spikes of the parts ``thresholds``
and ``calibration``; the search is confined to binary spikes too.
"""

import time

from accuracy_setup import BATCH, show

from snntoolbox.api import load_backend
from snntoolbox.backends.tensorflow import TensorFlowSettings
from snntoolbox.config.load import load
from snntoolbox.search import Search

CHANNELS = {"normalization.channel_wise": True}
LATE = {"readout.start": -1}
BY_HAND = {
    "mmse, potential, late read-out": {
        **CHANNELS,
        **LATE,
        "normalization.method": "mmse",
        "calibration.potential": True,
    },
    "percentile, clamp, threshold, potential, late read-out": {
        **CHANNELS,
        **LATE,
        "calibration.clamp": True,
        "calibration.threshold": True,
        "calibration.potential": True,
    },
    "percentile, clamp of half a step a layer, late read-out": {
        **CHANNELS,
        **LATE,
        "cell.clamp_delay": 0.5,
    },
}
STEPS = (16, 32, 64)


def run(setup):
    """Measure and print."""
    found = {}
    for network in [one for one in setup.networks if one.name == "resnet20" or len(setup.networks) == 1]:
        rows = []
        for num_steps in (4,) if setup.quick else STEPS:
            common = {"simulation.duration": num_steps, "simulation.batch_size": BATCH}
            settings = load(None, {**common, "search.time_limit": 1 if setup.quick else 480})
            start = time.perf_counter()
            result = Search(network.graph, setup.x_norm[:900], settings, backend=uncompiled()).run()
            seconds = time.perf_counter() - start
            test = Tester(setup, network, settings)
            chosen = test(result.best.options)
            print(f"{network.name}, T={num_steps}, {seconds:.0f} s, {len(result.trials)} trials: {result.best.name}")
            by_hand = {}
            print(f"  right {100 * chosen[0]:.1f} %, as the ANN {100 * chosen[1]:.1f} %", flush=True)
            for name, options in setup.chosen(BY_HAND).items():
                by_hand[name] = right, same = test(options)
                print(f"  {name}: right {100 * right:.1f} %, as the ANN {100 * same:.1f} %", flush=True)
            best = max(by_hand, key=by_hand.get)
            texts = [f"{100 * right:.1f} ({100 * same:.1f})" for right, same in (chosen, by_hand[best])]
            rows.append([num_steps, texts[0], best, texts[1], len(result.trials), f"{seconds:.0f}"])
            found[f"{network.name}, T={num_steps}"] = {
                "chosen": dict(result.best.options),
                "right_and_as_the_ann": chosen,
                "by_hand": by_hand,
                "trials": len(result.trials),
                "seconds": seconds,
                "stopped_by_time_limit": result.stopped,
            }
        title = (
            f"{network.name}, {len(setup.x)} unseen images, ANN {100 * network.accuracy:.1f} %: right (as the ANN) in %"
        )
        show(title, ["T", "search", "best by hand", "by hand", "trials", "s"], rows)
    return found


def uncompiled():
    """Return a simulator that starts at once: trials are too short to pay for compilation."""
    return load_backend("tensorflow", TensorFlowSettings(xla="off"))


class Tester:
    """Measures options on the images that no search saw."""

    def __init__(self, setup, network, settings):
        self.setup, self.network, self.settings = setup, network, settings

    def __call__(self, options):
        """Return the shares of images that are right at the last step, and that are decided as by the ANN."""
        search = Search(self.network.graph, self.setup.x_norm, self.settings)
        decided = search.simulate(search.convert(options), self.setup.x).output.argmax(-1)
        return float((decided == self.setup.y).mean()), float((decided == self.network.classes).mean())
