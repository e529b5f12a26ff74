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
from snntoolbox.search.trial import divergence

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


def run(setup):
    """Measure and print."""
    found = {}
    for network in setup.networks:
        rows = []
        for num_steps in setup.search_steps:
            common = {"simulation.duration": num_steps, "simulation.batch_size": BATCH}
            settings = load(None, {**common, "search.time_limit": setup.search_seconds})
            start = time.perf_counter()
            result = Search(network.graph, setup.x_norm[:900], settings, backend=uncompiled()).run()
            seconds = time.perf_counter() - start
            test = Tester(setup, network, settings)
            chosen = test(result.best.options)
            print(f"{network.name}, T={num_steps}, {seconds:.0f} s, {len(result.trials)} trials: {result.best.name}")
            by_hand = {}
            print(f"  {words(chosen)}", flush=True)
            for name, options in setup.chosen(BY_HAND).items():
                by_hand[name] = test(options)
                print(f"  {name}: {words(by_hand[name])}", flush=True)
            rows.append([num_steps, "search", *texts(chosen), len(result.trials), f"{seconds:.0f}"])
            rows += [[num_steps, name, *texts(measured), "", ""] for name, measured in by_hand.items()]
            found[f"{network.name}, T={num_steps}"] = {
                "chosen": dict(result.best.options),
                "right_as_the_ann_divergence": chosen,
                "by_hand": by_hand,
                "trials": len(result.trials),
                "seconds": seconds,
                "stopped_by_time_limit": result.stopped,
            }
        title = f"{network.name}, {len(setup.x)} unseen images, ANN {100 * network.accuracy:.1f} %"
        show(title, ["T", "settings", "right", "as the ANN", "divergence", "trials", "s"], rows)
    return found


def texts(measured):
    """Return what a `Tester` measured, for the table."""
    right, same, apart = measured
    return f"{100 * right:.1f} %", f"{100 * same:.1f} %", f"{apart:.4f}"


def words(measured):
    """Return what a `Tester` measured, as a sentence."""
    right, same, apart = texts(measured)
    return f"right {right}, as the ANN {same}, divergence {apart}"


def uncompiled():
    """Return a simulator that starts at once: trials are too short to pay for compilation."""
    return load_backend("tensorflow", TensorFlowSettings(xla="off"))


class Tester:
    """Measures options on the images that no search saw."""

    def __init__(self, setup, network, settings):
        self.setup, self.network, self.settings = setup, network, settings

    def __call__(self, options):
        """Return the shares of images that are right and that are decided as by the ANN, and the divergence from it."""
        search = Search(self.network.graph, self.setup.x_norm, self.settings)
        output = search.simulate(search.convert(options), self.setup.x).output
        decided = output.argmax(-1)
        shares = [float((decided == wanted).mean()) for wanted in (self.setup.y, self.network.classes)]
        return (*shares, divergence(output, self.network.outputs))
