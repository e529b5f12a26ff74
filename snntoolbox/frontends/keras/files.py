"""Model files of Keras: every format that Keras 3 reads, and those of Keras 2 that need a small repair."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import h5py

from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.frontends.keras.repair import repaired
from snntoolbox.ir.io import is_graph_file

__all__ = ["load_model"]

_LOAD_ERRORS = (AttributeError, ImportError, IndexError, KeyError, NotImplementedError, OSError, TypeError, ValueError)
"""What Keras raises for files it cannot use, depending on where it fails."""

_LOAD_HINTS = {
    "OpLambda": "This operation of TensorFlow between layers cannot be loaded; sums, products with constants, "
    "rectifiers and concatenations can. With the Keras that wrote the file, build the model with layers instead "
    "(Cropping2D, Reshape, ...), set its weights and save it again.",
    "ambda": "Replace Lambda layers by layers or keras.ops functions, which show what they compute.",
    "Could not locate": "Give the user's own classes and functions as custom_objects={'Name': Name}.",
    "Unknown": "Give the user's own classes and functions as custom_objects={'Name': Name}.",
    "": "Save the model again with Keras 3 (model.save('model.keras')), or as .h5 with the Keras that made it.",
}
"""Sign in Keras's words -> what to do; the first that fits."""


def load_model(path: str | PathLike[str], custom_objects: Mapping[str, Any]) -> Any:
    """Return the model in a file, not compiled.

    Args:
        path: ``.keras``; ``.h5`` or ``.hdf5`` of Keras 2 or 3; ``.json`` (architecture) with the weights next to it, in
            ``<name>.weights.h5`` or ``<name>.h5``.
        custom_objects: The user's own classes and functions, by the name in the file.

    Raises:
        DataError: The file or its weights do not exist, or are damaged.
        UnsupportedError: Keras cannot load what is in it; the message says what to do.
    """
    path = Path(path)
    if path.is_dir():
        raise _folder_error(path)
    if not path.is_file():
        raise DataError(f"no model file at {path}")
    suffix = path.suffix
    if suffix == ".json":
        return _load_parts(path, _weights_beside(path), custom_objects)
    if suffix in (".h5", ".hdf5"):
        return _load_hdf5(path, custom_objects)
    if suffix == ".keras":
        return _load_archive(path, custom_objects)
    raise UnsupportedError(f"{path}: expected a file ending in .keras, .h5, .hdf5 or .json")


def _load_archive(path: Path, custom_objects: Mapping[str, Any]) -> Any:
    """A ``.keras`` file: a zip archive of ``config.json``, ``metadata.json`` and ``model.weights.h5``."""
    try:
        with zipfile.ZipFile(path) as archive:
            architecture = _parsed(archive.read("config.json"), path)
            damaged = archive.testzip()
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise DataError(f"{path} is not a .keras file, or is damaged: {error}") from error
    if damaged:
        raise DataError(f"{path} is damaged: {damaged} in it does not match its checksum")
    return _load_whole(architecture, path, custom_objects)


def _load_hdf5(path: Path, custom_objects: Mapping[str, Any]) -> Any:
    """An HDF5 file: a whole model, or the weights of an architecture in a ``.json`` file next to it."""
    with _open(path) as file:
        text = file.attrs.get("model_config")
    if is_graph_file(path):
        raise DataError(f"{path} is a graph saved by SNN Toolbox, not a model; read it with snntoolbox.ir.load_graph")
    if text is not None:
        return _load_whole(_parsed(text, path), path, custom_objects)
    architecture = path.with_name(path.name.removesuffix(path.suffix).removesuffix(".weights") + ".json")
    if architecture.is_file():
        return _load_parts(architecture, path, custom_objects)
    raise DataError(
        f"{path} holds weights only. Save the whole model (model.save('model.keras')), or put its architecture "
        f"(model.to_json()) next to it as {architecture.name}"
    )


def _load_parts(path: Path, weights: Path, custom_objects: Mapping[str, Any]) -> Any:
    """An architecture in JSON and its weights."""
    architecture = _parsed(path.read_bytes(), path)
    _open(weights).close()
    return _keras_load(path, lambda: _assemble(repaired(architecture), weights, custom_objects))


def _load_whole(architecture: dict[str, Any], path: Path, custom_objects: Mapping[str, Any]) -> Any:
    """A file of architecture and weights, by Keras if it can, else in two steps."""
    import keras

    better = repaired(architecture)
    if {**architecture, "module": None, "registered_name": None} != {**better, "module": None, "registered_name": None}:
        return _keras_load(path, lambda: _assemble(better, path, custom_objects))
    return _keras_load(path, lambda: keras.saving.load_model(path, dict(custom_objects), compile=False))


def _assemble(architecture: dict[str, Any], weights: Path, custom_objects: Mapping[str, Any]) -> Any:
    """Build the model, not compiled, then load its weights."""
    import keras

    text = json.dumps({key: value for key, value in architecture.items() if key != "compile_config"})
    model = keras.models.model_from_json(text, dict(custom_objects))
    model.load_weights(weights)
    return model


def _keras_load(path: Path, load: Callable[[], Any]) -> Any:
    """Call Keras, and put what it raises into the package's own words."""
    try:
        return load()
    except _LOAD_ERRORS as error:
        raise _load_error(path, error) from error


def _parsed(text: str | bytes, path: Path) -> dict[str, Any]:
    """The architecture in a JSON text."""
    try:
        architecture = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path}: the architecture in it is not JSON: {error}") from error
    if not isinstance(architecture, dict) or not {"class_name", "config"} <= architecture.keys():
        raise DataError(f"{path} is not the architecture of a Keras model; write one with model.to_json()")
    return architecture


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} is not an HDF5 file, or is damaged: {error}") from error


def _weights_beside(path: Path) -> Path:
    candidates = [path.with_suffix(suffix) for suffix in (".weights.h5", ".h5", ".hdf5")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    names = ", ".join(candidate.name for candidate in candidates)
    raise DataError(f"{path} is an architecture without weights; expected one of {names} next to it")


def _folder_error(path: Path) -> DataError | UnsupportedError:
    if (path / "saved_model.pb").is_file():
        return UnsupportedError(
            f"{path} is a SavedModel folder, which Keras 3 does not load. Where it was written (TensorFlow up to 2.15, "
            "or with tf_keras), save it again: model.save('model.h5')"
        )
    return DataError(f"{path} is a folder; expected a model file ending in .keras, .h5, .hdf5 or .json")


def _load_error(path: Path, error: Exception) -> UnsupportedError:
    """Keras's own words, without the configurations that it quotes, and what to do."""
    import keras

    words = str(error).strip() or type(error).__name__
    # Keras nests its messages; the innermost is the cause.
    cause = words.split("Exception encountered: ")[-1].splitlines()[0].split(" Full object config: ")[0]
    hint = next(hint for sign, hint in _LOAD_HINTS.items() if sign in words)
    return UnsupportedError(f"{path}: Keras {keras.__version__} cannot load it: {cause[:400]}\n{hint}")
