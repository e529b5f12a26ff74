"""The stages of a run, one function each. `snntoolbox.pipeline` calls them in order."""

from __future__ import annotations

import importlib
import json
import sys
import uuid
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.analysis.metric import Metric
from snntoolbox.api import load_backend
from snntoolbox.backends.base import Backend
from snntoolbox.calibration import Calibration, calibrate, calibration_key, load_calibration, save_calibration
from snntoolbox.codes.base import SpikeCode
from snntoolbox.config.load import load_backend_settings
from snntoolbox.config.settings import Settings
from snntoolbox.conversion import Conversion, code_of
from snntoolbox.data import Dataset
from snntoolbox.errors import DataError, DeviationError, Problem, RegistryError, RunError
from snntoolbox.frontends.base import Frontend, Reference, find_frontend, locate, make_frontend
from snntoolbox.ir.evaluate import Evaluator, evaluate, max_relative_deviation
from snntoolbox.ir.graph import Graph
from snntoolbox.ir.io import is_graph_file, load_graph, save_graph
from snntoolbox.passes.pipeline import OutputComparison, run_passes
from snntoolbox.pipeline.console import Console
from snntoolbox.pipeline.samples import RunSamples
from snntoolbox.registry import BACKENDS, CODES, FRONTENDS, load_object

__all__ = [
    "Source",
    "calibrated",
    "compare_with_source",
    "convert",
    "encoding_code",
    "find_source",
    "finetuned",
    "graph_outputs",
    "left_out_outputs",
    "load_converted",
    "load_metric",
    "make_backend",
    "make_code",
    "normalization_samples",
    "normalized_path",
    "parse",
    "prepare",
    "source_outputs",
]

Array = NDArray[Any]
CHUNK_BYTES = 256 * 2**20
"""Size of the input for which the source model's outputs are computed in one call."""


@dataclass(frozen=True, eq=False)
class Source:
    """The trained network, loaded by the library it was made with.

    Attributes:
        frontend: What reads it.
        model: The model object.
        path: Its file.
    """

    frontend: Frontend
    model: Any
    path: Path

    @cached_property
    def reference(self) -> Reference:
        """The network as a function from samples to what its own library answers, prepared once."""
        return self.frontend.reference(self.model)


def find_source(settings: Settings) -> Source | None:
    """Load the trained network; None if ``filename_ann`` is a saved graph, which is its own source.

    Raises:
        RunError: The config names no network.
        DataError: The file does not exist, or is damaged.
        UnsupportedError: It cannot be loaded.
    """
    if settings.paths.filename_ann is None:
        raise RunError("no network to convert: set [paths] filename_ann to a model file, such as model.keras")
    path = locate(settings.paths.filename_ann)
    if path.is_file() and is_graph_file(path):
        return None
    library = settings.input.model_lib
    kind: type[Frontend] = type(find_frontend(path)) if library == "auto" else FRONTENDS.load(library)
    if not kind().reads(path):
        raise RunError(
            f"{path} is no file of {library}, which reads {', '.join(kind.suffixes)}; set [input] model_lib = auto or "
            f"name the library that it is of"
        )
    frontend = make_frontend(kind, _frontend_options(settings))
    return Source(frontend, frontend.load(path), path)


def _frontend_options(settings: Settings) -> dict[str, Any]:
    """Return what the config says about the model file, beyond what the file does."""
    options: dict[str, Any] = {}
    if settings.paths.filepath_custom_objects is not None:
        options["custom_objects"] = _read_custom_objects(settings.paths.filepath_custom_objects)
    if settings.input.input_shape:
        options["input_shape"] = settings.input.input_shape
    if settings.input.input_layout != "auto":
        options["input_layout"] = settings.input.input_layout
    return options


def parse(settings: Settings, source: Source | None) -> Graph:
    """Return the graph of the trained network, or the one that an earlier run saved if ``parse`` is off."""
    if not settings.tools.parse:
        return load_graph(settings.paths.filename_parsed_model)
    if source is None:
        return load_graph(locate(settings.paths.filename_ann or ""))
    return source.frontend.parse(source.model).with_attributes(source=source.path.name)


