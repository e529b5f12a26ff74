"""Model files of Keras: every format that Keras 3 reads, and those of Keras 2 that need a small repair."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
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
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _load_architecture(path, _weights_beside(path), custom_objects)
    if suffix in (".h5", ".hdf5"):
        return _load_hdf5(path, custom_objects)
    if suffix == ".keras":
        return _load_archive(path, custom_objects)
    raise UnsupportedError(f"{path}: expected a file ending in .keras, .h5, .hdf5 or .json")


def _load_archive(path: Path, custom_objects: Mapping[str, Any]) -> Any:
    """A ``.keras`` file: a zip archive of ``config.json``, ``metadata.json`` and ``model.weights.h5``."""
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            damaged = archive.testzip()
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise DataError(f"{path} is not a .keras file, or is damaged: {error}") from error
    if damaged:
        raise DataError(f"{path} is damaged: {damaged} in it does not match its checksum")
    better = repaired(config)
    if better == config:
        return _keras_load(path, path, custom_objects)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "model.keras")
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w") as target:
            for member in source.namelist():
                target.writestr(member, json.dumps(better) if member == "config.json" else source.read(member))
        return _keras_load(copy, path, custom_objects)


def _load_hdf5(path: Path, custom_objects: Mapping[str, Any]) -> Any:
    """An HDF5 file: a whole model, or the weights of an architecture in a ``.json`` file next to it."""
    with _open(path) as file:
        if is_graph_file(path):
            raise DataError(f"{path} is a graph saved by SNN Toolbox; read it with snntoolbox.ir.load_graph")
        text = file.attrs.get("model_config")
    if text is None:
        architecture = path.with_name(path.name.removesuffix(path.suffix).removesuffix(".weights") + ".json")
        if not architecture.is_file():
            raise DataError(
                f"{path} holds weights only. Save the whole model (model.save('model.keras')), or put its architecture "
                f"(model.to_json()) next to it as {architecture.name}"
            )
        return _load_architecture(architecture, path, custom_objects)
    config = json.loads(text)
    better = repaired(config)
    if better == config:
        return _keras_load(path, path, custom_objects)
    return _load_composed(better, path, "model_weights", path, custom_objects)


def _load_architecture(path: Path, weights: Path, custom_objects: Mapping[str, Any]) -> Any:
    """An architecture in JSON, of Keras 3 or 2, with weights of either."""
    import keras

    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from error
    if not isinstance(config, dict) or "class_name" not in config:
        raise DataError(f"{path} is not the architecture of a Keras model; write it with model.to_json()")
    with _open(weights) as file:
        is_keras_2 = "layer_names" in file.attrs
    if "module" not in config and is_keras_2:
        return _load_composed(repaired(config), weights, "/", path, custom_objects)
    try:
        model = keras.models.model_from_json(json.dumps(repaired(config)), _objects(custom_objects))
        model.load_weights(weights)
    except _LOAD_ERRORS as error:
        raise _load_error(path, error) from error
    return model


def _load_composed(config: Any, weights: Path, group: str, origin: Path, custom_objects: Mapping[str, Any]) -> Any:
    """Load a Keras 2 architecture with weights from ``group`` of an HDF5 file, through one file that holds both."""
    with tempfile.TemporaryDirectory() as folder:
        composed = Path(folder, "model.h5")
        with _open(weights) as source, h5py.File(composed, "w") as target:
            target.attrs["model_config"] = json.dumps(config)
            source.copy(source[group], target, "model_weights")
        return _keras_load(composed, origin, custom_objects)


def _keras_load(path: Path, origin: Path, custom_objects: Mapping[str, Any]) -> Any:
    """Load through Keras; messages name the user's file ``origin``."""
    import keras

    try:
        return keras.saving.load_model(path, custom_objects=_objects(custom_objects), compile=False)
    except _LOAD_ERRORS as error:
        raise _load_error(origin, error) from error


def _objects(custom_objects: Mapping[str, Any]) -> dict[str, Any]:
    """The user's objects, and those that files made for the original toolbox mention."""
    import keras

    return {"LimitedReLU": keras.layers.ReLU, **custom_objects}


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
    """Keras's own words, shortened, and what to do."""
    import keras

    words = str(error).strip() or type(error).__name__
    first = words.splitlines()[0][:300]
    if "Could not locate" in words or "Unknown" in words:
        hint = "Give the user's own classes and functions as custom_objects={'Name': Name}"
    elif "ambda" in words:
        hint = "Replace Lambda layers by layers or keras.ops functions, which show what they compute"
    else:
        hint = "Save the model again with Keras 3 (model.save('model.keras')), or as .h5 with the Keras that made it"
    return UnsupportedError(f"{path}: Keras {keras.__version__} cannot load it: {first}\n{hint}")
