"""Activations: as functions or layers inside a layer, as layers of their own, and as operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snntoolbox.frontends.keras.calls import Call, Translator, values
from snntoolbox.ir.ops import Activation, Op, Relu, Softmax

__all__ = ["activate", "activation", "gelu", "of_layer", "of_operation"]


def activate(call: Call, source: str) -> str:
    """Append the activation inside a layer, named ``<layer>_<activation>``; return the last node."""
    found = _resolve(call, call.layer.activation)
    if found is None:
        return source
    name, op = found
    return call.add(op, source, suffix=name)


def activation(call: Call) -> str:
    """Activation: a function as a layer."""
    found = _resolve(call, call.layer.activation)
    return call.source if found is None else call.add(found[1])


def of_layer(call: Call) -> str:
    """ReLU, LeakyReLU, PReLU, ELU, Softmax, and operations with the same attributes."""
    return call.add(_LAYERS[type(call.layer).__name__.lower()][1](call, call.layer))


def of_operation(name: str) -> Translator:
    """Return a translator for the operation in `keras.ops` that is the function ``name``."""
    return lambda call: call.add(_FUNCTIONS[name])


def gelu(call: Call) -> str:
    """The operation `keras.ops.gelu`, which is approximate unless told otherwise."""
    if call.layer.approximate:
        call.refuse("is the approximate GELU.", "Use keras.activations.gelu, which is exact.")
    return call.add(Activation("gelu"))


_FUNCTIONS: dict[str, Op] = {
    "relu": Relu(),
    "relu6": Relu(max_value=6.0),
    "leaky_relu": Relu(negative_slope=0.2),
    "softmax": Softmax(),
    **{name: Activation(name) for name in (*Activation.FUNCTIONS, *Activation.BINARY)},
}
"""Functions by Keras's name, with the defaults at which a layer calls them."""

_ALIASES = {"swish": "silu", "exp": "exponential", "softmax_v2": "softmax", "log_softmax_v2": "log_softmax"}
"""Other names of the same, those of TensorFlow's functions included."""

_BINARY = {"binary_sigmoid": "heaviside", "binary_tanh": "sign"}
"""Functions of BinaryNet (Courbariaux et al. 2016), which Keras does not have: taken from any module."""

_LINEAR = ("linear", "identity")

_HINT = f"Use relu, relu6, leaky_relu or softmax; at the output also {', '.join(Activation.FUNCTIONS)}."


def _resolve(call: Call, function: Any) -> tuple[str, Op] | None:
    """The name and op of a layer's activation: nothing, a function, or a layer; None if it changes nothing."""
    if function is None:
        return None
    kind = _kind(function)
    if kind in _LAYERS:
        name, make = _LAYERS[kind]
        return name, make(call, function)
    given = getattr(function, "__name__", type(function).__name__)
    module = getattr(function, "__module__", None) or "an unknown module"
    # A function of the user's own may do anything, whatever its name; and `keras.ops.gelu` is another GELU.
    ours = module.split(".")[0] in ("keras", "tensorflow", "snntoolbox")
    known = ours and (module, given) != ("keras.src.ops.nn", "gelu")
    name = _ALIASES.get(given, given)
    if given in _BINARY:
        known, name = True, _BINARY[given]
    if known and name in _LINEAR:
        return None
    if not known or name not in _FUNCTIONS:
        call.refuse(f"has the activation '{given}' of {module}, which is not known.", _HINT)
    return name, _FUNCTIONS[name]


def _kind(thing: Any) -> str:
    """Key of an activation layer; the original toolbox's LimitedReLU is Keras's ReLU under another name."""
    kind = type(thing).__name__.lower()
    return "relu" if kind == "limitedrelu" else kind


def _relu(call: Call, layer: Any) -> Op:
    threshold, slope = float(layer.threshold), float(layer.negative_slope or 0.0)
    if threshold < 0 or (threshold and slope):
        hint = "Only a threshold >= 0 without a slope for smaller values can be taken."
        call.refuse(f"has threshold = {layer.threshold} and negative_slope = {slope:g}.", hint)
    ceiling = None if layer.max_value is None else float(layer.max_value)
    return Relu(ceiling, slope, threshold=max(threshold, 0.0))


def _quantized_relu(call: Call, layer: Any) -> Op:
    return Relu(float(values(layer.ceiling)), levels=int(layer.levels))


def _leaky_relu(call: Call, layer: Any) -> Op:
    return Relu(negative_slope=float(layer.negative_slope))


def _prelu(call: Call, layer: Any) -> Op:
    if not layer.built:  # Keras does not save the weights of an activation inside a layer.
        call.refuse("has a PReLU inside, which has no weights.", "Use PReLU as a layer of its own.")
    slopes = values(layer.alpha)
    # Slopes of the channels alone fold and print more simply without axes of size 1.
    return Relu(negative_slope=slopes.reshape(-1) if slopes.size == slopes.shape[-1] else slopes)


def _elu(call: Call, layer: Any) -> Op:
    if float(layer.alpha) != 1:
        call.refuse(f"has alpha = {layer.alpha}.", "Only alpha = 1 can be taken.")
    return Activation("elu")


def _softmax(call: Call, layer: Any) -> Op:
    _require_last_axis(call, layer.axis)
    return Softmax()


def _log_softmax(call: Call, layer: Any) -> Op:
    _require_last_axis(call, layer.axis)
    return Activation("log_softmax")


def _require_last_axis(call: Call, axis: Any) -> None:
    rank = len(call.shape)
    axes = axis if isinstance(axis, list | tuple) else [axis]
    if [a is not None and a % (rank + 1) for a in axes] != [rank]:
        call.refuse(f"has axis = {axis}.", "Only a softmax along the last axis can be taken: use axis=-1.")


_LAYERS: dict[str, tuple[str, Callable[[Call, Any], Op]]] = {
    "elu": ("elu", _elu),
    "leakyrelu": ("leaky_relu", _leaky_relu),
    "logsoftmax": ("log_softmax", _log_softmax),
    "prelu": ("prelu", _prelu),
    "quantizedrelu": ("quantized_relu", _quantized_relu),
    "relu": ("relu", _relu),
    "softmax": ("softmax", _softmax),
}
"""Activations with attributes, by class name in lower case, which Keras's layers and operations then share."""
