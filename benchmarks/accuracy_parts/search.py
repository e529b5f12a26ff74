"""The search against settings made by hand, at several numbers of steps, on images that it has not seen.

The search sees training images only. The hand-set rows are the best ones with binary spikes of the parts ``thresholds``
and ``calibration``; the search is confined to binary spikes too. What the ANN answers with activations rounded to the
rates that so many steps can tell apart is the bound: no time to wait, spikes perfectly regular.
"""

import time

import numpy as np
from accuracy_setup import BATCH, show

from snntoolbox.api import encode, load_backend
from snntoolbox.backends.tensorflow import TensorFlowSettings
from snntoolbox.calibration.layerwise import walk_layers
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
    "percentile, weight, potential, late read-out": {
        **CHANNELS,
        **LATE,
        "calibration.weight": True,
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
            bound = test.of(rounded(test.convert({**CHANNELS, "normalization.method": "mmse"}), setup.x, num_steps))
            by_hand = {}
            print(f"  {words(chosen)}\n  activations rounded to T steps: {words(bound)}", flush=True)
            for name, options in setup.chosen(BY_HAND).items():
                by_hand[name] = test(options)
                print(f"  {name}: {words(by_hand[name])}", flush=True)
            rows.append([num_steps, "search", *texts(chosen), len(result.trials), f"{seconds:.0f}"])
            others = {**by_hand, "activations rounded to T steps": bound}
            rows += [[num_steps, name, *texts(measured), "", ""] for name, measured in others.items()]
            found[f"{network.name}, T={num_steps}"] = {
                "chosen": dict(result.best.options),
                "right_as_the_ann_divergence": chosen,
                "by_hand": by_hand,
                "activations_rounded": bound,
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
        self.setup, self.network = setup, network
        self.search = Search(network.graph, setup.x_norm, settings)
        self.convert = self.search.convert

    def __call__(self, options):
        """Return the shares of images that are right and that are decided as by the ANN, and the divergence from it."""
        return self.of(self.search.simulate(self.convert(options), self.setup.x).output)

    def of(self, output):
        """Return the same of outputs."""
        decided = output.argmax(-1)
        shares = [float((decided == wanted).mean()) for wanted in (self.setup.y, self.network.classes)]
        return (*shares, divergence(output, self.network.outputs))


def rounded(spiking, x, num_steps):
    """Return the outputs of a network whose neurons send their exact rate, rounded to a whole number of spikes."""
    outputs = []

    def visit(layer):
        model, (current,) = layer.model, layer.currents
        if not model.spiking:
            outputs.append(current)
            return None
        spikes = np.clip(np.floor(num_steps * current / model.threshold + 0.5), 0, num_steps)
        return np.asarray([spikes / num_steps * model.message_size], np.float32)

    for start in range(0, len(x), BATCH):
        walk_layers(spiking, encode(spiking, x[start : start + BATCH]), 1, visit)
    return np.concatenate(outputs)
