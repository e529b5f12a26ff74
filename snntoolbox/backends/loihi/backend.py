"""The backend `loihi`: compiles a converted graph to the chip's cores and runs them in the emulator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from snntoolbox.backends.base import Backend, Capabilities, CompileProgress, RawRecord, Simulation
from snntoolbox.backends.loihi.account import Account, ChipDetails
from snntoolbox.backends.loihi.compiler import Compiled, Samples, compile_graph
from snntoolbox.backends.loihi.emulator import Activity, Emulator
from snntoolbox.backends.loihi.energy import EnergyReport, load_profile
from snntoolbox.backends.loihi.float_layers import NEGATIVE
from snntoolbox.backends.loihi.limits import BIAS_MANTISSA_MAX, UNIT_SHIFT
from snntoolbox.backends.loihi.mapping import save_mapping
from snntoolbox.backends.loihi.run_log import RunLog
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
    wants_samples: ClassVar[int] = 200

    def __init__(self, settings: Any = None, samples: Samples | None = None) -> None:
        super().__init__(settings)
        self.samples = samples
        self._progress: CompileProgress | None = None
        self._compiled: tuple[Graph, LoihiSettings, Compiled] | None = None

    def prepare(self, samples: Samples | None = None, progress: CompileProgress | None = None) -> None:
        """Take samples that set the thresholds and weigh the traffic, and whom to tell which layer is being placed."""
        self.samples, self._progress, self._compiled = samples, progress, None

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what is missing: SciPy, for sparse matrices."""
        return None if find_spec("scipy") else "it needs SciPy: pip install 'snntoolbox[loihi]'"

    def check(self, graph: Graph) -> list[Problem]:
        """Return every node that the chip cannot run."""
        problems = [_with_hint(problem) for problem in super().check(graph)]
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
            """Compile, or return what was compiled last if it was the same."""
            if self._compiled is None or self._compiled[0] is not graph or self._compiled[1] != settings:
                self._compiled = graph, settings, compile_graph(graph, settings, self.samples, self._progress)
                if settings.save_output:
                    save_mapping(self._compiled[2].mapping, _SAVED)
            return self._compiled[2]

        return LoihiSimulation(graph, build, self.settings, batch_size=batch_size, dt_ms=dt_ms, seed=seed)


class LoihiSimulation(Simulation):
    """A compiled graph in the emulator.

    Attributes:
        compiled: Network, layout and mapping.
        activity: What the chip did in the last run.
        energy: Energy and time of a sample of the last run, in the profile of the settings.
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
        load_profile(settings.energy_profile)  # a wrong name is refused now
        self._account = self._new_account()
        self._overflowed: set[str] = set()
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
            self._account = self._new_account()
        emulator = self._emulator_for(batch)
        mapping = self.compiled.mapping
        for name in self.head.readouts:
            emulator.reset_layer(mapping.layer(name))
        log = RunLog([mapping.layer(name) for name in self.graph.neurons], self.head.readouts, batch, num_steps, probes,
                   {p.name: p.feedback for p in self.compiled.network.populations})  # fmt: skip
        self.activity = emulator.new_activity()
        if self._account is not None:
            self._account.start(batch)
        for step in emulator.run(self._bias(stimuli, num_steps), num_steps, self.activity):
            if self._account is not None:
                self._account.add(step, self.activity)
            log.add(step)
        if self._account is not None:
            constant = all(one.constant for one in stimuli.values())
            values = {name: np.asarray(next(iter(one.frames(1, self.seed)))) for name, one in stimuli.items()}
            self._account.finish(self.activity, batch, values if constant else None)
            self.energy = self._account.latest()
        if self._settings.do_overflow_estimate and self.activity.wrapped.any():
            self._warn_of_overflows(self.activity, batch)
        return log.result()

    def details(self) -> ChipDetails | None:
        """Return layout, traffic, energy and time of all runs; None before the first, or without the profiling."""
        return None if self._account is None else self._account.details()

    def _new_account(self) -> Account | None:
        chosen = self._settings.energy_profile
        return Account(self.compiled, chosen) if self._settings.profile_performance else None

    def _warn_of_overflows(self, activity: Activity, batch: int) -> None:
        """Name each layer once."""
        for layer in self.compiled.mapping.layers:
            wrapped = int(activity.wrapped[layer.charged].sum())
            if wrapped and layer.name not in self._overflowed:
                self._overflowed.add(layer.name)
                _LOG.warning(
                    "layer '%s': accumulators overflowed %d times in %d samples, so that charge changed its sign; use "
                    "fewer weight bits ([loihi] connection_kwargs) or more normalisation samples",
                    layer.name, wrapped, batch,
                )  # fmt: skip

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


def _with_hint(problem: Problem) -> Problem:
    """Say what takes the place of an op that many networks have."""
    if "SpikingMaxPool" not in problem.what:
        return problem
    return replace(problem, hint="Set [conversion] max2avg_pool = True, or train the network with average-pooling.")


def _negative(stimulus: Stimulus) -> bool:
    """Whether a stimulus has negative values."""
    values = getattr(stimulus, "values", None)
    return bool(np.min(getattr(stimulus, "trains", 0.0) if values is None else values) < 0)
