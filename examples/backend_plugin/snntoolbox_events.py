"""A simulator for SNN Toolbox that works only where something spikes, as a plug-in of one file.

In each step a layer's messages become a sparse vector, and one product with the sparse synapses adds them up: its cost
is the number of synaptic operations. Good for networks with few spikes; plain enough to copy as a start of your own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from snntoolbox.backends import Backend, Capabilities, Probes, Simulation
from snntoolbox.backends.base import RawRecord
from snntoolbox.backends.connections import connect, constant_current
from snntoolbox.codes import Stimulus
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import OPS
from snntoolbox.neurons import Clock, State
from snntoolbox.neurons.noise import stream_key


class EventBackend(Backend):
    """Sparse products in float64, so spike counts are the reference's."""

    name: ClassVar[str] = "events"
    # Max-pooling needs all inputs of a window at once, which this simulator does not have: refused by name.
    capabilities: ClassVar[Capabilities] = Capabilities(
        ops=frozenset(OPS) - {"SpikingMaxPool", "MaxPool"},
        neurons=frozenset({"Accumulator", "IntegrateAndFire"}),
        exact=True,
    )

    def _compile(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> Simulation:
        return EventSimulation(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)


class EventSimulation(Simulation):
    """Synapses as sparse matrices, neurons by the toolbox's own steps."""

    def __init__(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> None:
        super().__init__(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)
        body = self.head.body
        self._models = {name: body[name].op.model for name in body.neurons}
        self._biases = {name: constant_current(body, name).reshape(1, -1) for name in body.neurons}
        self._synapses: dict[str, list[tuple[str, Any]]] = {
            name: [
                (s.source, sparse.csr_array((s.weight, (s.pre, s.post)), (body.size(s.source), body.size(name))))
                for s in connect(body, name)
            ]
            for name in body.neurons
        }
        self._states: dict[str, State] = {}

    def reset(self) -> None:
        """Forget all states; the next run makes them anew."""
        self._states = {}

    def _run(self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        batch, ids = len(next(iter(stimuli.values()))), next(iter(stimuli.values())).sample_ids
        shapes = {name: (batch, *self.graph.shapes[name]) for name in self._models}
        for name, model in self._models.items():
            known = self._states.get(name)
            if name in self.head.readouts or known is None or len(known["potential"]) != batch:
                self._states[name] = model.init_state(shapes[name])  # output layers start afresh in every run
        spikes = {name: np.zeros(shape) for name, shape in shapes.items()}
        sums = {name: np.zeros(shape) for name, shape in shapes.items()}
        kept: dict[tuple[str, str], list[Any]] = {}
        frames = {name: one.frames(num_steps, self.seed) for name, one in stimuli.items()}

        for step in range(1, num_steps + 1):
            sent = {name: np.asarray(next(frame), float).reshape(batch, -1) for name, frame in frames.items()}
            for name, model in self._models.items():
                current = np.repeat(self._biases[name], batch, axis=0)
                for source, weights in self._synapses[name]:
                    current += (sparse.csr_array(sent[source]) @ weights).toarray()
                clock = Clock(step, stream_key(self.seed, name), ids)
                emission, state = model.step(self._states[name], current.reshape(shapes[name]), clock)
                self._states[name] = state
                sent[name] = emission.message.reshape(batch, -1)
                spikes[name] += emission.spikes
                sums[name] += emission.message
                if name in probes.spikes:
                    kept.setdefault(("spikes", name), []).append(emission.spikes.astype(np.int8))
                if name in probes.potentials:
                    kept.setdefault(("potentials", name), []).append(state["potential"])
                if name in probes.totals:
                    weight = probes.totals[name]
                    total = emission.spikes if weight is None else emission.spikes * weight
                    kept.setdefault(("totals", name), []).append(total.reshape(batch, -1).sum(axis=1))
            if probes.outputs_over_time or step == num_steps:
                for name in self.head.readouts:
                    is_potential = self._models[name].readout == "potential"
                    value = self._states[name]["potential"] if is_potential else sums[name].copy()
                    kept.setdefault(("readouts", name), []).append(value)

        def stacked(kind: str) -> dict[str, Any]:
            return {name: np.stack(rows) for (k, name), rows in kept.items() if k == kind}

        counts = {name: values.astype(np.int64) for name, values in spikes.items()}
        rest = (stacked(kind) for kind in ("spikes", "potentials", "totals"))
        return RawRecord(stacked("readouts"), counts, sums, *rest)
