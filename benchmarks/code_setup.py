"""Networks, images and measurements that the parts of ``benchmarks/codes.py`` share."""

import importlib.util
import json
import time
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import snntoolbox
from snntoolbox.analysis.operation_counter import OperationCounter
from snntoolbox.api import encode, load_backend
from snntoolbox.backends import Probes
from snntoolbox.backends.tensorflow import TensorFlowBackend, TensorFlowSettings
from snntoolbox.calibration import calibrate
from snntoolbox.codes.temporal_pattern import TemporalPatternCode
from snntoolbox.conversion import OPTIONS
from snntoolbox.passes.pipeline import conversion_passes, preparation_passes, run_passes

EXAMPLES = Path(__file__).parent.parent / "examples"
NUM_NORM, BATCH, COUNTED = 1000, 500, 50


def load_module(path):
    """Import a module from its file."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Task:
    """A trained network with its data.

    Attributes:
        graph: As parsed.
        x_norm: Training images that scales are found on.
        x, y: Held-out images and labels.
        ann: What the network answers for them.
        ann_error: Share of them that it gets wrong.
    """

    def __init__(self, model, data, samples, num_norm=NUM_NORM):
        (x_train, _), (x, y) = data
        self.graph = snntoolbox.parse(model)
        self.x_norm, self.x, self.y = x_train[:num_norm], x[:samples], y[:samples]
        self.ann = snntoolbox.evaluate(self.graph, self.x, batch_size=250)
        self.ann_error = self.error(self.ann)

    def error(self, outputs):
        """Return the share of outputs, (samples, classes), whose largest is not the label."""
        return float((outputs.argmax(-1) != self.y).mean())

    def measure(self, graph, num_steps=None, *, over_time=False, precision="float32"):
        """Simulate a converted graph on the held-out images, and count the operations of the first fifty.

        Returns:
            Dictionary: error and agreement with the ANN at the end, operations and spikes of a sample, steps, seconds
            for all images; with ``over_time`` the error after each step, too.
        """
        start = time.perf_counter()
        steps = num_steps or int(graph.attributes["num_steps"])
        backend = TensorFlowBackend(TensorFlowSettings(precision=precision))
        batch, outputs = min(BATCH, len(self.x)), []
        with backend.compile(graph, batch_size=batch) as simulation:
            for first in range(0, len(self.x), batch):
                ids = np.arange(first, min(first + batch, len(self.x)))
                simulation.reset()
                record = simulation.run(encode(graph, self.x[ids], ids), steps, Probes(outputs_over_time=over_time))
                values = record.output_over_time if over_time else record.output[None]
                outputs.append(values.argmax(-1))
        classes = np.concatenate(outputs, axis=1)
        found = {
            "error": float((classes[-1] != self.y).mean()),
            "agreement": float((classes[-1] == self.ann.argmax(-1)).mean()),
            "steps": steps,
            "seconds": time.perf_counter() - start,
        }
        if over_time:
            found["errors"] = [float(e) for e in (classes != self.y).mean(axis=1)]
        return found | self.cost(graph, steps, precision)

    def cost(self, graph, steps, precision):
        """Return operations and spikes of a sample, the mean of the first fifty."""
        x, counter = self.x[:COUNTED], OperationCounter(graph, self.graph)
        with TensorFlowBackend(TensorFlowSettings(precision=precision)).compile(graph, batch_size=len(x)) as simulation:
            stimuli = encode(graph, x, np.arange(len(x)))
            record = simulation.run(stimuli, steps, counter.probes(len(x), steps))
        counter.add(record, stimuli)
        operations = counter.result()
        over_time = operations.snn_over_time + (operations.snn_total - operations.snn)
        return {
            "operations": operations.snn_total,
            "ann_operations": operations.ann,
            "ann_counts": dict(operations.ann_counts),
            "snn_counts": dict(operations.snn_counts),
            "upper_bound": operations.upper_bound,
            "spikes": sum(int(counts.sum()) for counts in record.spike_counts.values()) / len(x),
            "operations_over_time": [float(n) for n in over_time],
        }


class Converter:
    """Converts one network again and again, and measures its activations only once for each kind of scales."""

    def __init__(self, task):
        self.task, self.prepared, self.known = (
            task,
            run_passes(task.graph, preparation_passes(TemporalPatternCode())),
            {},
        )

    def __call__(self, code, **options):
        """Return the spiking network for a code and options of calibration."""
        key = tuple(options.items())
        if key not in self.known:
            self.known[key] = calibrate(self.prepared, [self.task.x_norm], **options).scales
        spiking = run_passes(self.prepared, conversion_passes(code, self.known[key]))
        return spiking.with_attributes(**{OPTIONS: json.dumps(asdict(code))})


class Setup:
    """What a part works with.

    Attributes:
        quick: Whether only few settings are asked for.
        samples: Number of held-out images, or None for all.
        console: What tables are printed to.
    """

    def __init__(self, options):
        self._options, self.quick = options, options.quick
        self.samples = options.samples or (100 if options.quick else None)
        self.console = Console(width=130)

    @cached_property
    def mnist(self):
        """Images and labels, to train on and held out."""
        return load_module(EXAMPLES / "lenet5" / "data.py").load(self._options.mnist)

    @cached_property
    def lenet5(self):
        """LeNet-5 on MNIST."""
        return Task(EXAMPLES / "lenet5" / "lenet5.keras", self.mnist, self.samples)

    @cached_property
    def mobilenet(self):
        """MobileNet on CIFAR-10."""
        path = self._options.mobilenet or EXAMPLES / "cifar10" / "mobilenet.onnx"
        data = load_module(EXAMPLES / "cifar10" / "data.py").load(self._options.cifar)
        return Task(path, data, self.samples, 100 if self.quick else NUM_NORM)

    def table(self, title, columns, rows):
        """Print a table."""
        table = Table(*columns, title=title)
        for row in rows:
            table.add_row(*map(str, row))
        self.console.print(table)

    @staticmethod
    def reference_differences(graph, x, precision):
        """Return how many spike counts of TensorFlow differ from the reference's, and of how many."""
        different = total = 0
        steps = int(graph.attributes["num_steps"])
        stimuli, records = encode(graph, x), []
        for backend in (load_backend("reference"), TensorFlowBackend(TensorFlowSettings(precision=precision))):
            with backend.compile(graph, batch_size=len(x)) as simulation:
                records.append(simulation.run(stimuli, steps))
        for name, counts in records[0].spike_counts.items():
            different += int((counts != records[1].spike_counts[name]).sum())
            total += counts.size
        return different, total
