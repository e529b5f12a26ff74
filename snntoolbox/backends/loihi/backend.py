"""The backend `loihi`: compiles a converted graph to the chip's cores and runs them in the emulator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from snntoolbox.backends.base import Backend, Capabilities, RawRecord, Simulation
from snntoolbox.backends.loihi.compiler import Compiled, Samples, compile_graph
from snntoolbox.backends.loihi.emulator import Activity, Emulator, StepResult
from snntoolbox.backends.loihi.energy import EnergyReport, StepClock, energy_report, load_profile
from snntoolbox.backends.loihi.float_layers import NEGATIVE
from snntoolbox.backends.loihi.limits import BIAS_MANTISSA_MAX, UNIT_SHIFT
from snntoolbox.backends.loihi.mapping import LayerMap, save_mapping
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.backends.record import Array, Probes
from snntoolbox.codes import Stimulus
from snntoolbox.errors import Problem, SimulationError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import OPS, Spiking
from snntoolbox.neurons import IntegrateAndFire

__all__ = ["LoihiBackend", "LoihiSimulation"]

_LOG = logging.getLogger(__name__)
_SAVED = Path("loihi_mapping.npz")
_ROUNDING = (
    "weights have 8 bits, and input is spikes of input neurons, so that counts differ by a few; layers start late by "
    "their depth, which is made up for"
)


class LoihiBackend(Backend):
    """Loihi's integer arithmetic, core by core.

    Args:
        settings: The section [loihi].
        samples: Input -> samples that set the thresholds and weigh the traffic; without them, what the conversion has
            normalised is taken as it is.
    """

    name: ClassVar[str] = "loihi"
    capabilities: ClassVar[Capabilities] = Capabilities(
        ops=frozenset(OPS) - {"SpikingMaxPool"},
        neurons=frozenset({"IntegrateAndFire", "Accumulator"}),
        deviations={
            "equals_reference_exactly": _ROUNDING,
            "equals_reference_up_to_ties": _ROUNDING,
            "neuron_options": _ROUNDING + "; reset by modulo, and a refractory period with a soft reset, do not exist",
            "output_neurons": _ROUNDING + "; neither do spiking softmax neurons",
            "stochastic_input": _ROUNDING,
            "several_inputs": _ROUNDING,
            "reset_returns_to_fresh": _ROUNDING,
            "probes_agree_with_counts": _ROUNDING,
        },
    )
    settings_type: ClassVar[type[Any] | None] = LoihiSettings

    def __init__(self, settings: Any = None, samples: Samples | None = None) -> None:
        super().__init__(settings)
        self.samples = samples

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what is missing: SciPy, for sparse matrices."""
        return None if find_spec("scipy") else "it needs SciPy: pip install 'snntoolbox[loihi]'"

    def check(self, graph: Graph) -> list[Problem]:
        """Return every node that the chip cannot run."""
        problems = super().check(graph)
        for node in graph.nodes:
            model = node.op.model if isinstance(node.op, Spiking) else None
            if not isinstance(model, IntegrateAndFire):
                continue
            soft = self.settings.reset_mode == "soft" or (
                self.settings.reset_mode == "auto" and model.reset == "subtract"
            )
            if model.reset == "modulo" and self.settings.reset_mode == "auto":
                problems.append(Problem(f"node {node}", "the chip has no reset by modulo", "Set [loihi] reset_mode."))
            if soft and model.refractory_steps:
                hint = "Set [loihi] reset_mode = hard, or [cell] tau_refrac = 0."
                problems.append(Problem(f"node {node}", "a soft reset cannot have a refractory period", hint))
            if model.refractory_steps > 62:
                what = f"expected at most 62 refractory steps, got {model.refractory_steps}"
                problems.append(Problem(f"node {node}", what))
        return problems

    def _compile(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> Simulation:
        def build(settings: LoihiSettings) -> Compiled:
            compiled = compile_graph(graph, settings, self.samples)
            if settings.save_output:
                save_mapping(compiled.mapping, _SAVED)
            return compiled

        return LoihiSimulation(graph, build, self.settings, batch_size=batch_size, dt_ms=dt_ms, seed=seed)


class LoihiSimulation(Simulation):
    """A compiled graph in the emulator.

    Attributes:
        compiled: Network, layout and mapping.
        activity: What the chip did in the last run.
        energy: Energy and time of a sample of the last run.
    """

    def __init__(
        self,
        graph: Graph,
        build: Callable[[LoihiSettings], Compiled],
        settings: LoihiSettings,
        *,
        batch_size: int,
        dt_ms: float,
        seed: int,
    ) -> None:
        super().__init__(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed)
        self.compiled, self._build, self._settings = build(settings), build, settings
        self._profile = load_profile(settings.energy_profile)
        self._emulator: Emulator | None = None
        self.activity: Activity | None = None
        self.energy: EnergyReport | None = None

    def reset(self) -> None:
        """Return every compartment to its initial state."""
        self._emulator = None

    def _run(self, stimuli: Mapping[str, Stimulus], num_steps: int, probes: Probes) -> RawRecord:
        batch = len(next(iter(stimuli.values())))
        if self._settings.signed_input == "auto" and any(_negative(one) for one in stimuli.values()):
            self._settings = self._settings.model_copy(update={"signed_input": "yes"})
            self.compiled, self._emulator = self._build(self._settings), None
        emulator = self._emulator_for(batch)
        mapping = self.compiled.mapping
        for name in self.head.readouts:
            emulator.reset_layer(mapping.layer(name))
        log = _Log([mapping.layer(name) for name in self.graph.neurons], self.head.readouts, batch, num_steps, probes,
                   {p.name: p.feedback for p in self.compiled.network.populations})  # fmt: skip
        self.activity = emulator.new_activity()
        clock = StepClock(mapping, batch, self._profile) if self._settings.profile_performance else None
        for step in emulator.run(self._bias(stimuli, num_steps), num_steps, self.activity):
            if clock is not None:
                clock.add(step)
            log.add(step)
        self.energy = None if clock is None else energy_report(mapping, self.activity, clock, self._profile)
        if self._settings.do_overflow_estimate and (wrapped := int(self.activity.wrapped.sum())):
            _LOG.warning("%d accumulators or currents overflowed: use fewer weight bits or larger thresholds", wrapped)
        return log.result()

    def _emulator_for(self, batch: int) -> Emulator:
        if self._emulator is None or self._emulator.batch_size != batch:
            self._emulator = Emulator(self.compiled.mapping, batch, readout_interval=self._settings.readout_interval)
        return self._emulator

    def _bias(self, stimuli: Mapping[str, Stimulus], num_steps: int) -> Callable[[int], Mapping[str, Array]]:
        """Return the biases of the input neurons for each step: the value over the peak, times the threshold."""
        frames = {name: iter(one.frames(num_steps, self.seed)) for name, one in stimuli.items()}
        kept: dict[str, Array] = {}

        def bias(step: int) -> Mapping[str, Array]:
            for name, one in stimuli.items():
                if not one.constant or step == 1:
                    self._encode(name, np.asarray(next(frames[name]), np.float64), kept, steady=one.constant)
            return kept

        return bias

    def _encode(self, name: str, values: Array, kept: dict[str, Array], *, steady: bool) -> None:
        values = values.reshape(len(values), -1) / self._settings.input_peak
        signed = any(layer.name == name + NEGATIVE for layer in self.compiled.mapping.layers)
        if not signed and values.min() < 0:
            raise SimulationError(
                f"input '{name}': got negative values, which need input neurons of their own: set [loihi] signed_input"
            )
        for suffix, sign in (("", 1), (NEGATIVE, -1))[: 1 + signed]:
            threshold = self.compiled.network[name + suffix].registers.threshold + 1
            # What is above the peak stays in the voltage and is sent later, unless it goes on: then it saturates.
            largest = 1.0 if steady else (BIAS_MANTISSA_MAX << 1) / threshold.max()
            charge = np.rint(np.clip(sign * values, 0, largest) * threshold).astype(np.int32)
            kept[name + suffix] = charge << UNIT_SHIFT


def _negative(stimulus: Stimulus) -> bool:
    """Whether a stimulus has negative values."""
    values = getattr(stimulus, "values", None)
    return bool(np.min(getattr(stimulus, "trains", 0.0) if values is None else values) < 0)


class _Log:
    """Collects what a run records, each layer in steps of its own."""

    def __init__(
        self, layers: list[LayerMap], readouts: tuple[str, ...], batch: int, num_steps: int, probes: Probes,
        feedback: Mapping[str, Array | None],
    ) -> None:  # fmt: skip
        self._layers, self._readouts, self._steps, self._probes = layers, readouts, num_steps, probes
        self._feedback = feedback
        self._spikes = {layer.name: np.zeros((batch, len(layer.spiking)), np.int64) for layer in layers}
        self._over_time: dict[tuple[str, str], list[Array]] = {}

    def add(self, step: StepResult) -> None:
        """Record one step of the chip."""
        for layer in self._layers:
            own = step.time - layer.depth
            if 1 <= own <= self._steps:
                spikes = step.spikes[:, layer.spiking]
                self._spikes[layer.name] += spikes
                self._probe(layer, spikes, step)
                if layer.name in self._readouts and (self._probes.outputs_over_time or own == self._steps):
                    self._append("readouts", layer, self._read(layer, step))

    def _read(self, layer: LayerMap, step: StepResult) -> Array:
        if layer.kind == "readout":
            return np.asarray((step.host[layer.name] + step.voltage[:, layer.charged]) * layer.volt)
        return np.asarray(self._spikes[layer.name] * layer.message)

    def _probe(self, layer: LayerMap, spikes: Array, step: StepResult) -> None:
        probes, name = self._probes, layer.name
        if name in probes.spikes:
            self._append("spikes", layer, spikes.astype(np.int8))
        if name in probes.potentials:
            voltage = step.voltage[:, layer.charged] + step.host.get(name, np.zeros((), np.int64))
            feedback = self._feedback[name]
            if feedback is not None:  # it arrives in the next step
                voltage = voltage - spikes * (feedback.astype(np.int64) << UNIT_SHIFT)
            self._append("potentials", layer, voltage * layer.volt)
        if name in probes.totals:
            weight = probes.totals[name]
            weighted = spikes if weight is None else spikes * np.asarray(weight).reshape(-1)
            self._over_time.setdefault(("totals", name), []).append(weighted.sum(axis=1).astype(np.float64))

    def _append(self, kind: str, layer: LayerMap, value: Array) -> None:
        self._over_time.setdefault((kind, layer.name), []).append(value.reshape(-1, *layer.shape))

    def result(self) -> RawRecord:
        """Return all that was recorded."""

        def stack(kind: str) -> dict[str, Array]:
            return {name: np.stack(rows) for (k, name), rows in self._over_time.items() if k == kind}

        shapes = {layer.name: layer.shape for layer in self._layers}
        messages = {layer.name: self._spikes[layer.name] * layer.message for layer in self._layers}
        return RawRecord(
            readouts=stack("readouts"),
            spike_counts={name: counts.reshape(-1, *shapes[name]) for name, counts in self._spikes.items()},
            messages={name: sums.reshape(-1, *shapes[name]) for name, sums in messages.items()},
            spike_trains=stack("spikes"),
            potentials=stack("potentials"),
            totals=stack("totals"),
        )
