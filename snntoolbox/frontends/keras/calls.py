"""What a translator works with: one call of a layer, and the graph under construction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import SNNToolboxError
from snntoolbox.ir import Graph, Node
from snntoolbox.ir.ops import Op, Shape

__all__ = ["Builder", "Call", "RefusedCall", "Translator", "Wire", "values"]


class RefusedCall(SNNToolboxError):
    """A call that cannot be translated; the walk collects these and reports all at once."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint
        super().__init__(f"{what} {hint}".rstrip())


@dataclass(frozen=True)
class Wire:
    """Stands for a tensor among the arguments of a call.

    Attributes:
        node: Name of the node whose output it is.
    """

    node: str


class Builder:
    """Nodes so far, with unique names and known shapes."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        """Start without nodes.

        Args:
            reserved: Names of the user's layers, which no derived name may take.
        """
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {}
        self._reserved = frozenset(reserved)
        self._claimed: set[str] = set()

    def claim(self, name: str) -> str:
        """Return ``name``, or ``name_2``, ``name_3``, ... if a layer has it already (a layer that is called again)."""
        number, candidate = 1, name
        while candidate in self._claimed or (number > 1 and candidate in self._reserved):
            number += 1
            candidate = f"{name}_{number}"
        self._claimed.add(candidate)
        return candidate

    def derive(self, name: str, suffix: str) -> str:
        """Return a name for a further node of the same layer that no layer has."""
        derived = f"{name}_{suffix}"
        return self.claim(f"{derived}_2" if derived in self._reserved else derived)

    def add(self, name: str, op: Op, sources: tuple[str, ...] = ()) -> str:
        """Append a node and return its name.

        Raises:
            GraphError: The inputs do not fit the op.
        """
        self.shapes[name] = op.infer(*(self.shapes[source] for source in sources))
        self.nodes.append(Node(name, op, sources))
        return name

    def graph(self, outputs: Iterable[str], attributes: Mapping[str, str]) -> Graph:
        """Return the finished graph."""
        return Graph(tuple(self.nodes), tuple(outputs), attributes)


@dataclass(frozen=True)
class Call:
    """One call of a Keras layer or operation.

    Attributes:
        layer: The layer or operation.
        name: Name of the node that a translator adds first; unique in the graph.
        sources: Nodes whose outputs go in, in order.
        args, kwargs: Arguments of the call, tensors replaced by `Wire`.
        builder: The graph under construction.
    """

    layer: Any
    name: str
    sources: tuple[str, ...]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    builder: Builder

    @property
    def source(self) -> str:
        """The only input."""
        (source,) = self.sources
        return source

    @property
    def shape(self) -> Shape:
        """Shape of the first input, without batch."""
        return self.builder.shapes[self.sources[0]]

    def add(self, op: Op, *sources: str, suffix: str = "") -> str:
        """Append a node and return its name.

        Args:
            op: What it does.
            sources: Its inputs; those of the call if not given.
            suffix: Makes the name ``<layer>_<suffix>``; without, the name is that of the layer.
        """
        name = self.builder.derive(self.name, suffix) if suffix else self.name
        return self.builder.add(name, op, sources or self.sources)

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument given by position or name."""
        return self.args[position] if len(self.args) > position else self.kwargs.get(name, default)

    def refuse(self, what: str, hint: str = "") -> NoReturn:
        """Give up on this call.

        Raises:
            RefusedCall: Always.
        """
        raise RefusedCall(what, hint)


Translator = Callable[[Call], str | tuple[str, ...]]
"""Appends the nodes of a call and returns the name of the one that carries its output, or of each output."""


def values(variable: Any) -> NDArray[np.float32]:
    """Return a copy of a Keras variable or tensor as float32, read-only so that an op need not copy it again."""
    from keras import ops

    # stop_gradient makes a tensor of it: NumPy warns of how a variable becomes an array.
    array = np.asarray(ops.convert_to_numpy(ops.stop_gradient(variable)), np.float32)
    if not array.flags.owndata:
        array = array.copy()
    array.flags.writeable = False
    return array
