"""The Neuromorphic Intermediate Representation (Pedersen et al. 2024): spiking networks in and out.

Both directions are in this room, since they share the layout of tensors and what the format leaves open.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar

from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.frontends.base import Frontend
from snntoolbox.ir.graph import Graph
from snntoolbox.ir.samples import Array, Samples
from snntoolbox.neurons.integrate_and_fire import Reset

__all__ = ["NirFrontend", "export_nir"]


@dataclass(frozen=True)
class NirFrontend(Frontend):
    """Reads graphs of NIR, whose neurons are spiking already: the result goes to a backend, not to the conversion.

    Attributes:
        reset: What a spike does to the potential, for neurons of other tools. NIR says no more than ``v_reset``;
            tools that subtract the threshold write 0 there like those that reset to zero.
        dt: Length of a time step in the unit of the file's time constants.
    """

    reset: Reset = "zero"
    dt: float = 1.0

    name: ClassVar[str] = "nir"
    suffixes: ClassVar[tuple[str, ...]] = (".nir",)

    @classmethod
    def accepts(cls, model: Any) -> bool:
        """Whether an object is a NIR graph."""
        return type(model).__module__.partition(".")[0] == "nir" and type(model).__name__ == "NIRGraph"

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the NIR graph in a file.

        Raises:
            DataError: The file does not exist, or is damaged.
            UnsupportedError: The package nir is not installed.
        """
        from snntoolbox.frontends.nir.files import read_file

        return read_file(path)

    def parse(self, model: Any) -> Graph:
        """Return the spiking graph of a NIR graph or file, channels-last.

        Raises:
            DataError: The file does not exist, or is damaged.
            UnsupportedError: The graph holds nodes or cycles that cannot be taken; all are listed.
        """
        from snntoolbox.frontends.nir.read import read_graph

        return read_graph(self.load(model) if isinstance(model, str | PathLike) else model, self.reset, self.dt)

    def reference_outputs(self, model: Any, x: Samples, *, batch_size: int = 64) -> Array | list[Array]:
        """Refuse: NIR is a description of a network, not a program that runs it.

        Raises:
            UnsupportedError: Always.
        """
        del model, x, batch_size
        raise UnsupportedError(
            "a NIR graph is a spiking network without an ANN to compare it with; "
            "read it with snntoolbox.parse() and run it with snntoolbox.simulate()"
        )


def export_nir(graph: Graph, path: str | PathLike[str], *, dt: float = 1.0, integrators: bool = True) -> None:
    """Write a converted graph of the rate code as a NIR file.

    Args:
        graph: A converted graph.
        path: The file, usually ``*.nir``; an existing one is replaced.
        dt: Length of a time step in the unit that time constants are to have.
        integrators: Whether output layers that sum their input are written, as NIR's ``I``. Few tools have it; without,
            the outputs of the file are the currents into these layers, and whoever runs it sums them.

    Raises:
        UnsupportedError: NIR has no words for some nodes (all are listed), or the package nir is not installed.
        DataError: The file cannot be written.
    """
    from snntoolbox.frontends.nir.files import write_file
    from snntoolbox.frontends.nir.write import to_nir

    try:
        write_file(to_nir(graph, dt=dt, integrators=integrators), path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error}") from error
