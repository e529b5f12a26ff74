"""Runs of a network whose layers send one after the other: batches in, records out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from snntoolbox.backends.base import RawRecord, Simulation
from snntoolbox.backends.record import Array, Probes
from snntoolbox.backends.tensorflow.layerwise import LayerwiseNetwork
from snntoolbox.backends.tensorflow.settings import TensorFlowSettings
from snntoolbox.backends.tensorflow.setup import Wanted
from snntoolbox.codes import Stimulus
from snntoolbox.errors import SimulationError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking
from snntoolbox.neurons import WindowedNeuron

__all__ = ["LayerwiseSimulation"]


class LayerwiseSimulation(Simulation):
    """A graph whose layers send one after the other. It keeps nothing from one run to the next.

    In float32, a value close to half a bit may be rounded otherwise than by the reference; float64 is as exact as it.
    """

    def __init__(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int, settings: TensorFlowSettings) -> None:
        super().__init__(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)
        self.xla = settings.xla == "on"  # It fuses the bits of a window, but takes seconds a layer to compile.
        self._dtype = settings.precision
        self._compiled: dict[Any, Any] = {}
        self._ends = _input_ends(self.head.body)

    def reset(self) -> None:
        """Do nothing: every run starts afresh."""

    def close(self) -> None:
        """Release the compiled networks."""
        super().close()
        self._compiled = {}

    def _run(self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        batch = len(next(iter(stimuli.values())))
        frames = {name: self._frames(name, one, num_steps) for name, one in stimuli.items()}
        weights = {n: tf.constant(weight, self._dtype) for n, weight in probes.totals.items() if weight is not None}
        found = self._network(num_steps, Wanted.of(probes), frames, weights)(frames, weights)
        over_time = ("readouts", "spike_trains", "potentials", "totals")
        rows = {kind: {name: one.numpy()[:, :batch] for name, one in found[kind].items()} for kind in over_time}
        counts = {name: one.numpy()[:batch].astype(np.int32) for name, one in found["spike_counts"].items()}
        return RawRecord(
            spike_counts=counts, messages={name: one.numpy()[:batch] for name, one in found["messages"].items()}, **rows
        )

    def _network(self, num_steps: int, wanted: Wanted, frames: Any, weights: Any) -> Any:
        """Return the network for a number of steps and what is recorded, compiled before or now."""
        key = (num_steps, wanted)
        if key not in self._compiled:
            network = LayerwiseNetwork(self.head.body, wanted, num_steps, self.xla)
            # The concrete function: TensorFlow would warn of the traces of one network after the other.
            self._compiled[key] = tf.function(network.run, autograph=False).get_concrete_function(frames, weights)
        return self._compiled[key]

    def _frames(self, name: str, stimulus: Stimulus, num_steps: int) -> tf.Tensor:
        """Return the input of the steps until it ends, filled up to a whole batch."""
        end = min(self._ends.get(name, num_steps), num_steps)
        frames: Iterator[Array] = iter(stimulus.frames(num_steps, self.seed))
        first = np.stack(list(islice(frames, end))) if end else np.zeros((0, *stimulus.shape))
        if any(frame.any() for frame in frames):
            raise SimulationError(
                f"input '{name}': expected nothing after step {end}, when the first layer that it reaches begins to "
                f"send; spike code '{self.code.name}' encodes samples so"
            )
        missing = self.batch_size - len(stimulus)
        return tf.constant(np.pad(first, [(0, 0), (0, missing), *[(0, 0)] * (first.ndim - 2)]), self._dtype)


def _input_ends(body: Graph) -> dict[str, int]:
    """Return, for each input that reaches neurons, the step after which it has to be silent.

    Raises:
        SimulationError: A layer begins before those that reach it have ended.
    """
    ends: dict[str, int] = {}
    sources = LayerwiseNetwork(body, Wanted(), 1, False).sources
    for node in body.nodes:
        model = node.op.model if isinstance(node.op, Spiking) else None
        if isinstance(model, WindowedNeuron):
            for source in sources[node.name]:
                before = body[source].op
                if not isinstance(before, Spiking):
                    ends[source] = min(ends.get(source, model.start), model.start)
                elif (
                    isinstance(before.model, WindowedNeuron) and before.model.start + before.model.window > model.start
                ):
                    raise SimulationError(
                        f"node '{node.name}' begins to send at step {model.start + 1}, before '{source}' in front of "
                        "it has ended; the pass schedule_windows sets the steps"
                    )
    return ends