def finetuned(settings: Settings, source: Source, samples: RunSamples) -> Source:
    """Return the network after fine-tuning with clamped rectifiers, on the samples for normalisation.

    Raises:
        RunError: The network is no Keras model, or there are no samples.
    """
    from snntoolbox.frontends.keras import KerasFrontend

    if not isinstance(source.frontend, KerasFrontend) or samples.norm is None:
        raise RunError(
            f"finetune_clamped trains a Keras model with the samples of x_norm, got {source.path.name} and "
            f"{'no samples' if samples.norm is None else f'{len(samples.norm)} samples'}"
        )
    from snntoolbox.training.clamped_relu import finetune_clamped

    conversion, x = settings.conversion, np.concatenate(list(samples.norm.batches(256)))
    model = finetune_clamped(source.model, x, share=conversion.clamped_share, epochs=conversion.finetune_epochs)
    return Source(source.frontend, model, source.path)


def compare_with_source(settings: Settings, source: Source, graph: Graph, samples: RunSamples) -> float:
    """Return the largest relative deviation between the outputs of the source model and of its graph on real samples.

    Raises:
        DeviationError: It is above ``[normalization] tolerance``.
    """
    x = samples.compared
    expected = source.reference(x)
    received = evaluate(graph, x, nodes=graph.outputs)
    expected_list = list(expected) if isinstance(expected, list) else [expected]
    deviation = max_relative_deviation(expected_list, [received[name] for name in graph.outputs])
    if not deviation <= settings.normalization.tolerance:
        raise DeviationError(
            f"the graph parsed from {source.path} deviates from the model by {deviation:.3g} of its largest output on "
            f"{len(x)} samples, expected at most {settings.normalization.tolerance:.3g} ([normalization] tolerance). "
            "Nothing was converted; please report this with the model."
        )
    return deviation


