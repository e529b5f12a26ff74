"""The backend: what Brian2 can run, its settings, and whether it is there. Loads Brian2 only to simulate."""

from __future__ import annotations

from dataclasses import fields
from importlib import metadata
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from snntoolbox.backends.base import Backend, Capabilities, Simulation
from snntoolbox.config.settings.option_types import Section
from snntoolbox.errors import Problem
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import OPS, Spiking, SpikingMaxPool
from snntoolbox.neurons import IntegrateAndFire

__all__ = ["Brian2Backend", "Brian2Settings", "Target"]

Target = Literal["numpy", "cython", "cpp_standalone"]

_LINEAR = frozenset(name for name, op in OPS.items() if op.linear)
_PARAMETERS = frozenset(
    ("threshold", "amplitude", "reset", "refractory_steps", "leak_factor", "initial_potential", "clamp_steps")
)


class Brian2Settings(Section):
    """The section [brian2]."""

    target: Annotated[
        Target,
        Field(
            description="How Brian2 runs its equations: with NumPy, which starts at once; as Cython, compiled once and "
            "kept; or as a C++ program of its own (`cpp_standalone`), compiled for each network and number of steps, "
            "for long runs. The last two need a C++ compiler."
        ),
    ] = "numpy"


class Brian2Backend(Backend):
    """Brian2, in float64: spikes reach the next layer in the step in which they are sent, as in the reference."""

    name: ClassVar[str] = "brian2"
    capabilities: ClassVar[Capabilities] = Capabilities(
        ops=_LINEAR | {"SpikingMaxPool"},
        neurons=frozenset({"Accumulator", "IntegrateAndFire", "SignedIntegrateAndFire"}),
        exact=True,
    )
    settings_type: ClassVar[type[Brian2Settings]] = Brian2Settings
    settings: Brian2Settings

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what is missing and how to get it, or None."""
        try:
            version = metadata.version("brian2")
        except metadata.PackageNotFoundError:
            return "Brian2 is not installed; pip install 'snntoolbox[brian2]'"
        numpy = metadata.version("numpy")
        if _numbers(numpy) >= (2, 4) and _numbers(version) < (2, 10):
            return f"Brian2 {version} does not work with NumPy {numpy}; pip install 'numpy<2.4'"
        return None

    def check(self, graph: Graph) -> list[Problem]:
        """Return every node of a converted graph that Brian2 cannot run as the settings ask."""
        problems = super().check(graph)
        for node in graph.nodes:
            if isinstance(node.op, SpikingMaxPool) and self.settings.target == "cpp_standalone":
                what = "max-pooling of spikes needs Python in every step, which target cpp_standalone has not."
                hint = "Set [brian2] target = numpy or cython, or [conversion] max2avg_pool = True."
                problems.append(Problem(f"node {node}", what, hint))
            if isinstance(node.op, Spiking) and isinstance(node.op.model, IntegrateAndFire):
                problems += [Problem(f"node {node}", what) for what in _unknown_parameters(node.op.model)]
        return problems

    def _compile(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> Simulation:
        from snntoolbox.backends.brian2.simulation import Brian2Simulation

        return Brian2Simulation(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed, target=self.settings.target)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _unknown_parameters(model: IntegrateAndFire) -> list[str]:
    """Name parameters that the equations here do not have, where they differ from their defaults."""
    found = [f.name for f in fields(model) if f.name not in _PARAMETERS and getattr(model, f.name) is not f.default]
    return [f"{name} of IntegrateAndFire is not supported by brian2" for name in found]
