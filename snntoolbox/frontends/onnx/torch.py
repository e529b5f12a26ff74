"""Modules of PyTorch: exported to ONNX, and run, in evaluation mode and without changing them."""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from snntoolbox.errors import DataError, UnsupportedError

__all__ = ["Caller", "export"]


def export(module: Any, example_input: Any) -> ModelProto:
    """Return the module as an ONNX model for one sample.

    PyTorch's newer exporter is used if what it needs, onnxscript, is installed, and otherwise its older one.

    Args:
        module: The module; what mode it is in does not matter.
        example_input: A tensor (or array) as `forward` takes it, or a tuple of them, batch included.

    Raises:
        DataError: There is no example.
        UnsupportedError: PyTorch cannot export the module; the message is PyTorch's.
    """
    import torch

    kind = type(module).__name__
    if example_input is None:
        raise DataError(
            f"{kind}: a module does not say what it takes. Give an example, batch included: "
            "snntoolbox.parse(module, example_input=torch.zeros(1, 3, 224, 224))"
        )
    given = example_input if isinstance(example_input, tuple | list) else (example_input,)
    # One sample is enough: a graph has no batch.
    example = tuple(torch.as_tensor(value)[:1] for value in given)
    is_new = importlib.util.find_spec("onnxscript") is not None
    with _evaluating(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _export_new(module, example) if is_new else _export_old(module, example)
        except Exception as error:
            words = str(error).strip().splitlines()
            raise UnsupportedError(
                f"{kind}: torch {torch.__version__} cannot export the module to ONNX: {words[0] if words else error!r}"
            ) from error


def _export_new(module: Any, example: tuple[Any, ...]) -> ModelProto:
    import torch

    model: ModelProto = torch.onnx.export(module, example, dynamo=True, verbose=False).model_proto
    return model


def _export_old(module: Any, example: tuple[Any, ...]) -> ModelProto:
    import torch

    buffer = io.BytesIO()
    new_option = {"dynamo": False} if "dynamo" in torch.onnx.export.__code__.co_varnames else {}
    torch.onnx.export(module, example, buffer, **new_option)
    return onnx.load_from_string(buffer.getvalue())


class Caller:
    """A module as a function from arrays to arrays."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Sequence[NDArray[Any]]:
        """Return the outputs for a batch, in the module's own order of axes."""
        import torch

        parameter = next(iter(self._module.parameters()), torch.zeros(0))
        tensors = [torch.as_tensor(np.ascontiguousarray(x)).to(parameter) for x in inputs.values()]
        with _evaluating(self._module), torch.no_grad():
            outputs = self._module(*tensors)
        return [y.cpu().float().numpy() for y in _flat(outputs)]


def _flat(outputs: Any) -> Iterator[Any]:
    """Yield the tensors of a structure in the order in which they are exported."""
    if isinstance(outputs, Mapping):
        outputs = list(outputs.values())
    if isinstance(outputs, list | tuple):
        for value in outputs:
            yield from _flat(value)
    else:
        yield outputs


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Put a module and those in it into evaluation mode, and each back into its own mode."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
