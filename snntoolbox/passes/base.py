"""The contract of a pass: a frozen dataclass whose fields are its options, called with a graph, returning a graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from snntoolbox.ir import Graph

__all__ = ["Pass", "Preserves"]

Preserves = Literal["function", "scaled", "rate"]


class Pass(ABC):
    """One rewrite of a graph. Its docstring says what it looks like before and after, and why.

    A pass keeps the number and order of the outputs, and their names wherever it can; a layer of neurons has the name
    of the rectifier it stands for.

    Attributes:
        name: Verb and object, as registered: ``fold_batch_norm``.
        preserves: What holds afterwards, or None. ``function``: outputs are the same numbers. ``scaled``: outputs are
            the same, and inner values are the old ones times positive constants. ``rate``: the mean of the spiking
            outputs over time approaches the values of before. None: the function changes; the docstring says how, and
            the pipeline measures the accuracy again.
    """

    name: ClassVar[str]
    preserves: ClassVar[Preserves | None]

    @abstractmethod
    def __call__(self, graph: Graph) -> Graph:
        """Return the rewritten graph; the given one is not changed."""
