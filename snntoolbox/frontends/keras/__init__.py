"""Keras 3 models, and files of Keras 3 and Keras 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.base import Frontend, Reference
from snntoolbox.frontends.keras.files import load_model
from snntoolbox.frontends.keras.runtime import KerasReference
from snntoolbox.frontends.keras.shapes import input_shapes
from snntoolbox.frontends.keras.walk import Walk, is_graph_model
from snntoolbox.ir import Graph
from snntoolbox.ir.samples import Array, Samples

__all__ = ["KerasFrontend"]


@dataclass(frozen=True)
class KerasFrontend(Frontend):
    """Reads sequential and functional models, nested ones too.

    Attributes:
        input_shape: Shape of a sample without batch, for a model that leaves sizes open; a mapping from input names to
            shapes if there are several inputs.
        custom_objects: The user's own classes and functions by name, needed to load files that mention them.
    """

    input_shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None
    custom_objects: Mapping[str, Any] = field(default_factory=dict)

    name: ClassVar[str] = "keras"
    suffixes: ClassVar[tuple[str, ...]] = (".keras", ".h5", ".hdf5", ".json")

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether a path is of Keras; a SavedModel folder is, so that `load` can say what to do with it."""
        return super().reads(path) or (path / "saved_model.pb").is_file()

    @classmethod
    def accepts(cls, model: Any) -> bool:
        """Whether an object is a model of Keras, 2 or 3."""
        return any(
            base.__name__ == "Model" and base.__module__.split(".")[0] in ("keras", "tf_keras")
            for base in type(model).__mro__
        )

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the model in a file, not compiled; see `snntoolbox.frontends.keras.files`."""
        return load_model(path, self.custom_objects)

    def parse(self, model: Any) -> Graph:
        """Return the graph of a model or a file.

        Nodes have the names of their layers, activations inside a layer ``<layer>_<activation>``. Layers that act in
        training only are dropped, logged, and listed in the graph's attribute ``removed``.

        Raises:
            DataError: The file does not exist, or is damaged.
            UnsupportedError: The model holds layers that cannot be taken, all are listed; or it is not a graph of
                layers; or an input has an axis of unknown size.
        """
        if isinstance(model, str | PathLike):
            model = self.load(model)
        _require_graph(model)
        return Walk(model, input_shapes(model, self.input_shape)).graph()

    def reference_outputs(self, model: Any, x: Samples, *, batch_size: int = 64) -> Array | list[Array]:
        """Return what the model itself answers, in inference mode."""
        return self.reference(model)(x, batch_size=batch_size)

    def reference(self, model: Any) -> Reference:
        """Return the model itself, in inference mode, compiled once; it answers with the weights it has by then."""
        _require_graph(model)
        return KerasReference(model)


def _require_graph(model: Any) -> None:
    """Refuse models of which the layers' connections are not known."""
    if any(base.__module__.split(".")[0] == "tf_keras" for base in type(model).__mro__):
        raise UnsupportedError(f"'{model.name}' is a model of Keras 2 (tf_keras); save it as .h5 and give the file")
    if not is_graph_model(model):
        raise UnsupportedError(
            f"'{model.name}' ({type(model).__name__}) has a call method of its own, so how its layers are "
            "connected is not known. Build it as a functional model: inputs = keras.Input(shape); "
            "keras.Model(inputs, model.call(inputs))"
        )
    if not model.built:
        raise UnsupportedError(
            f"model '{model.name}' is not built, so it has no weights yet. Start it with keras.Input(shape), train or "
            "load its weights, then convert it"
        )
