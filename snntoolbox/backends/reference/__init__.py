"""Reference backend: the plain NumPy loop in float64 that every other backend is compared with.

No caching, no fusing, no tricks: each step evaluates the graph node by node, and neurons take their defining step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from snntoolbox.backends.base import Backend, Capabilities, RawRecord, Simulation, decided_at
from snntoolbox.backends.kernels import apply_op
from snntoolbox.backends.readout import STEPS_BETWEEN
from snntoolbox.backends.record import Array, Probes
from snntoolbox.backends.reference.constants import without_constants
from snntoolbox.backends.reference.pooling import MaxPoolState
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Input, Spiking, SpikingMaxPool
from snntoolbox.neurons import Clock, NeuronModel, State
from snntoolbox.neurons.noise import stream_key
from snntoolbox.registry import CODES

__all__ = ["ReferenceBackend", "ReferenceSimulation"]


class ReferenceBackend(Backend):
    """NumPy, float64, plain: the oracle."""

    name: ClassVar[str] = "reference"
    capabilities: ClassVar[Capabilities] = Capabilities(
        codes=frozenset(CODES.builtins),
        exact=True,
    )

    def _compile(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> Simulation:
        return ReferenceSimulation(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)


class ReferenceSimulation(Simulation):
    """A graph with the state of its neurons.

    Attributes:
        margins: After a run: layer -> smallest distance of the potential before reset from a threshold over all steps,
            shape (batch, *shape). Where it is tiny, float32 may decide otherwise.
    """

    def __init__(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> None:
        super().__init__(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)
        self._body = self.head.body
        self._readouts = frozenset(self.head.readouts)
        self._later = without_constants(self._body) if self.code.layered else {}
        self._states: dict[str, State] = {}
        self.margins: dict[str, Array] = {}

    def reset(self) -> None:
        """Return every neuron to its initial state."""
        self._states = {}

    def _run(self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        batch = len(next(iter(stimuli.values())))
        ids = next(iter(stimuli.values())).sample_ids
        layers = {name: self._model(name) for name in self._body.neurons}
        self._start(layers, batch)
        pools = {n.name: MaxPoolState(n.op) for n in self._body.nodes if isinstance(n.op, SpikingMaxPool)}
        log = _Log(self._body, layers, batch, probes, num_steps)
        streams = {name: one.frames(num_steps, self.seed) for name, one in stimuli.items()}
        for step in range(1, num_steps + 1):
            values: dict[str, Array] = {name: np.asarray(next(s), np.float64) for name, s in streams.items()}
            for node in self._body.nodes:
                if isinstance(node.op, Spiking):
                    clock = Clock(step, stream_key(self.seed, node.name), ids)
                    values[node.name] = self._fire(node, layers[node.name], values[node.inputs[0]], clock, log)
                elif isinstance(node.op, SpikingMaxPool):
                    values[node.name] = pools[node.name].step(values[node.inputs[0]], step)
                elif not isinstance(node.op, Input):
                    op = node.op if step == 1 else self._later.get(node.name, node.op)
                    values[node.name] = apply_op(op, *(values[source] for source in node.inputs))
            log.decisions = self._decisions()
            over = log.decided() and not probes.potentials
            if probes.outputs_over_time or step == num_steps or over:
                log.read(self.head.readouts, self._states)
            if over:
                break
            if self.may_stop and step % STEPS_BETWEEN == 0 and self.decided(log.readouts()):
                log.end(step)
                break
        return log.result()

    def _decisions(self) -> dict[str, Array]:
        """Return in which step the output layers that decide have done so."""
        return {name: self._states[name]["decision"] for name in self._readouts if "decision" in self._states[name]}

    def _model(self, name: str) -> NeuronModel:
        op = self._body[name].op
        if not isinstance(op, Spiking):
            raise TypeError(name)
        return op.model

    def _start(self, layers: Mapping[str, NeuronModel], batch: int) -> None:
        """Give fresh states to output layers, and to all others that have none or one of another batch size."""
        self.margins = {}
        for name, model in layers.items():
            kept = self._states.get(name)
            if name in self._readouts or kept is None or len(next(iter(kept.values()))) != batch:
                self._states[name] = model.init_state((batch, *self._body.shapes[name]))

    def _fire(self, node: Node, model: NeuronModel, current: Array, clock: Clock, log: _Log) -> Array:
        before = self._states[node.name]
        emission, after = model.step(before, current, clock)
        self._states[node.name] = after
        self._measure_margin(node.name, model, before, current)
        log.layer(node.name, emission.message, emission.spikes, after)
        return emission.message

    def _measure_margin(self, name: str, model: NeuronModel, before: State, current: Array) -> None:
        margin = model.margin(before, current)
        if margin is None:
            return
        self.margins[name] = np.minimum(self.margins.get(name, np.inf), margin)


class _Log:
    """Collects what a run records, of each sample up to its decision.

    Attributes:
        decisions: Output layer that decides -> in which step it did, as in `RawRecord`.
        times: Layer that holds its messages -> steps of its spikes, as in `RawRecord`.
    """

    def __init__(
        self, body: Graph, layers: Mapping[str, NeuronModel], batch: int, probes: Probes, num_steps: int
    ) -> None:
        self._probes, self._models, self._num_steps = probes, layers, num_steps
        self.decisions: dict[str, Array] = {}
        self.times: dict[str, Array] = {}
        self._spikes = {name: np.zeros((batch, *body.shapes[name])) for name in layers}
        self._messages = {name: np.zeros((batch, *body.shapes[name])) for name in layers}
        self._over_time: dict[tuple[str, str], list[Array]] = {}

    def _append(self, kind: str, name: str, value: Array) -> None:
        self._over_time.setdefault((kind, name), []).append(value)

    def layer(self, name: str, message: Array, spikes: Array, state: State) -> None:
        """Count what a layer sent in a step."""
        if self.decisions:
            going_on = (decided_at(self.decisions) == 0).reshape(-1, *(1,) * (spikes.ndim - 1))
            spikes, message = spikes * going_on, message * going_on
        if self._models[name].emits == "held":
            message = message * spikes  # counts once
            self.times[name] = state["time"]
        self._spikes[name] += spikes
        self._messages[name] += message
        if name in self._probes.spikes:
            self._append("spikes", name, spikes.astype(np.int8))
        if name in self._probes.potentials:
            self._append("potentials", name, state["potential"])
        if name in self._probes.totals:
            weight = self._probes.totals[name]
            weighted = spikes if weight is None else spikes * weight
            self._append("totals", name, weighted.reshape(len(spikes), -1).sum(axis=1))

    def decided(self) -> bool:
        """Return whether nothing more will happen in any sample."""
        return bool(self.decisions) and bool(decided_at(self.decisions).all())

    def read(self, readouts: tuple[str, ...], states: Mapping[str, State]) -> None:
        """Read the output layers."""
        for name in readouts:
            is_potential = self._models[name].readout == "potential"
            value = states[name]["potential"] if is_potential else self._messages[name].copy()
            self._append("readouts", name, value)

    def readouts(self) -> dict[str, Array]:
        """Return what was read of the output layers so far."""
        return {name: np.stack(rows) for (kind, name), rows in self._over_time.items() if kind == "readouts"}

    def end(self, num_steps: int) -> None:
        """Take the run for one of fewer steps."""
        self._num_steps = num_steps

    def result(self) -> RawRecord:
        """Return all that was collected; after the last decision outputs stay and nothing is sent."""

        def stack(kind: str) -> dict[str, Any]:
            return {name: self._filled(kind, rows) for (k, name), rows in self._over_time.items() if k == kind}

        return RawRecord(
            readouts=stack("readouts"),
            spike_counts={name: counts.astype(np.int64) for name, counts in self._spikes.items()},
            messages=self._messages,
            spike_trains=stack("spikes"),
            potentials=stack("potentials"),
            totals=stack("totals"),
            decisions=self.decisions,
            times=self.times,
        )

    def _filled(self, kind: str, rows: list[Array]) -> Array:
        """Return the rows of a run, and of the steps that it ended before."""
        if kind == "readouts" and not self._probes.outputs_over_time:
            return rows[-1][None]
        rest = rows[-1] if kind == "readouts" else np.zeros_like(rows[-1])
        return np.stack([*rows, *[rest] * (self._num_steps - len(rows))])
