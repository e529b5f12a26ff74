"""TensorFlow backend: the graph as one compiled loop over time. The original toolbox called it INI.

* `plan`: what is constant over time, what is computed in one go
* `schedule`: batches, steps at a time, and whether XLA pays off
* `network`: the loop over time; `segment`: a piece of a step; `neurons`, `pooling`, `regular`, `stimuli`, `noise`,
  `windows`, `totals`: what happens in it
* `simulation`, `recording`: batches in, records out
* `layerwise`, `layerwise_simulation`, `patterns`: networks whose layers send one after the other

TensorFlow is imported when a graph is compiled.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, ClassVar

from snntoolbox.backends.base import Backend, Capabilities, Simulation
from snntoolbox.backends.tensorflow.settings import TensorFlowSettings
from snntoolbox.ir import Graph
from snntoolbox.registry import CODES

__all__ = ["TensorFlowBackend", "TensorFlowSettings"]


class TensorFlowBackend(Backend):
    """Fast simulation of everything the package defines, in float32 or float64."""

    name: ClassVar[str] = "tensorflow"
    capabilities: ClassVar[Capabilities] = Capabilities(codes=frozenset(CODES.builtins))
    settings_type: ClassVar[type[Any] | None] = TensorFlowSettings

    @classmethod
    def why_unavailable(cls) -> str | None:
        """Return what is missing, or None."""
        return None if find_spec("tensorflow") else "TensorFlow is not installed: pip install tensorflow"

    def _compile(self, graph: Graph, *, batch_size: int, dt_ms: float, seed: int) -> Simulation:
        from snntoolbox.backends.tensorflow.layerwise_simulation import LayerwiseSimulation
        from snntoolbox.backends.tensorflow.simulation import TensorFlowSimulation

        if CODES.load(graph.attributes["spike_code"]).layered:
            return LayerwiseSimulation(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed, settings=self.settings)
        return TensorFlowSimulation(graph, batch_size=batch_size, dt_ms=dt_ms, seed=seed, settings=self.settings)
