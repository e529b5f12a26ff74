"""The backends: what each simulator behind pyNN can run, its settings, and whether it is there. Loads none of them."""

from __future__ import annotations

import shutil
from abc import abstractmethod
from dataclasses import fields
from importlib import util
from typing import Annotated, ClassVar

from pydantic import Field

from snntoolbox.backends.base import Backend, Capabilities, Simulation
from snntoolbox.backends.brian2.backend import Brian2Backend
from snntoolbox.backends.pynn.driver import Driver
from snntoolbox.config.settings.option_types import Section
from snntoolbox.errors import Problem
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import OPS, Spiking, SpikingMaxPool
from snntoolbox.neurons import IntegrateAndFire

__all__ = ["NestBackend", "NestSettings", "NeuronBackend", "PyNNBackend", "PyNNBrian2Backend"]

_CAPABILITIES = Capabilities(
    ops=frozenset(name for name, op in OPS.items() if op.linear),
    neurons=frozenset({"Accumulator", "IntegrateAndFire"}),
    exact=True,
)
_PARAMETERS = frozenset(("threshold", "amplitude", "reset", "refractory_steps", "leak_factor", "initial_potential"))
_HINTS = {"clamp_steps": "Unset [paths] filename_clamp_indices, or use the backend brian2."}


class PyNNBackend(Backend):
    """What the simulators behind pyNN have in common: spikes that take a step to arrive, and no size of their own."""

    capabilities: ClassVar[Capabilities] = _CAPABILITIES

    @abstractmethod
    def driver(self) -> type[Driver]:
        """Import the simulator and return its driver."""

    def check(self, graph: Graph) -> list[Problem]:
        """Return every node of a converted graph that the simulator cannot run."""
        problems = []
        for problem in super().check(graph):
            pooling = any(f"{n}" in problem.where for n in graph.nodes if isinstance(n.op, SpikingMaxPool))
            hint = "Set [conversion] max2avg_pool = True, or use the backend brian2." if pooling else problem.hint
            problems.append(Problem(problem.where, problem.what, hint))
        for node in graph.nodes:
            if isinstance(node.op, Spiking) and isinstance(node.op.model, IntegrateAndFire):
                refused = [*self._unknown_parameters(node.op.model), *self.refuse(node.op.model)]
                problems += [Problem(f"node {node}", what, hint) for what, hint in refused]
        return problems

    def _unknown_parameters(self, model: IntegrateAndFire) -> list[tuple[str, str]]:
        """Name parameters that no simulator here has, where they differ from their defaults."""
        return [
            (f"{f.name} of IntegrateAndFire is not supported by {self.name}.", _HINTS.get(f.name, ""))
            for f in fields(model)
            if f.name not in _PARAMETERS and getattr(model, f.name) is not f.default
        ]

    def refuse(self, model: IntegrateAndFire) -> list[tuple[str, str]]:
        """Return what of a neuron this simulator cannot do, each with what to do about it."""
        del model  # it can do all
        return []

    def _compile(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> Simulation:
        from snntoolbox.backends.pynn.simulation import PyNNSimulation

        return PyNNSimulation(
            graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed, driver=self.driver(), settings=self.settings
        )


class NestSettings(Section):
    """Resources of the simulator NEST."""

    threads: Annotated[
        int,
        Field(
            ge=1,
            description="Number of threads that NEST simulates with; at most the number of processor cores, since "
            "threads that have to wait for a core wait busily.",
        ),
    ] = 1
    processes: Annotated[
        int,
        Field(
            ge=1,
            description="Number of MPI processes that NEST is spread over, on one machine or several, each with "
            "`threads` threads. Needs a NEST that was built with MPI.",
        ),
    ] = 1
    launcher: Annotated[
        str,
        Field(
            description="The command that starts MPI processes, if there are to be several; `{processes}` stands for "
            "their number. Such as `srun -n {processes}` on a cluster."
        ),
    ] = "mpirun -n {processes}"


class NestBackend(PyNNBackend):
    """NEST."""

    name: ClassVar[str] = "nest"
    settings_type: ClassVar[type[NestSettings]] = NestSettings
    settings: NestSettings

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what is missing and how to get it, or None."""
        missing = _missing("pyNN", "nest")
        return f"{missing} not installed; pip install 'snntoolbox[pynn]'" if missing else None

    def driver(self) -> type[Driver]:
        """Return what drives NEST: in this process, once NEST is imported, or in processes of its own."""
        if self.settings.processes > 1:
            from snntoolbox.backends.pynn.processes import NestProcesses

            return NestProcesses
        from snntoolbox.backends.pynn.nest import NestDriver

        return NestDriver

    def refuse(self, model: IntegrateAndFire) -> list[tuple[str, str]]:
        """Return what of a neuron NEST cannot do."""
        if model.reset == "modulo":
            hint = "Set [cell] reset = Reset by subtraction or Reset to zero, or use the backend brian2."
            return [("NEST has no neuron with reset by modulo.", hint)]
        if model.reset == "subtract" and model.refractory_steps:
            hint = "Set [cell] tau_refrac = 0 or reset = Reset to zero, or use the backend brian2."
            return [("NEST's neuron with reset by subtraction keeps the input of its refractory period.", hint)]
        return []


class PyNNBrian2Backend(PyNNBackend):
    """Brian2 through pyNN: slower than the backend `brian2`, and a test of what pyNN adds."""

    name: ClassVar[str] = "pynn_brian2"

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what is missing and how to get it, or None."""
        missing = _missing("pyNN")
        return (
            f"{missing} not installed; pip install 'snntoolbox[pynn]'" if missing else Brian2Backend.why_unavailable()
        )

    def driver(self) -> type[Driver]:
        """Import Brian2 and return its driver."""
        from snntoolbox.backends.pynn.brian2 import PyNNBrian2Driver

        return PyNNBrian2Driver


class NeuronBackend(PyNNBackend):
    """NEURON. Every synapse is an object of Python, so it is for small networks."""

    name: ClassVar[str] = "neuron"

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what is missing and how to get it, or None."""
        if _missing("neuron"):
            return "NEURON is not installed; pip install 'snntoolbox[neuron]'; it needs a C++ compiler once"
        from snntoolbox.backends.pynn.mechanisms import compiler, library_path

        if not library_path().is_file() and (compiler() is None or shutil.which("c++") is None):
            return "NEURON's neurons have to be compiled once, with a C++ compiler (c++), which was not found"
        return None

    def driver(self) -> type[Driver]:
        """Import NEURON and return its driver."""
        from snntoolbox.backends.pynn.neuron import NeuronDriver

        return NeuronDriver


def _missing(*modules: str) -> str:
    """Name the modules that are not installed, as the subject of a sentence."""
    missing = [module for module in modules if util.find_spec(module) is None]
    return f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'}" if missing else ""
