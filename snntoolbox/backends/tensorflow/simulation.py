"""Runs of a compiled network: batches in, records out."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf

from snntoolbox.backends.base import RawRecord, Simulation
from snntoolbox.backends.record import Array, Probes
from snntoolbox.backends.tensorflow.network import Network
from snntoolbox.backends.tensorflow.plan import make_plan
from snntoolbox.backends.tensorflow.recording import Recording
from snntoolbox.backends.tensorflow.schedule import chunk_steps, legs, padded_batch, pays_off
from snntoolbox.backends.tensorflow.segment import Fixed, States
from snntoolbox.backends.tensorflow.settings import TensorFlowSettings
from snntoolbox.backends.tensorflow.setup import Setup, Source, Wanted
from snntoolbox.codes import PoissonSpikes, Stimulus
from snntoolbox.errors import SimulationError
from snntoolbox.ir import Graph

__all__ = ["TensorFlowSimulation"]

LOGGER = logging.getLogger(__name__)
COMPILE_ERRORS = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError, tf.errors.InternalError)


@dataclass(frozen=True, eq=False)
class _End:
    """Where a run ended, from which the next one may go on: the samples, the network, and all it knew."""

    batch: int
    network: Network
    fixed: Fixed
    states: States
    num_steps: int


class TensorFlowSimulation(Simulation):
    """A graph with the states of its neurons, and the networks compiled for it.

    Attributes:
        xla: Whether XLA is used.
    """

    def __init__(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int, settings: TensorFlowSettings) -> None:
        super().__init__(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)
        self.xla = settings.xla == "on" or (settings.xla == "auto" and pays_off(self.head.body, batch_size))
        self._settings = settings
        self._networks: dict[Any, Network] = {}
        self._end: _End | None = None

    def reset(self) -> None:
        """Return every neuron to its initial state."""
        self._end = None

    def close(self) -> None:
        """Release the compiled networks and the states."""
        super().close()
        self._networks, self._end = {}, None

    def _run(self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        if self._settings.precision == "float32" and num_steps > 2**24:
            raise SimulationError(
                f"expected at most {2**24} steps, up to which float32 counts exactly, got {num_steps}; "
                "set [tensorflow] precision = float64"
            )
        try:
            return self._simulate(stimuli, num_steps, probes)
        except COMPILE_ERRORS as error:
            if not self.xla:
                raise
            reason = str(error).splitlines()[0]
            if self._settings.xla == "on":
                raise SimulationError(
                    f"XLA cannot compile this network: {reason} Set [tensorflow] xla = off."
                ) from error
            LOGGER.warning("XLA cannot compile this network, so it runs slower without: %s", reason)
            self.xla, self._networks = False, {}
            return self._simulate(stimuli, num_steps, probes)

    def _simulate(self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        batch = len(next(iter(stimuli.values())))
        network, carried = self._network(stimuli, num_steps, probes, batch)
        setup = network.setup
        recording = Recording(setup, batch, num_steps)
        fixed, frames = self._fixed(setup, stimuli, probes), self._frames(setup, stimuli, num_steps)
        states, done, counts = carried, 0, {}
        chunk = chunk_steps(setup.plan, setup.batch, num_steps, xla=self.xla)
        fed = sum(setup.batch * setup.plan.body.size(name) * 8 for name in frames)
        may_end = bool(setup.plan.deciding) and not probes.potentials
        for leg in legs(num_steps, chunk, fed + recording.bytes_per_step, may_end=may_end or self.may_stop):
            now = {name: self._stack(setup, list(islice(frame, leg.num_steps))) for name, frame in frames.items()}
            fixed, states, rows, counts = network.leg(leg)(fixed, now, states, tf.constant(done + 1))
            recording.add(rows, done)
            done += leg.num_steps
            if may_end and recording.decided(states):
                recording.fill(done)
                break
            if self.may_stop and done < num_steps and self.decided(recording.readouts(done)):
                recording.end(done)
                break
        self._end = _End(batch, network, fixed, states, done)
        return recording.result(states, counts)

    def _network(
        self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes, batch: int
    ) -> tuple[Network, States]:
        """Return the network for a run, compiled before or now, and the states that it starts from."""
        body, sources = self.head.body, {name: Source.of(one) for name, one in stimuli.items()}
        padded, wanted = padded_batch(body, batch, self.batch_size, num_steps), Wanted.of(probes)
        carried = self._carried(batch, padded)
        key = (padded, tuple(sources.items()), wanted, bool(carried))
        if key not in self._networks:
            constant = [name for name, source in sources.items() if source.kind == "constant"]
            precision = self._settings.precision
            # In float64, neurons add up step by step as the reference does, so that even rounding is the same.
            plan = make_plan(body, constant, regular=precision == "float32" and not carried)
            setup = Setup(plan, padded, precision, self.seed, sources, wanted, self.xla)
            self._networks[key] = Network(setup)
        return self._networks[key], carried

    def _carried(self, batch: int, padded: int) -> States:
        """Return the states that outlast a run: of neurons that are not read out, for a batch of the same size."""
        end, body = self._end, self.head.body
        if end is None or end.batch != batch or end.network.setup.batch != padded:
            return {}
        states = {**end.states, **end.network.regular_states(end.fixed, tf.constant(end.num_steps))}
        kept = [name for name in body.neurons if name not in body.outputs]
        return {name: {k: v for k, v in states[name].items() if k not in ("count", "net")} for name in kept}

    def _fixed(self, setup: Setup, stimuli: Mapping[str, Stimulus], probes: Probes) -> Fixed:
        fixed: Fixed = {"constant": {}, "clipped": {}, "poisson": {}, "weights": {}}
        for name, one in stimuli.items():
            if setup.sources[name].kind == "constant":
                frame = next(iter(one.frames(1, self.seed)))
                fixed["constant"][name] = tf.constant(_pad(frame, setup.batch), setup.dtype)
            elif isinstance(one, PoissonSpikes):
                drawn = {"probability": one.probability, "message": one.message}
                fixed["poisson"][name] = {k: tf.constant(_pad(v, setup.batch)) for k, v in drawn.items()}
        weights = {name: weight for name, weight in probes.totals.items() if weight is not None}
        fixed["weights"] = {name: tf.constant(weight, setup.dtype) for name, weight in weights.items()}
        ids = np.asarray(next(iter(stimuli.values())).sample_ids).astype(np.uint32)
        fixed["sample_ids"] = tf.constant(_pad(ids, setup.batch))
        return fixed

    def _frames(self, setup: Setup, stimuli: Mapping[str, Stimulus], num_steps: int) -> dict[str, Iterator[Array]]:
        return {
            name: one.frames(num_steps, self.seed)
            for name, one in stimuli.items()
            if setup.sources[name].kind == "frames"
        }

    def _stack(self, setup: Setup, frames: list[Array]) -> tf.Tensor:
        return tf.constant(np.stack([_pad(frame, setup.batch) for frame in frames]), setup.dtype)


def _pad(values: Array, batch: int) -> Array:
    """Fill up a batch with zeros."""
    missing = batch - len(values)
    return np.pad(values, ((0, missing), *((0, 0),) * (values.ndim - 1))) if missing else values
