"""What the model itself answers: onnxruntime, or PyTorch, fed from samples that are channels last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, helper, version_converter

from snntoolbox.errors import UnsupportedError
from snntoolbox.frontends.onnx.constants import StaticModel
from snntoolbox.frontends.onnx.files import opset
from snntoolbox.frontends.onnx.inputs import InputLayout
from snntoolbox.frontends.onnx.layout import Tensor
from snntoolbox.frontends.onnx.names import input_names
from snntoolbox.frontends.onnx.shapes import declared_shape, graph_inputs
from snntoolbox.frontends.onnx.walk import translate
from snntoolbox.ir.samples import Array, Samples, named_samples

__all__ = ["Network", "OnnxReference", "session"]

Network = Callable[[Mapping[str, NDArray[Any]]], Sequence[NDArray[Any]]]
"""From one array for each input, in the file's order of axes, to one for each output."""

_LARGEST_MESSAGE = 2**31 - 1
_IR_VERSION = 10
"""The file format in which models are given to onnxruntime, which lags behind onnx; newer ones add nothing."""
_OLDER_OPSETS = 6
"""How far behind the newest opset of onnx an onnxruntime may be."""


class OnnxReference:
    """A model as a function from samples to its outputs, both channels last."""

    def __init__(self, model: StaticModel, layout: InputLayout, network: Network | None = None) -> None:
        """Prepare the model.

        Args:
            model: The model.
            layout: Which axis of an input holds its channels.
            network: What computes; onnxruntime unless given, for a file with a batch of one or any.

        Raises:
            UnsupportedError: The model holds nodes that cannot be taken, or onnxruntime cannot run it.
        """
        self._translation = translate(model, layout)
        self._names = input_names(self._translation.inputs)
        self._fixed = None if network else _fixed_batch(model.source)
        self._network = network or session(model.source)

    def __call__(self, x: Samples, *, batch_size: int = 64) -> Array | list[Array]:
        """Return the only output, shape (num_samples, *shape), or a list of all.

        Args:
            x: Samples, channels last.
            batch_size: Samples computed at a time; a file with a fixed batch is given as many as it wants.
        """
        inputs, outputs = self._translation.inputs, self._translation.outputs
        samples = named_samples({self._names[name]: tensor.stored for name, tensor in inputs.items()}, x)
        arrays = {name: _to_file(samples[self._names[name]], tensor) for name, tensor in inputs.items()}
        # An output without an axis of samples can only be computed for one.
        alone = any(0 in tensor.layout for tensor in outputs)
        results = []
        for batch, size in _batches(arrays, 1 if alone else self._fixed or batch_size, self._fixed):
            values = zip(self._network(batch), outputs, strict=True)
            results.append([_from_file(np.asarray(y), tensor)[:size] for y, tensor in values])
        joined = [np.concatenate(values) for values in zip(*results, strict=True)]
        return joined[0] if len(joined) == 1 else joined


def _fixed_batch(model: ModelProto) -> int | None:
    """The number of samples that a file is fixed to, or None."""
    sizes = {declared_shape(value)[0] for value in graph_inputs(model) if declared_shape(value)} - {None}
    return max(size for size in sizes if size) if sizes else None


def _batches(
    arrays: Mapping[str, NDArray[Any]], size: int, fixed: int | None
) -> Iterator[tuple[dict[str, NDArray[Any]], int]]:
    """Yield blocks of samples and how many of them count; a block of a fixed size is filled up with its last sample.

    Without samples there is one block of one, which does not count, so that the shapes are known.
    """
    num_samples = len(next(iter(arrays.values())))
    if num_samples == 0:
        empty = {name: np.zeros((fixed or 1, *array.shape[1:]), array.dtype) for name, array in arrays.items()}
        yield empty, 0
    for start in range(0, num_samples, size):
        places = np.arange(start, min(start + size, num_samples))
        filled = np.concatenate([places, np.full(max((fixed or 0) - len(places), 0), places[-1])])
        yield {name: array[filled] for name, array in arrays.items()}, len(places)


def _to_file(x: NDArray[Any], tensor: Tensor) -> NDArray[Any]:
    """Samples in the file's order of axes."""
    return x.transpose(0, *(1 + tensor.layout.index(axis) for axis in range(1, len(tensor.shape))))


def _from_file(y: NDArray[Any], tensor: Tensor) -> Array:
    """An output in our order of axes, samples first."""
    if 0 in tensor.layout:
        return y.astype(np.float32).transpose(tensor.layout + _left_out(tensor)).reshape(1, *tensor.stored)
    order = (0, *tensor.layout, *(axis for axis in _left_out(tensor) if axis))
    return y.astype(np.float32).transpose(order).reshape(len(y), *tensor.stored)


def _left_out(tensor: Tensor) -> tuple[int, ...]:
    return tuple(axis for axis in range(len(tensor.shape)) if axis not in tensor.layout)


def session(model: ModelProto) -> Network:
    """Return the model in onnxruntime.

    A version of the op set that onnxruntime does not know yet is converted down.

    Raises:
        UnsupportedError: onnxruntime cannot run the model.
    """
    try:
        running = _load(model)
    except _FAILURES as error:
        running = _load_older(model, error)
    kinds = {
        value.name: helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type) for value in graph_inputs(model)
    }

    def network(inputs: Mapping[str, NDArray[Any]]) -> Sequence[NDArray[Any]]:
        return running.run(None, {name: x.astype(kinds[name], copy=False) for name, x in inputs.items()})  # type: ignore[no-any-return]

    return network


_FAILURES = (
    onnxruntime.capi.onnxruntime_pybind11_state.Fail,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
    onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented,
)


def _load(model: ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # What the file says, exactly: optimisations round weights to eight bits, or fail on models that are in order.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if model.ir_version > _IR_VERSION:
        copy = ModelProto()
        copy.CopyFrom(model)
        copy.ir_version = _IR_VERSION
        model = copy
    with TemporaryDirectory() as folder:
        content = model.SerializeToString() if model.ByteSize() <= _LARGEST_MESSAGE else Path(folder, "model.onnx")
        if isinstance(content, Path):
            onnx.save_model(model, content, save_as_external_data=True, all_tensors_to_one_file=True)
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _load_older(model: ModelProto, failure: Exception) -> onnxruntime.InferenceSession:
    for version in range(opset(model) - 1, opset(model) - _OLDER_OPSETS, -1):
        try:
            return _load(version_converter.convert_version(model, version))
        except (*_FAILURES, RuntimeError):
            continue
    words = str(failure).splitlines()[0]
    raise UnsupportedError(
        f"onnxruntime {onnxruntime.__version__} cannot run the model: {words}. Update onnxruntime, or export the model "
        "for an older opset"
    ) from failure
