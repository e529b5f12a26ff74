"""Keep calibrations in files, under a key of all they depend on: model, data and settings.

A retrained model, other samples or another setting have another key, so they never get old scales.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snntoolbox.calibration.statistics import Calibration, LayerStatistics
from snntoolbox.ir import Graph

__all__ = ["calibration_key", "load_calibration", "save_calibration"]

VERSION = 1


def calibration_key(graph: Graph, data: Any, settings: Mapping[str, Any]) -> str:
    """Return a hash (64 hexadecimal digits) of everything that scales depend on.

    Args:
        graph: Structure and parameters count; attributes do not.
        data: The samples: an array, a mapping of arrays, or anything with a ``fingerprint()`` of its own, such as
            `snntoolbox.data.dataset.Dataset`.
        settings: The options given to `calibrate`, and what else matters, such as the number of samples.
    """
    digest = hashlib.sha256(f"calibration {VERSION}".encode())
    for node in graph.nodes:
        _update(digest, [node.name, node.op.kind, node.inputs])
        _update(digest, node.op)
    _update(digest, graph.outputs)
    _update(digest, data.fingerprint() if hasattr(data, "fingerprint") else data)
    _update(digest, dict(settings))
    return digest.hexdigest()


def _update(digest: Any, value: Any) -> None:
    """Feed a value to the hash, with enough of its structure that different values cannot look the same."""
    if isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype.str} {value.shape};".encode())
        digest.update(np.ascontiguousarray(value).data)
    elif is_dataclass(value) and not isinstance(value, type):
        _update(digest, {field.name: getattr(value, field.name) for field in fields(value)})
    elif isinstance(value, Mapping):
        digest.update(f"mapping {len(value)};".encode())
        for key in sorted(value):
            _update(digest, key)
            _update(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(f"sequence {len(value)};".encode())
        for item in value:
            _update(digest, item)
    else:
        text = repr(value)
        digest.update(f"{type(value).__name__} {len(text)} {text};".encode())


def save_calibration(calibration: Calibration, folder: str | Path, key: str) -> Path:
    """Write a calibration under its key; the file appears complete or not at all. Return its path."""
    path = _path(folder, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    layers = [
        {
            "name": name,
            "percentile": layer.percentile,
            "maximum": layer.maximum,
            "active_fraction": layer.active_fraction,
            "dead_channels": layer.dead_channels,
        }
        for name, layer in calibration.layers.items()
    ]
    meta = {
        "version": VERSION,
        "key": key,
        "num_samples": calibration.num_samples,
        "relative_error": calibration.relative_error,
        "layers": layers,
    }
    arrays: dict[str, Any] = {"meta": np.array(json.dumps(meta))}
    for number, layer in enumerate(calibration.layers.values()):
        arrays |= {f"{number}.{name}": getattr(layer, name) for name in ("scale", "edges", "counts")}
    draft = path.with_name(path.name + ".partial")
    try:
        with draft.open("wb") as file:
            np.savez(file, **arrays)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def load_calibration(folder: str | Path, key: str) -> Calibration | None:
    """Return the calibration that was saved under exactly this key, or None if there is none that can be read."""
    path = _path(folder, key)
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            meta = json.loads(str(file["meta"]))
            if meta["version"] != VERSION or meta["key"] != key:
                return None
            layers = {about["name"]: _layer(about, number, file) for number, about in enumerate(meta["layers"])}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return Calibration(layers, meta["num_samples"], meta["relative_error"])


def _layer(about: Mapping[str, Any], number: int, file: Any) -> LayerStatistics:
    scale = file[f"{number}.scale"]
    return LayerStatistics(
        scale=scale if scale.ndim else float(scale),
        percentile=about["percentile"],
        maximum=about["maximum"],
        active_fraction=about["active_fraction"],
        dead_channels=tuple(about["dead_channels"]),
        edges=file[f"{number}.edges"],
        counts=file[f"{number}.counts"],
    )


def _path(folder: str | Path, key: str) -> Path:
    return Path(folder) / f"calibration_{key[:16]}.npz"
