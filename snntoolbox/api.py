"""The steps of the pipeline as functions, for use from Python: parse, evaluate, convert, simulate.

Stable from here on. `snntoolbox.run` takes a config file through all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.base import Backend, Simulation
from snntoolbox.backends.record import Probes, Record
from snntoolbox.codes.base import SpikeCode
from snntoolbox.codes.stimulus import Stimulus
from snntoolbox.conversion import Conversion, code_of
from snntoolbox.errors import BackendUnavailableError, ConversionError, DataError, SimulationError
from snntoolbox.frontends.base import find_frontend
from snntoolbox.ir.evaluate import evaluate
from snntoolbox.ir.graph import Graph
from snntoolbox.ir.io import is_graph_file, load_graph
from snntoolbox.passes.schedule_windows import NUM_STEPS
from snntoolbox.registry import BACKENDS, CODES, FRONTENDS, suggest

__all__ = ["convert", "encode", "evaluate", "load_backend", "parse", "simulate"]

Array = NDArray[Any]
Samples = Array | Mapping[str, Array]


def parse(model: Any, *, frontend: str | None = None, **options: Any) -> Graph:
    """Read a trained network into a graph.

    Args:
        model: A model object, a model file, or a graph file saved by the toolbox.
        frontend: Name of the frontend; found from the file's suffix or the object's type unless given.
        options: Of the frontend, such as ``custom_objects`` for Keras.

    Raises:
        UnsupportedError: The model holds layers that cannot be taken; all are listed.
        DataError: The file does not exist or is damaged.
    """
    if isinstance(model, str | PathLike) and Path(model).is_file() and is_graph_file(Path(model)):
        return load_graph(Path(model))
    reader = type(find_frontend(model)) if frontend is None else FRONTENDS.load(frontend)
    graph: Graph = reader(**options).parse(model)
    return graph


def convert(graph: Graph, x_norm: Any = None, *, spike_code: str = "rate", **options: Any) -> Graph:
    """Turn a network into a spiking one: fold, normalise, insert neurons.

    Args:
        graph: The parsed network.
        x_norm: Samples for normalisation, shape (num_samples, *sample shape), or an iterable that yields the same
            batches each time it is gone through. Without them activations are taken to be normalised already.
        spike_code: Registered name of a spike code.
        options: Of `snntoolbox.conversion.Conversion` (``percentile``, ``channel_wise``, ``max2avg_pool``, ...) and of
            the spike code (for ``rate``: ``threshold``, ``reset``, ``initial_potential``, ``output``, ...).

    Raises:
        ConversionError: An option is unknown, or the network cannot be converted as asked.
        UnsupportedError: The network holds activations without a spiking counterpart; all are listed.
        DeviationError: A step that promises to keep the function did not.
    """
    code_type: type[SpikeCode] = CODES.load(spike_code)
    code_names = {f.name for f in fields(code_type) if f.init}  # type: ignore[arg-type]
    names = {f.name for f in fields(Conversion) if f.init}
    unknown = [name for name in options if name not in names | code_names]
    if unknown:
        known = sorted(names | code_names)
        hints = "".join(f" '{name}':{suggest(name, known) or ' no such option.'}" for name in unknown)
        raise ConversionError(f"unknown options of convert():{hints} Known: {', '.join(known)}")
    conversion = Conversion(**{name: value for name, value in options.items() if name in names})
    code = code_type(**{name: value for name, value in options.items() if name in code_names})
    return conversion.run(graph, x_norm, code).spiking


def load_backend(backend: str | Backend, settings: Any = None) -> Backend:
    """Return a backend by its registered name, or the given one.

    Raises:
        RegistryError: No backend has that name.
        BackendUnavailableError: Its simulator cannot be used here; the message says how to get it.
    """
    if isinstance(backend, Backend):
        return backend
    found: type[Backend] = BACKENDS.load(backend)
    reason = found.why_unavailable()
    if reason is not None:
        raise BackendUnavailableError(f"backend '{backend}' cannot be used here: {reason}")
    return found(settings)


def encode(graph: Graph, x: Samples, sample_ids: Any = None) -> dict[str, Stimulus]:
    """Return the input of a converted graph over time, one stimulus for each input node.

    Args:
        graph: A converted graph; its spike code is stored with it.
        x: Samples, shape (batch, *sample shape); for several inputs a mapping from input node to samples.
        sample_ids: Index of each sample in the data set, shape (batch,); keys the noise of stochastic input.
    """
    code = code_of(graph)
    named = x if isinstance(x, Mapping) else {graph.inputs[0]: x}
    return {name: code.encode(np.asarray(values), sample_ids) for name, values in named.items()}


def simulate(
    graph: Graph,
    x: Samples | Stimulus | Mapping[str, Stimulus],
    *,
    backend: str | Backend = "tensorflow",
    num_steps: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    dt_ms: float = 1.0,
    probes: Probes | None = None,
) -> Record:
    """Run a spiking network on all samples and return one record.

    Args:
        graph: A converted graph.
        x: Samples, shape (num_samples, *sample shape), which the graph's spike code encodes; or a stimulus, run as
            one batch. For several inputs a mapping from input node to samples or stimulus.
        backend: Registered name, or a backend with its own settings.
        num_steps: Number of time steps. Only a network whose layers send one after the other knows how many it needs;
            it takes these unless given.
        batch_size: Samples simulated at a time, at most: batches are evened out, so that none has many fewer than the
            others. 100 unless given.
        seed: Seed of stochastic input and neurons.
        dt_ms: Length of a time step in ms.
        probes: What to record beyond spike counts and outputs.

    Raises:
        UnsupportedError: The backend refuses nodes of the graph; all are listed.
        SimulationError: The input does not fit the network.
    """
    engine, num_steps = load_backend(backend), _known_steps(graph, num_steps)
    given: Mapping[str, Any] = x if isinstance(x, Mapping) else {graph.inputs[0]: x}
    count = len(next(iter(given.values())))
    stimulated = all(isinstance(one, Stimulus) for one in given.values())
    if count == 0:
        raise DataError("there are no samples to simulate; expected an array of shape (num_samples, *sample shape)")
    size = count if stimulated else _even_size(count, 100 if batch_size is None else batch_size)
    with engine.compile(graph, batch_size=size, dt_ms=dt_ms, seed=seed) as simulation:
        if stimulated:
            return simulation.run(given, num_steps, probes)
        return Record.concatenate(list(_records(simulation, given, num_steps, probes)))


def _even_size(count: int, largest: int) -> int:
    """Return the size of batches that are as many as of the largest size, but nearly equal: the last is filled up."""
    return math.ceil(count / math.ceil(count / largest)) if largest > 0 else largest


def _known_steps(graph: Graph, given: int | None) -> int:
    """Return the number of steps that was given, or that the graph needs."""
    needed = graph.attributes.get(NUM_STEPS)
    if given is None and needed is None:
        raise SimulationError("expected num_steps, the number of time steps that the network is to be simulated for")
    return int(needed or 0) if given is None else given


def _records(simulation: Simulation, x: Mapping[str, Array], num_steps: int, probes: Probes | None) -> Iterator[Record]:
    """Yield the record of one batch after the other."""
    count = len(next(iter(x.values())))
    for start in range(0, count, simulation.batch_size):
        ids = np.arange(start, min(start + simulation.batch_size, count))
        batch = {name: np.asarray(values)[ids[0] : ids[-1] + 1] for name, values in x.items()}
        simulation.reset()
        yield simulation.run(encode(simulation.graph, batch, ids), num_steps, probes)
