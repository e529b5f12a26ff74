"""SNN Toolbox: trained neural networks become spiking networks, and run.

The stable Python interface; everything here is imported when it is first used, so ``import snntoolbox`` is quick and
loads no TensorFlow::

    graph = snntoolbox.parse("model.keras")
    spiking = snntoolbox.convert(graph, x_norm)
    record = snntoolbox.simulate(spiking, x_test, num_steps=100)
    results = snntoolbox.run("config.ini")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "1.0.0a1"

__all__ = ["Graph", "Record", "__version__", "convert", "evaluate", "parse", "run", "simulate"]

if TYPE_CHECKING:
    from snntoolbox.api import convert, evaluate, parse, simulate
    from snntoolbox.backends.record import Record
    from snntoolbox.ir.graph import Graph
    from snntoolbox.pipeline import run

_HOMES = {
    "Graph": "snntoolbox.ir.graph",
    "Record": "snntoolbox.backends.record",
    "convert": "snntoolbox.api",
    "evaluate": "snntoolbox.api",
    "parse": "snntoolbox.api",
    "run": "snntoolbox.pipeline",
    "simulate": "snntoolbox.api",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use and keep it (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not, with the module's own."""
    return sorted({*globals(), *__all__})
