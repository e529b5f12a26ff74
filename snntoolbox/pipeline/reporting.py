"""The last stage: collect what the report needs, and write the run folder."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rich.console import Console as RichConsole

import snntoolbox
from snntoolbox.analysis.accumulate import Batch, Collector
from snntoolbox.analysis.cost_profiles import CostProfile, load_profiles
from snntoolbox.analysis.energy import energies
from snntoolbox.analysis.free_rates import free_rates
from snntoolbox.analysis.results import Results, RunInfo
from snntoolbox.api import simulate
from snntoolbox.backends.base import Backend
from snntoolbox.backends.record import Probes
from snntoolbox.config.effective import to_ini
from snntoolbox.config.settings import Settings
from snntoolbox.data import Dataset
from snntoolbox.errors import RegistryError, RunError
from snntoolbox.ir.evaluate import evaluate
from snntoolbox.ir.graph import Graph
from snntoolbox.pipeline.console import Console
from snntoolbox.pipeline.networks import Networks
from snntoolbox.pipeline.samples import RunSamples
from snntoolbox.pipeline.stages import encoding_code, make_backend
from snntoolbox.report.logs import LogWriter
from snntoolbox.report.material import LayerScale, Material, SampleView, thresholds
from snntoolbox.report.run_folder import run_folder
from snntoolbox.report.tables import layer_table, summary_tables
from snntoolbox.report.write import write_run

__all__ = ["Reporter", "cost_profiles"]

Array = NDArray[Any]
LIBRARIES = ("tensorflow", "keras", "numpy")
SAMPLE_FIGURES = frozenset({"spiketrains", "v_mem", "input_image", "activations", "spikerates"})


class Reporter:
    """Writes into the draft of a run folder, which becomes the run folder when the run is complete.

    Attributes:
        folder: The draft.
        deviation: Stage or pass that keeps the function -> largest relative deviation of the outputs.
        backend: What the samples ran on.
        details: What only the simulator knows of the run.
    """

    def __init__(self, folder: Path, settings: Settings, console: Console) -> None:
        self.folder = folder
        self.deviation: dict[str, float] = {}
        self.backend: Backend | None = None
        self.details: Any = None
        self._settings, self._console = settings, console
        self._logs: LogWriter | None = None
        self._profiles = cost_profiles(settings)  # now, so that a mistake shows before the simulation

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, console: Console) -> Iterator[Self]:
        """Yield a reporter; the run folder appears when the block ends without an error.

        Raises:
            RunError: The folder exists and may not be replaced.
        """
        with run_folder(settings.paths.log_dir_of_current_run, overwrite=settings.output.overwrite) as folder:
            yield cls(folder, settings, console)

    def probes(self, spiking: Graph) -> Probes:
        """Return what ``log_vars`` needs recorded."""
        names, seed = self._settings.output.log_vars, self._settings.simulation.seed
        self._logs = LogWriter(self.folder / "log_vars", names, spiking, seed)
        return self._logs.probes(Probes())

    def log(self, number: int, batch: Batch) -> None:
        """Write what ``log_vars`` selects of a batch."""
        if self._logs is not None:
            self._logs.write(batch)

    def write(self, collector: Collector, networks: Networks, samples: RunSamples) -> Results:
        """Write results, curves, figures and report, and return the results."""
        results = collector.results(self._run_info(networks))
        counts = results.operations
        results = replace(results, energy=energies(counts.ann_counts, counts.snn_counts, self._profiles))
        material = Material(
            results,
            sample=self._sample(networks, samples),
            normalization=self._normalization(networks, samples),
            class_names=() if samples.test is None else samples.test.class_names,
            config=to_ini(self._settings),
            simple_labels=self._settings.output.use_simple_labels,
            details=self.details,
            labels_of_samples=None if samples.test is None else samples.test.classes,
        )
        output = self._settings.output
        write_run(self.folder, material, output.plot_vars, output.plotproperties)
        return results

    def summarize(self, results: Results) -> None:
        """Print the summary, and where the report lies."""
        if not self._settings.output.verbose:
            return
        out = RichConsole()
        for table in summary_tables(results):
            out.print(table)
        if self._settings.output.verbose > 1 and results.layers:
            out.print(layer_table(results, simple_labels=self._settings.output.use_simple_labels))
        out.print(f"report: {self._settings.paths.log_dir_of_current_run / 'report.html'}", soft_wrap=True)

    def _run_info(self, networks: Networks) -> RunInfo:
        paths, simulation = self._settings.paths, self._settings.simulation
        spiking = networks.spiking
        return RunInfo(
            label=paths.runlabel,
            model=paths.filename_ann.name if paths.filename_ann else "",
            backend=simulation.simulator if spiking is not None and self._settings.tools.simulate else "",
            spike_code="" if spiking is None else spiking.attributes["spike_code"],
            seed=simulation.seed,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            versions={
                "snntoolbox": snntoolbox.__version__,
                "python": platform.python_version(),
                **{name: version(name) for name in LIBRARIES if _is_installed(name)},
            },
            timing=dict(self._console.seconds),
            deviation=self.deviation,
            warnings=tuple(dict.fromkeys(self._console.warnings)),
        )

    def _sample(self, networks: Networks, samples: RunSamples) -> SampleView | None:
        """Simulate the first test sample alone, with everything recorded, if a figure shows it."""
        settings, spiking, test = self._settings, networks.spiking, samples.test
        wanted = settings.output.plot_vars & SAMPLE_FIGURES
        if not wanted or spiking is None or test is None or not settings.tools.simulate:
            return None
        x = test.take(1).array()
        firing = tuple(name for name in spiking.neurons if name in thresholds(spiking))
        potentials = firing if "v_mem" in wanted and make_backend(settings).capabilities.potentials else ()
        backend = self.backend or make_backend(settings)  # the same again: compiling may take long
        record = simulate(
            spiking,
            encoding_code(settings, spiking).encode(x, np.zeros(1, np.int64)),
            backend=backend,
            num_steps=settings.simulation.num_steps,
            seed=settings.simulation.seed,
            dt_ms=settings.simulation.dt,
            probes=Probes(spikes=firing, potentials=potentials),
        )
        layers = networks.compared_layers
        values = evaluate(networks.normalized, x, nodes=layers) if networks.normalized is not None and layers else {}
        index = settings.simulation.sample_idxs_to_test[0] if settings.simulation.sample_idxs_to_test else 0
        return SampleView(
            record=record,
            x=x[0],
            index=index,
            label=_label(test),
            activations={name: value[0] for name, value in values.items()},
            rates={name: free_rates(spiking, record, name)[0] for name in firing if name in record.messages},
            thresholds=thresholds(spiking),
        )

    def _normalization(self, networks: Networks, samples: RunSamples) -> Mapping[str, LayerScale]:
        """Return activations of some samples before and after normalisation, if a figure shows them."""
        calibration, before, after = networks.calibration, networks.prepared, networks.normalized
        if "normalization_activations" not in self._settings.output.plot_vars:
            return {}
        if calibration is None or before is None or after is None:
            return {}
        layers = tuple(name for name in calibration.layers if name in after)
        x = samples.compared
        old, new = evaluate(before, x, nodes=layers), evaluate(after, x, nodes=layers)
        scales = calibration.scales
        return {name: LayerScale(old[name].ravel(), new[name].ravel(), scales[name]) for name in layers}


def cost_profiles(settings: Settings) -> tuple[CostProfile, ...]:
    """Return the prices that ``[cost]`` asks for.

    Raises:
        RunError: There is no such profile.
        DataError: The file of profiles cannot be read, or something in it is wrong.
    """
    cost = settings.cost
    path = None if cost.profile_file is None else settings.paths.path_wd / cost.profile_file.expanduser()
    try:
        return load_profiles(cost.profiles, path, weight_bits=cost.weight_bits, activation_bits=cost.activation_bits)
    except RegistryError as error:
        raise RunError(f"[cost] profiles: {error}") from error


def _label(test: Dataset) -> str:
    """Return the class of the first sample; empty if it is not known."""
    if test.classes is None:
        return ""
    number = int(test.classes[0])
    return test.class_names[number] if number < len(test.class_names) else str(number)


def _is_installed(name: str) -> bool:
    from importlib.metadata import PackageNotFoundError

    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
