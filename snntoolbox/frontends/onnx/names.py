"""Names of the nodes: those of the user's layers, as far as the file still has them.

What exporters leave:

* PyTorch, newer exporter: modules in a node's metadata, ``['', 'layer1', 'layer1.0', 'relu']``; older exporter: in its
  name, ``/layer1/layer1.0/conv1/Conv``; both: in the names of weights, ``layer1.0.conv1.weight``.
* Keras (tf2onnx): ``model/conv1/Conv2D``; Keras 3 numbers every layer, ``functional_1/conv1_1/convolution``.
* Others: any name of the node, or none but that of its output.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from onnx import ModelProto, NodeProto

from snntoolbox.ir import Graph
from snntoolbox.ir.edit import rename
from snntoolbox.ir.ops import Activation, Input, Op, Relu, Reshape, Softmax

__all__ = ["Scope", "input_names", "name_nodes", "scopes"]


@dataclass(frozen=True)
class Scope:
    """Where in the user's model a node stands.

    Attributes:
        layer: Name of the layer or module; empty if there is none.
        is_leaf: Whether the layer has no layers inside, so that its name can be that of a node.
        part: Which part of a layer that the file writes as several, if that has a name of its own.
    """

    layer: str
    is_leaf: bool = True
    part: str = ""


def scopes(model: ModelProto, nodes: Sequence[NodeProto], weights: Mapping[str, object]) -> dict[str, Scope]:
    """Return the place of every node, by the name of its first output.

    Args:
        model: The file.
        nodes: Its nodes.
        weights: What is constant, by name.
    """
    tf = [_tf_path(node.name) for node in nodes if "/" in node.name and node.domain in ("", "ai.onnx")]
    keras = _Keras.of(tf) if model.producer_name == "tf2onnx" else None
    found = {}
    for node in nodes:
        weight = next((n for n in node.input[1:] if n in weights and n.endswith(".weight")), "")
        if weight:
            scope = Scope(weight.removesuffix(".weight"))
        elif keras:
            # What the export made of several nodes has lost its name, but its weights have not.
            named = [node.name, *(name for name in node.input[1:] if name in weights)]
            scope = next(filter(None, (keras.scope(_tf_path(name)) for name in named)), Scope(""))
        else:
            scope = _torch_scope(node) or _plain_scope(node)
        found[next(filter(None, node.output), "")] = scope
    return _with_leaves(found)


def _torch_scope(node: NodeProto) -> Scope | None:
    """The module of a node that PyTorch wrote; None if somebody else did."""
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            return Scope(ast.literal_eval(entry.value)[-2:][0])
    if not node.name.startswith("/"):
        return None
    module = last = ""
    for part in node.name.split("/")[1:-1]:
        # Inside a container, a part repeats the one before it: /layer1/layer1.0/conv1 is layer1.0.conv1.
        inside = module.removesuffix(last) if last and part.startswith(last + ".") else module and module + "."
        module, last = inside + part, part
    return Scope(module)


def _plain_scope(node: NodeProto) -> Scope:
    """The name of a node, unless it is only its kind and a number; or that of its output, unless a number."""
    name = node.name or next(filter(None, node.output), "")
    name = re.sub(r"(:0|_[Oo]utput(_0)?)$", "", name)
    numbered = re.fullmatch(rf"({re.escape(node.op_type)}_)?\d*", name)
    return Scope("" if numbered else name)


def _with_leaves(found: dict[str, Scope]) -> dict[str, Scope]:
    """Mark modules that have modules inside, whose own nodes are named after what they do."""
    containers = {""}
    for scope in found.values():
        parts = scope.layer.split(".")
        containers.update(".".join(parts[:end]) for end in range(1, len(parts)))
    return {
        key: Scope(scope.layer, scope.is_leaf and scope.layer not in containers, scope.part)
        for key, scope in found.items()
    }


def _tf_path(name: str) -> tuple[str, ...]:
    parts = tuple(name.split("/"))
    return parts[1:] if parts[0] in ("StatefulPartitionedCall", "PartitionedCall") else parts


@dataclass(frozen=True)
class _Keras:
    """How the names in a file of Keras's are made.

    Attributes:
        model: Name of the model, in front of every name; empty if there is none.
        numbered: Whether every layer's name has a number at its end that the export added.
        layers: How often the last part of a layer's name occurs among different layers.
    """

    model: str
    numbered: bool
    layers: Counter[str]

    @classmethod
    def of(cls, paths: Sequence[tuple[str, ...]]) -> _Keras:
        """Find out from all names."""
        heads = {path[0] for path in paths if len(path) > 1}
        model = next(iter(heads)) if len(heads) == 1 else ""
        inner = [path[1:] if model else path for path in paths]
        numbered = bool(inner) and all(re.search(r"_\d+$", path[0]) for path in inner if len(path) > 1)
        keras = cls(model, numbered, Counter())
        keras.layers.update(layer[-1] for layer in {keras._layer(path) for path in paths} if layer)
        return keras

    def scope(self, path: tuple[str, ...]) -> Scope | None:
        """The place of what has this name; None if the name was made up for the export."""
        layer = self._layer(path)
        if not layer:
            return None
        part = "depthwise" if path[-2:] == ("separable_conv2d", "depthwise") else ""
        return Scope(layer[-1] if self.layers[layer[-1]] == 1 else "_".join(layer), True, part)

    def _layer(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the nested models, and of the layer; what follows are TensorFlow's ops, in capitals."""
        inner = path[1:] if self.model and path[0] == self.model else path
        if len(inner) < 2:
            return ()
        if not self.numbered:
            return inner[:1]
        layer: list[str] = []
        for part in inner[:-1]:
            match = re.fullmatch(r"(.+?)_\d+", part) if not layer or part[0].islower() else None
            if not match:
                break
            layer.append(match[1])
        return tuple(layer)


