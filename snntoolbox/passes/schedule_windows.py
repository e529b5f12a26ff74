"""When each layer of a network sends, where layers send one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from snntoolbox.errors import ConversionError, Problem, UnsupportedError
from snntoolbox.ir import Graph, ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.neurons import WindowedNeuron
from snntoolbox.passes.base import Pass, Preserves
from snntoolbox.registry import suggest

__all__ = ["NUM_STEPS", "ScheduleWindows"]

NUM_STEPS = "num_steps"
"""Attribute of a graph whose layers send one after the other: the number of steps until the output is complete."""


@dataclass(frozen=True)
class ScheduleWindows(Pass):
    """Give each layer the first window after all that it waits for.

    Before: windowed neurons that all start at step 0. After: each layer starts when the input and all layers that reach
    it have been sent; the attribute ``num_steps`` of the graph is the end of the last window. Why: a layer has to know
    the whole of its input before it can send the first bit. A graph without windowed neurons stays as it is.
    It preserves nothing, since there is no output to compare before.

    Attributes:
        input_window: Number of steps in which the input is sent.
        named_layers: Layers of neurons that have to exist, because options name them.

    Raises:
        ConversionError: When called: there is no layer of a name.
        UnsupportedError: When called: a max-pool is none that is exact.
    """

    name: ClassVar[str] = "schedule_windows"
    preserves: ClassVar[Preserves | None] = None

    input_window: int = 0
    named_layers: tuple[str, ...] = ()

    def __call__(self, graph: Graph) -> Graph:
        """Return the graph with windows."""
        self._check(graph)
        if not any(isinstance(_model(node.op), WindowedNeuron) for node in graph.nodes):
            return graph
        complete: dict[str, int] = {}
        changed = {}
        for node in graph.nodes:
            before = max((complete[name] for name in node.inputs), default=self.input_window)
            model = _model(node.op)
            if isinstance(model, WindowedNeuron):
                changed[node.name] = ops.Spiking(replace(model, start=before))  # type: ignore[type-var]
                before += model.window
            complete[node.name] = before
        num_steps = max(complete[name] for name in graph.outputs)
        return replace_ops(graph, changed).with_attributes(**{NUM_STEPS: str(num_steps)})

    def _check(self, graph: Graph) -> None:
        layers = list(graph.neurons)
        unknown = [f"'{name}'.{suggest(name, layers)}" for name in self.named_layers if name not in layers]
        if unknown:
            raise ConversionError(f"no layer of neurons is called {' '.join(unknown)} Layers: {', '.join(layers)}")
        pools = [n for n in graph.nodes if isinstance(n.op, ops.SpikingMaxPool) and n.op.method != "cumulative"]
        if pools and any(isinstance(_model(node.op), WindowedNeuron) for node in graph.nodes):
            hint = "Rates do not matter where values are sent bit by bit: set maxpool_type = cumulative."
            raise UnsupportedError(
                "cannot schedule windows:", [Problem(f"node {n}", "estimates rates.", hint) for n in pools]
            )


def _model(op: Any) -> Any:
    return op.model if isinstance(op, ops.Spiking) else None
