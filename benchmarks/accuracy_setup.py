"""Networks, images and measurements that the parts of ``benchmarks/accuracy.py`` share."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import snntoolbox
from snntoolbox.analysis.operations import operation_weights
from snntoolbox.backends import Probes

EXAMPLE = Path(__file__).parent.parent / "examples" / "cifar10"
STEPS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
NUM_NORM = 1024
BATCH = 100
QUICK_NETWORKS, QUICK_NORM, QUICK_SAMPLES, QUICK_ROWS = ["vgg"], 64, 20, 2


@dataclass
class Network:
    """A trained network.

    Attributes:
        name: Its file's stem.
        graph: As parsed.
        outputs: Of the ANN for each test image.
        classes: What the ANN decides for each test image.
        accuracy: Of the ANN, on the test images.
    """

    name: str
    graph: snntoolbox.Graph
    outputs: np.ndarray
    classes: np.ndarray
    accuracy: float


@dataclass
class Curve:
    """How a converted network does.

    Attributes:
        accuracy: Steps -> share of test images whose class is right.
        agreement: Steps -> share of test images that are decided as by the ANN.
        spikes: Events of all neurons for an image, up to the last step.
        operations: Steps -> synaptic operations for an image (an upper bound behind max-pooling).
        convert_seconds, seconds: Time to convert and to simulate.
    """

    accuracy: dict[int, float]
    agreement: dict[int, float]
    spikes: float
    operations: dict[int, float]
    convert_seconds: float
    seconds: float


class Setup:
    """What a part works with.

    Attributes:
        networks: The trained networks.
        x_norm: Images to calibrate on, from the training set.
        x, y: Held-out images and labels.
        quick: Whether only to show that everything runs.
        mnist: File of the MNIST images; None to have them downloaded.
        only: Parts of the names of the rows to measure; empty for all.
        search_steps, search_seconds: Numbers of steps to search for, and for how long at most.
        steps: Numbers of steps to report.
    """

    def __init__(self, networks, x_norm, x, y, options):
        quick, mnist, only = options.quick, options.mnist, tuple(options.only or ())
        self.search_steps = (4,) if quick else tuple(options.steps or (16, 32, 64))
        self.search_seconds = 1 if quick else options.seconds
        self.x_norm, self.x, self.y, self.quick, self.mnist, self.only = x_norm, x, y, quick, mnist, only
        self.steps = tuple(s for s in STEPS if s <= 4) if quick else STEPS
        self.networks = []
        for name, graph in networks.items():
            outputs = snntoolbox.evaluate(graph, x, batch_size=BATCH)
            classes = outputs.argmax(-1)
            self.networks.append(Network(name, graph, outputs, classes, float((classes == y).mean())))

    @classmethod
    def load(cls, options):
        """Return the setup that the command line asks for."""
        sys.path.insert(0, str(EXAMPLE))
        from data import load

        folder = options.networks or EXAMPLE
        files = {path.stem: path for path in sorted(folder.glob("*.onnx"))}
        names = options.network or (QUICK_NETWORKS if options.quick else list(files))
        missing = [name for name in names if name not in files]
        if missing or not names:
            sys.exit(f"no network {', '.join(missing)} in {folder}; train it with {EXAMPLE / 'train.py'}")
        (x_train, _), (x, y) = load(options.data)
        num_norm, count = (QUICK_NORM, QUICK_SAMPLES) if options.quick else (NUM_NORM, 1000)
        chosen, count = np.random.default_rng(0).choice(len(x_train), num_norm, replace=False), options.samples or count
        graphs = {name: snntoolbox.parse(files[name]) for name in names}
        return cls(graphs, x_train[np.sort(chosen)], x[:count], y[:count], options)

    def chosen(self, rows):
        """Return the rows of a table that are asked for, name -> options; only the first ones if it is to be quick."""
        wanted = [name for name in rows if not self.only or any(part in name for part in self.only)]
        return {name: rows[name] for name in (wanted[:QUICK_ROWS] if self.quick else wanted)}

    def curve(self, network, num_steps=None, *, count=None, norm=None, also=(), **options):
        """Convert a network, simulate it and return its `Curve`.

        Args:
            network: One of `networks`.
            num_steps: Number of steps; the largest of `steps` unless given.
            count: Number of test images; all unless given.
            norm: Number of images to calibrate on; all unless given.
            also: Further steps to report.
            options: Of `snntoolbox.convert`. Methods that find scales for a number of steps are given this one.
        """
        num_steps = min(num_steps or max(self.steps), max(self.steps))
        if options.get("method") == "mmse" or getattr(options.get("refinement"), "calibrates", False):
            options.setdefault("num_steps", num_steps)
        x, y, classes = self.x[:count], self.y[:count], network.classes[:count]
        start = time.perf_counter()
        options.setdefault("x_norm", self.x_norm[:norm])
        spiking = snntoolbox.convert(network.graph, **options)
        converted = time.perf_counter()
        probes = Probes(totals=operation_weights(spiking))
        record = snntoolbox.simulate(
            spiking, x, backend="tensorflow", num_steps=num_steps, batch_size=BATCH, probes=probes
        )
        seconds = time.perf_counter() - converted
        decided = record.output_over_time.argmax(-1)
        operations = np.cumsum(sum(np.asarray(total, np.float64).mean(axis=1) for total in record.totals.values()))
        steps = sorted({step for step in (*self.steps, *also) if step <= num_steps} | {num_steps})
        return Curve(
            accuracy={step: float((decided[step - 1] == y).mean()) for step in steps},
            agreement={step: float((decided[step - 1] == classes).mean()) for step in steps},
            spikes=float(sum(counts.sum() for counts in record.spike_counts.values()) / len(x)),
            operations={step: float(operations[step - 1]) for step in steps},
            convert_seconds=converted - start,
            seconds=seconds,
        )


def percents(curve, steps):
    """Return the accuracies of a curve as text, an empty one where it has none."""
    return [f"{100 * curve.accuracy[step]:.1f}" if step in curve.accuracy else "" for step in steps]


def joined(curves):
    """Return one curve of the last step of each: for scales that are found for a number of steps."""
    last = [max(curve.accuracy) for curve in curves]
    pairs = list(zip(last, curves, strict=True))
    return Curve(
        accuracy={step: curve.accuracy[step] for step, curve in pairs},
        agreement={step: curve.agreement[step] for step, curve in pairs},
        spikes=curves[-1].spikes,
        operations={step: curve.operations[step] for step, curve in pairs},
        convert_seconds=sum(curve.convert_seconds for curve in curves),
        seconds=sum(curve.seconds for curve in curves),
    )


def show(title, columns, rows):
    """Print a table; numbers to the right."""
    table = Table(title=title)
    for number, column in enumerate(columns):
        table.add_column(str(column), justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*map(str, row))
    Console(width=160).print(table)