def input_names(names: Iterable[str]) -> dict[str, str]:
    """Return what the graph calls the file's inputs, by their names there."""
    found: dict[str, str] = {}
    for name in names:
        found[name] = _unique(_readable(name), found.values())
    return found


def name_nodes(graph: Graph, origins: Mapping[str, str], places: Mapping[str, Scope]) -> Graph:
    """Return the graph with readable, unique names.

    A layer's name goes to its first node, to one with weights before others; further nodes are named
    ``<layer>_<what they do>``, and one of the same kind, as when the layer is used again, ``<layer>_2``. A rectifier
    outside a module is named after the node whose output it takes.

    Args:
        graph: Nodes under provisional names.
        origins: Where each node comes from: an input's name, or a key of ``places``.
        places: The place in the user's model of each node of the file.
    """
    inputs = input_names(origins[name] for name in graph.inputs)
    names = {name: inputs[origins[name]] for name in graph.inputs}
    taken = dict.fromkeys(names.values(), "input")
    reserved = {places[origins[n.name]].layer for n in graph.nodes if origins[n.name] in places and n.op.parameters()}
    for node in graph.nodes:
        if isinstance(node.op, Input):
            continue
        scope, kind = places[origins[node.name]], _kind(node.op)
        main = bool(node.op.parameters()) or scope.layer not in reserved
        if scope.is_leaf and main and not scope.part and taken.get(scope.layer, kind) == kind:
            wanted = scope.layer
        elif scope.is_leaf:
            wanted = f"{scope.layer}_{scope.part or kind}"
        elif isinstance(node.op, Relu | Softmax | Activation):
            wanted = f"{names[node.inputs[0]]}_{kind}"
        else:
            wanted = f"{scope.layer}.{kind}" if scope.layer else kind
        name = names[node.name] = _unique(_readable(wanted), taken)
        taken[name] = kind
    return rename(graph, names)


def _kind(op: Op) -> str:
    """What an op does, as part of a name."""
    if isinstance(op, Relu):
        if op.leaky:
            return "prelu" if hasattr(op.negative_slope, "shape") else "leaky_relu"
        return "relu6" if op.max_value == 6 else "relu"
    if isinstance(op, Activation):
        return op.function
    if isinstance(op, Reshape) and len(op.shape) == 1:
        return "flatten"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", op.kind).lower()


def _readable(name: str) -> str:
    return re.sub(r"[\s:]+", "_", re.sub(r":0$", "", name)).strip("/_") or "node"


def _unique(name: str, taken: Collection[str]) -> str:
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
