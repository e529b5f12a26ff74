"""ONNX files of any producer, and modules of PyTorch, which are exported to ONNX first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.base import Frontend, Reference
from snntoolbox.ir import Graph
from snntoolbox.ir.samples import Array, Samples

if TYPE_CHECKING:
    from onnx import ModelProto

    from snntoolbox.frontends.onnx.constants import StaticModel

__all__ = ["OnnxFrontend"]


@dataclass(frozen=True)
class OnnxFrontend(Frontend):
    """Reads ONNX models, and modules of PyTorch.

    Samples are channels-last whatever the file has: where a file wants (batch, channels, height, width), the graph and
    `reference_outputs` take (batch, height, width, channels), and give outputs with space likewise.

    Attributes:
        input_shape: Shape of a sample without batch, in the file's own order of axes, for a model that leaves sizes
            open; a mapping from input names to shapes if there are several inputs.
        input_layout: Where the file has the channels of inputs with space: ``channels_first``, ``channels_last``, or
            ``auto``, which follows the input to the first op that knows. Without one, axes stay as they are, but for
            images (rank 4) of PyTorch, which are channels-first.
        example_input: For a module of PyTorch: a tensor as its `forward` takes it, batch included, or a tuple of them.
    """

    input_shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None
    input_layout: Literal["auto", "channels_first", "channels_last"] = "auto"
    example_input: Any = None

    name: ClassVar[str] = "onnx"
    suffixes: ClassVar[tuple[str, ...]] = (".onnx",)

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            UnsupportedError: No such layout.
        """
        layouts = ("auto", "channels_first", "channels_last")
        if self.input_layout not in layouts:
            raise UnsupportedError(f"input_layout: expected one of {', '.join(layouts)}, got '{self.input_layout}'")

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether a path is of ONNX; a checkpoint of PyTorch is, so that `load` can say what to do with it."""
        return super().reads(path) or path.suffix.lower() in (".pt", ".pth", ".pt2")

    @classmethod
    def accepts(cls, model: Any) -> bool:
        """Whether an object is an ONNX model or a module of PyTorch."""
        return _is_onnx(model) or _is_torch(model)

    def load(self, path: str | PathLike[str]) -> Any:
        """Return the model in a file with its weights; see `snntoolbox.frontends.onnx.files`."""
        from snntoolbox.frontends.onnx.files import load_model

        return load_model(path)

    def parse(self, model: Any) -> Graph:
        """Return the graph of a model, a file or a module of PyTorch.

        Nodes have the names of the user's layers where the file still has them; see `snntoolbox.frontends.onnx.names`.

        Raises:
            DataError: The file does not exist, or is damaged.
            UnsupportedError: The model holds nodes that cannot be taken, all are listed; or an input has an axis of
                unknown size; or its version is not known.
            BackendUnavailableError: What exports a module of PyTorch is not installed.
        """
        from snntoolbox.frontends.onnx.parse import parse

        return parse(self._static(model), self.input_layout)

    def reference_outputs(self, model: Any, x: Samples, *, batch_size: int = 64) -> Array | list[Array]:
        """Return what onnxruntime answers, or PyTorch if the model is a module; channels last."""
        return self.reference(model)(x, batch_size=batch_size)

    def reference(self, model: Any) -> Reference:
        """Return the model as it is now in onnxruntime, or in PyTorch if it is a module; channels last."""
        from snntoolbox.frontends.onnx.runtime import OnnxReference

        network = None
        if _is_torch(model):
            from snntoolbox.frontends.onnx.torch import Caller

            network = Caller(model)
        return OnnxReference(self._static(model), self.input_layout, network)

    def _static(self, model: Any) -> StaticModel:
        from snntoolbox.frontends.onnx.constants import static_model
        from snntoolbox.frontends.onnx.files import prepared

        return static_model(prepared(self._onnx(model)), self.input_shape)

    def _onnx(self, model: Any) -> ModelProto:
        if _is_torch(model):
            from snntoolbox.frontends.onnx.torch import export

            return export(model, self.example_input)
        loaded: ModelProto = self.load(model) if isinstance(model, str | PathLike) else model
        return loaded


def _is_onnx(model: Any) -> bool:
    kind = type(model)
    return kind.__name__ == "ModelProto" and kind.__module__.split(".")[0] == "onnx"


def _is_torch(model: Any) -> bool:
    return any(
        base.__name__ == "Module" and base.__module__ == "torch.nn.modules.module" for base in type(model).__mro__
    )
