"""Save a graph and get exactly the same graph back, in one HDF5 file.

Layout (format version 1): the root attributes ``format``, ``version``, ``outputs`` and ``attributes`` (JSON); one
group ``nodes/<number>`` for each node with attributes ``name``, ``inputs``, ``kind`` and ``fields`` (JSON), and one
dataset for each parameter. A neuron model is a nested field.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.ir.graph import Graph, Node
from snntoolbox.ir.ops import OPS
from snntoolbox.neurons import MODELS

__all__ = ["is_graph_file", "load_graph", "save_graph"]

FORMAT, VERSION = "snntoolbox-graph", 1


def save_graph(graph: Graph, path: str | PathLike[str]) -> None:
    """Write ``graph`` to ``path``. The file appears complete or not at all; an existing one is replaced then."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".partial")
    try:
        with h5py.File(draft, "w") as file:
            file.attrs.update(format=FORMAT, version=VERSION)
            file.attrs["outputs"] = json.dumps(graph.outputs)
            file.attrs["attributes"] = json.dumps(dict(graph.attributes))
            for number, node in enumerate(graph.nodes):
                _write(file.create_group(f"nodes/{number:06d}"), node)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load_graph(path: str | PathLike[str]) -> Graph:
    """Read a graph that `save_graph` wrote.

    Raises:
        GraphError: The file does not exist, is no graph file, or is of a version or with ops unknown here.
    """
    path = Path(path)
    if not path.is_file():
        raise GraphError(f"no saved graph at {path}; run the stage that writes it, or check the name")
    if not is_graph_file(path):
        raise GraphError(
            f"{path} is not a graph saved by SNN Toolbox, or is damaged; a model file goes through a frontend instead"
        )
    with h5py.File(path, "r") as file:
        version = file.attrs["version"]
        if version > VERSION:
            raise GraphError(f"{path}: format version {version} is newer than {VERSION}; update snntoolbox")
        nodes = tuple(_read(file["nodes"][key], path) for key in sorted(file.get("nodes", ())))
        return Graph(nodes, tuple(json.loads(file.attrs["outputs"])), json.loads(file.attrs["attributes"]))


def is_graph_file(path: str | PathLike[str]) -> bool:
    """Whether the file is a graph saved by `save_graph` (and not, say, a Keras ``.h5``)."""
    try:
        with h5py.File(path, "r") as file:
            return bool(file.attrs.get("format") == FORMAT)
    except OSError:
        return False


def _write(group: h5py.Group, node: Node) -> None:
    group.attrs["name"], group.attrs["kind"] = node.name, node.op.kind
    group.attrs["inputs"] = json.dumps(node.inputs)
    group.attrs["fields"] = json.dumps(_pack(node.op, group, ""))


def _pack(thing: Any, group: h5py.Group, prefix: str) -> dict[str, Any]:
    """Return the fields of a dataclass as JSON values; arrays go to datasets of ``group``."""
    packed: dict[str, Any] = {}
    for field in fields(thing):
        value, key = getattr(thing, field.name), prefix + field.name
        if isinstance(value, np.ndarray):
            group.create_dataset(key, data=value)
            packed[field.name] = {"dataset": key}
        elif is_dataclass(value):
            packed[field.name] = {"model": type(value).__name__, "fields": _pack(value, group, key + ".")}
        elif isinstance(value, np.generic):
            packed[field.name] = value.item()
        else:
            packed[field.name] = value
    return packed


def _read(group: h5py.Group, path: Path) -> Node:
    name, kind = group.attrs["name"], group.attrs["kind"]
    if kind not in OPS:
        raise GraphError(f"{path}: node '{name}' has the unknown op '{kind}'; update snntoolbox")
    return Node(
        name,
        OPS[kind](**_unpack(json.loads(group.attrs["fields"]), group, path)),
        tuple(json.loads(group.attrs["inputs"])),
    )


def _unpack(packed: dict[str, Any], group: h5py.Group, path: Path) -> dict[str, Any]:
    return {name: _unpack_value(value, group, path) for name, value in packed.items()}


def _unpack_value(value: Any, group: h5py.Group, path: Path) -> Any:
    if isinstance(value, list):
        return tuple(tuple(v) if isinstance(v, list) else v for v in value)
    if not isinstance(value, dict):
        return value
    if "dataset" in value:
        return group[value["dataset"]][()] if group[value["dataset"]].ndim else np.asarray(group[value["dataset"]][()])
    if value["model"] not in MODELS:
        raise GraphError(f"{path}: unknown neuron model '{value['model']}'; update snntoolbox")
    return MODELS[value["model"]](**_unpack(value["fields"], group, path))
