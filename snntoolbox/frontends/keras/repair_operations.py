"""Operations of TensorFlow between the layers of a Keras 2 model, said by layers that Keras 3 has.

``x / 127.5 - 1`` or ``a + b`` in a functional model left layers of the class TFOpLambda, which Keras 3 does not load:
``{"class_name": "TFOpLambda", "config": {"name": ..., "function": "math.truediv"}, "inbound_nodes": [["x", 0, 0,
{"y": 127.5}]]}``. A tensor among the arguments is a list [layer, call, output]; a constant in front is written
["_CONSTANT_VALUE", -1, value, {...}].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["repaired_operation"]

Settings = dict[str, Any]
Said = tuple[str, Settings, list[Any]]
"""Name of a layer's class, its settings, and the tensors that it takes."""

_CONSTANT = "_CONSTANT_VALUE"


def repaired_operation(layer: Settings) -> Settings:
    """Return a layer that does the same as an operation; the operation itself if none is known to."""
    nodes = layer.get("inbound_nodes", [])
    translate = _OPERATIONS.get(str(layer["config"].get("function", layer["config"].get("symbol", ""))).split("|")[0])
    said = None if translate is None or len(nodes) != 1 else translate(*_arguments(nodes[0]))
    if said is None:
        return layer
    kind, settings, tensors = said
    name = layer["config"]["name"]
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, **settings},
        "registered_name": None,
        "name": layer.get("name", name),
        "inbound_nodes": [[[*tensor[:3], {}] for tensor in tensors]],
    }


def _arguments(node: list[Any]) -> tuple[list[Any], Settings]:
    """The first argument, a list of tensors or constants if it is one, in a list; and the arguments by name."""
    first = node if node and isinstance(node[0], list) else [node]
    return [part[2] if part[0] == _CONSTANT else part[:3] for part in first], dict(first[0][3])


def _is_tensor(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)


def _sum(first: list[Any], named: Mapping[str, Any]) -> Said | None:
    x, y = first[0], named.get("y")
    if _is_tensor(x) and _is_tensor(y):
        return "Add", {}, [x, y]
    return _rescaled(x, 1.0, y) if _is_tensor(x) else _rescaled(y, 1.0, x)


def _difference(first: list[Any], named: Mapping[str, Any]) -> Said | None:
    x, y = first[0], named.get("y")
    if _is_tensor(x) and _is_tensor(y):
        return "Subtract", {}, [x, y]
    return _rescaled(x, 1.0, _each(y, lambda n: -n)) if _is_tensor(x) else _rescaled(y, -1.0, x)


def _product(first: list[Any], named: Mapping[str, Any]) -> Said | None:
    x, y = first[0], named.get("y")
    if _is_tensor(x) and _is_tensor(y):
        return "Multiply", {}, [x, y]
    return _rescaled(x, y, 0.0) if _is_tensor(x) else _rescaled(y, x, 0.0)


def _quotient(first: list[Any], named: Mapping[str, Any]) -> Said | None:
    x, y = first[0], named.get("y")
    return _rescaled(x, _each(y, lambda n: 1 / n if n else float("inf")), 0.0)


def _rescaled(x: Any, scale: Any, offset: Any) -> Said | None:
    """Numbers, or one for each channel."""
    if not _is_tensor(x) or not all(_is_number(value) for value in (scale, offset)):
        return None
    return "Rescaling", {"scale": scale, "offset": offset}, [x]


def _is_number(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(isinstance(n, int | float) and not isinstance(n, bool) for n in values)


def _each(value: Any, function: Callable[[float], float]) -> Any:
    if not _is_number(value):
        return None
    return [function(n) for n in value] if isinstance(value, list) else function(value)


def _layer(kind: str, **settings: Any) -> Callable[[list[Any], Mapping[str, Any]], Said | None]:
    """An operation with one argument."""
    return lambda first, named: (kind, settings, first) if len(first) == 1 and _is_tensor(first[0]) else None


def _leaky_relu(first: list[Any], named: Mapping[str, Any]) -> Said | None:
    return "LeakyReLU", {"negative_slope": named.get("alpha", 0.2)}, first


def _softmax(first: list[Any], named: Mapping[str, Any]) -> Said | None:
    axis = named.get("axis")
    return "Softmax", {"axis": -1 if axis is None else axis}, first


def _mean(first: list[Any], named: Mapping[str, Any]) -> Said | None:
    if sorted(named.get("axis") or []) != [1, 2]:
        return None
    return "GlobalAveragePooling2D", {"keepdims": bool(named.get("keepdims"))}, first


def _join(first: list[Any], named: Mapping[str, Any]) -> Said | None:
    return "Concatenate", {"axis": named.get("axis", -1)}, first


_OPERATIONS: dict[str, Callable[[list[Any], Mapping[str, Any]], Said | None]] = {
    "__operators__.add": _sum,
    "math.add": _sum,
    "__operators__.sub": _difference,
    "math.subtract": _difference,
    "__operators__.mul": _product,
    "math.multiply": _product,
    "__operators__.truediv": _quotient,
    "math.truediv": _quotient,
    "math.divide": _quotient,
    "nn.relu": _layer("ReLU"),
    "nn.relu6": _layer("ReLU", max_value=6.0),
    "nn.leaky_relu": _leaky_relu,
    "nn.softmax": _softmax,
    "nn.sigmoid": _layer("Activation", activation="sigmoid"),
    "math.sigmoid": _layer("Activation", activation="sigmoid"),
    "math.tanh": _layer("Activation", activation="tanh"),
    "nn.silu": _layer("Activation", activation="silu"),
    "math.reduce_mean": _mean,
    "concat": _join,
    "identity": _layer("Identity"),
}
"""TensorFlow's name of a function, without ``tf.`` -> what says the same."""