def source_outputs(source: Source, test: Dataset) -> Array:
    """Return the first output of the trained network for all test samples, shape (num_samples, *shape)."""
    size = max(1, CHUNK_BYTES // (4 * prod(test.shape)))

    def first(x: Array) -> Array:
        outputs = source.reference(x)
        return np.asarray(outputs[0] if isinstance(outputs, list) else outputs)

    return np.concatenate([first(x) for x in test.batches(size)])


def graph_outputs(graph: Graph, test: Dataset, batch_size: int) -> Array:
    """Return the first output of a graph for all test samples, shape (num_samples, *shape)."""
    evaluator = Evaluator(graph, graph.outputs[:1])
    return np.concatenate([values[graph.outputs[0]] for values in evaluator.stream(test.batches(batch_size))])


def left_out_outputs(graph: Graph) -> tuple[Problem, ...]:
    """Say which outputs a run does not look at: all but the first."""
    first, *others = graph.outputs
    if not others:
        return ()
    what = f"has {len(graph.outputs)} outputs; results are those of the first, '{first}', not of {', '.join(others)}."
    return (Problem("network", what, "From Python, snntoolbox.simulate() returns all of them (Record.outputs)."),)


def make_code(settings: Settings, samples: RunSamples) -> SpikeCode:
    """Return the spike code that the settings ask for; codes that need it are told the largest value of the samples."""
    kind: type[SpikeCode] = CODES.load(settings.conversion.spike_code)
    peak = 1.0
    data = samples.test if samples.norm is None else samples.norm
    if (settings.input.poisson_input or kind.needs_peak) and data is not None:
        peak = max(float(np.abs(x).max()) for x in data.batches(256)) or 1.0
    return kind.from_settings(settings, peak)


def calibrated(
    settings: Settings, prepared: Graph, code: SpikeCode, samples: RunSamples, console: Console
) -> Calibration | None:
    """Return the activations that the normalisation set causes; None if normalisation is off.

    They are kept under a key of network, samples and options, so an unchanged run does not measure them again.
    """
    if samples.norm is None:
        return None
    options = Conversion.from_settings(settings).calibration_options(code)
    folder = settings.paths.path_wd / "log" / "calibration"
    key = calibration_key(prepared, samples.norm, options)
    known = load_calibration(folder, key)
    if known is not None:
        console.note(f"  scales of an earlier run of the same network, samples and options: {folder}")
        return known
    size = settings.simulation.batch_size
    batches = console.progress(samples.norm.batches(size), -(-len(samples.norm) // size), "activations")
    calibration = calibrate(prepared, batches, **options)
    save_calibration(calibration, folder, key)
    return calibration


def prepare(settings: Settings, graph: Graph, code: SpikeCode, check: OutputComparison) -> Graph:
    """Return the graph with identities removed, batch norm folded, and layers replaced as asked."""
    return Conversion.from_settings(settings).prepare(graph, code, check)


def convert(
    settings: Settings,
    prepared: Graph,
    code: SpikeCode,
    calibration: Calibration | None,
    check: OutputComparison,
    samples: RunSamples,
) -> tuple[Graph, Graph]:
    """Return the normalised and the spiking graph, with the backend's own rewrites; save both for later runs.

    Raises:
        RunError: Rates are to be calibrated, but there are no samples of the normalisation set.
    """
    backend, conversion = make_backend(settings), Conversion.from_settings(settings)
    normalized, spiking = conversion.finish(prepared, code, calibration, check)
    if samples.norm is not None:
        x = samples.norm.take(min(conversion.refinement.num_samples, len(samples.norm))).array()
        spiking = conversion.refine(normalized, spiking, code, x)
    elif conversion.refinement.wanted:
        raise RunError("[calibration] and [readout] start = -1 need samples of x_norm: set [tools] normalize = True")
    stamp = uuid.uuid4().hex  # tells later that the two files belong together
    normalized = normalized.with_attributes(conversion=stamp)
    spiking = run_passes(spiking, backend.passes()).with_attributes(conversion=stamp)
    save_graph(normalized, normalized_path(settings))
    save_graph(spiking, settings.paths.filename_snn)
    return normalized, spiking


def load_converted(settings: Settings) -> tuple[Graph | None, Graph]:
    """Return the normalised (if its file is still there) and the spiking graph of an earlier run.

    Raises:
        RunError: The file is no spiking network.
    """
    spiking = load_graph(settings.paths.filename_snn)
    if not spiking.neurons:
        raise RunError(f"{settings.paths.filename_snn} is not a spiking network; run with [tools] convert = True first")
    path = normalized_path(settings)
    normalized = load_graph(path) if path.is_file() else None
    if normalized is not None and normalized.attributes.get("conversion") != spiking.attributes.get("conversion"):
        normalized = None  # of another conversion
    return normalized, spiking


def normalized_path(settings: Settings) -> Path:
    """Return where the normalised network is saved, beside the spiking one."""
    snn = settings.paths.filename_snn
    return snn.with_name(f"{snn.stem}_normalized{snn.suffix}")


def make_backend(settings: Settings, name: str | None = None) -> Backend:
    """Return a simulator with the options of its own section.

    Args:
        settings: The configuration.
        name: Registered name; what ``[simulation] simulator`` says unless given.

    Raises:
        BackendUnavailableError: It is not installed; the message says how to get it.
        ConfigError: Its section has mistakes.
    """
    name = BACKENDS.canonical(name or settings.simulation.simulator)
    kind: type[Backend] = BACKENDS.load(name)
    if kind.settings_type is None:
        return load_backend(name)
    return load_backend(name, load_backend_settings(settings, name, kind.settings_type))


def normalization_samples(backend: Backend, spiking: Graph, samples: RunSamples) -> dict[str, Array] | None:
    """Return samples of the input for a backend that sets itself up by them; None if it does not, or there are none."""
    if not backend.wants_samples or samples.norm is None:
        return None
    return {spiking.inputs[0]: samples.norm.take(min(backend.wants_samples, len(samples.norm))).array()}


def load_metric(settings: Settings) -> Metric | None:
    """Return the user's own measure; None if there is none. Its module may lie in the working directory.

    Raises:
        RunError: It cannot be imported, or is no function.
    """
    path, place = settings.output.metric, str(settings.paths.path_wd)
    if not path:
        return None
    sys.path.insert(0, place)
    try:
        _forget_modules_of(settings.paths.path_wd, path.partition(":")[0].partition(".")[0])
        function = load_object(path)
    except RegistryError as error:
        raise RunError(f"[output] metric: {error} Modules are looked for in {place} first.") from error
    finally:
        sys.path.remove(place)
    if not callable(function):
        raise RunError(f"[output] metric: expected a function, got {path} = {function!r}")
    return Metric(function, path.rpartition(":")[2])


def _forget_modules_of(folder: Path, name: str) -> None:
    """Have a module of the folder read again: an earlier run in this process may have had another, or an older one."""
    if (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file():
        for known in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
            del sys.modules[known]
        importlib.invalidate_caches()


def encoding_code(settings: Settings, spiking: Graph) -> SpikeCode:
    """Return the code that encodes the input: the settings' options, the peak that the network was converted with."""
    stored = code_of(spiking)
    return type(stored).from_settings(settings, getattr(stored, "peak", 1.0))


def _read_custom_objects(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"filepath_custom_objects: cannot read {path}: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(place, str) for place in content.values()):
        raise DataError(f'{path}: expected {{"Name": "package.module:Object", ...}}, got {content}')
    return {name: load_object(place) for name, place in content.items()}
