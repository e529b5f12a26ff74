"""ONNX files: read with their external data, and checked for versions that are known."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, inliner

from snntoolbox.errors import DataError, UnsupportedError

__all__ = ["OLDEST_OPSET", "load_model", "opset", "prepared"]

OLDEST_OPSET = 7
"""From here on element-wise ops broadcast as NumPy does, and nothing but the place of attributes has changed."""

_CHECKPOINTS = (".pt", ".pth", ".pt2")


def load_model(path: str | PathLike[str]) -> ModelProto:
    """Return the model in a file, tensors kept in other files included.

    Raises:
        DataError: The file, or one with its tensors, does not exist or is damaged.
        UnsupportedError: It is a checkpoint of PyTorch.
    """
    path = Path(path)
    if path.suffix.lower() in _CHECKPOINTS:
        raise UnsupportedError(
            f"{path} is a checkpoint of PyTorch, which holds weights but not how they are connected. Build the module, "
            "load the weights, and give it with an example: snntoolbox.parse(module, example_input=torch.zeros(...)); "
            "or export it with torch.onnx.export"
        )
    if not path.is_file():
        raise DataError(f"no model file at {path}")
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise DataError(f"{path} is not an ONNX file, or is damaged: {error}") from error
    if not model.graph.node or not model.opset_import:
        raise DataError(f"{path} is not an ONNX file, or is damaged: it holds no network")
    try:
        onnx.load_external_data_for_model(model, str(path.parent))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise DataError(
            f"{path} keeps its weights in another file, which cannot be read: {error}. Keep both in one folder, under "
            "the names that the export gave them"
        ) from error
    return model


def opset(model: ModelProto) -> int:
    """Return the version of the standard op set that a model is written for."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    return int(versions[0]) if versions else 1


def prepared(model: ModelProto) -> ModelProto:
    """Return the model without calls of functions.

    It is not converted to one version: from opset 7 on, versions differ in little but whether a setting is an attribute
    or an input, which the translators read either way. Names stay, and so does what a converter would not know.

    Raises:
        UnsupportedError: The version is newer than the installed onnx, or too old.
    """
    version, newest = opset(model), onnx.defs.onnx_opset_version()
    if version > newest:
        raise UnsupportedError(
            f"the model is written for opset {version}, but onnx {onnx.__version__} knows ops up to opset {newest}. "
            "Update onnx, or export for an older opset"
        )
    if version < OLDEST_OPSET:
        raise UnsupportedError(
            f"the model is written for opset {version} of 2017, when ops still meant something else. "
            f"Export it again for opset {OLDEST_OPSET} or newer"
        )
    return inliner.inline_local_functions(model) if model.functions else model
