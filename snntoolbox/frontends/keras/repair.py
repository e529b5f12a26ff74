"""Architectures that Keras 2 wrote, also for the original toolbox, and Keras 3 refuses, made readable.

An architecture is nested dictionaries ``{"class_name": ..., "config": {...}}``, in files of Keras 3 and late Keras 2
with ``"module"``. Each rule below undoes one difference; what Keras 3 writes itself passes through unchanged.
"""

from __future__ import annotations

from typing import Any

from snntoolbox.frontends.keras.repair_operations import repaired_operation

__all__ = ["repaired"]

_UNUSED = {
    **dict.fromkeys(
        ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D"), ("groups",)
    ),
    **dict.fromkeys(
        ("SeparableConv1D", "SeparableConv2D"),
        ("groups", "kernel_constraint", "kernel_initializer", "kernel_regularizer"),
    ),
    **dict.fromkeys(
        ("RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom"),
        ("rng_type",),
    ),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), ("noise_shape", "trainable")),
}
"""Layer -> settings that Keras 2 wrote although the layer does not use them, and that Keras 3 does not accept."""

_RENAMED = (
    (("InputLayer",), "batch_input_shape", "batch_shape"),
    (("LeakyReLU",), "alpha", "negative_slope"),
)
"""Layers, their setting in Keras 2, and its name in Keras 3."""

_MODELS = {
    "Functional": ("Functional", "keras.src.models.functional"),
    "Model": ("Functional", "keras.src.models.functional"),
    "Sequential": ("Sequential", "keras"),
}
"""Class name of a model in Keras 2 -> class name and module in Keras 3."""


def repaired(architecture: dict[str, Any]) -> dict[str, Any]:
    """Return an architecture that Keras 3 reads, with ``module`` at the top; the same if nothing is wrong with it."""
    fixed: dict[str, Any] = _repair(architecture)
    kind = fixed["class_name"]
    if "module" not in fixed and kind in _MODELS:
        fixed["module"] = _MODELS[kind][1]
        fixed.setdefault("registered_name", None)
    return fixed


def _repair(thing: Any) -> Any:
    if isinstance(thing, list):
        return [_repair(item) for item in thing]
    if not isinstance(thing, dict):
        return thing
    fixed = {key: _repair(value) for key, value in thing.items()}
    if "class_name" in fixed and isinstance(fixed.get("config"), dict | list):
        return _repair_object(fixed)
    return fixed


def _repair_object(fixed: dict[str, Any]) -> dict[str, Any]:
    """Repair one layer, model or initializer, its parts being repaired already."""
    kind = fixed["class_name"]
    module = fixed.get("module")
    if kind == "TFOpLambda":
        return repaired_operation(fixed)
    if isinstance(module, str) and kind in _MODELS and "engine" in module:
        fixed["class_name"], fixed["module"] = _MODELS[kind]
        fixed["registered_name"] = fixed["class_name"]
    elif isinstance(module, str) and module.startswith("tf_keras"):
        fixed["module"] = module.removeprefix("tf_")
    elif module is None and kind == "Model":
        fixed["class_name"] = "Functional"
    elif kind == "LimitedReLU":  # the original toolbox's name for a ReLU with a ceiling
        fixed |= {"class_name": "ReLU", "module": "keras.layers", "registered_name": None}
    if kind == "Sequential":
        fixed["config"] = _repair_sequential(fixed["config"])
    elif isinstance(fixed["config"], dict):
        fixed["config"] = _repair_settings(kind, fixed["config"])
    return fixed


def _repair_settings(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    config = {key: value for key, value in config.items() if key not in _UNUSED.get(kind, ())}
    axis = config.get("axis")
    if kind == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    for kinds, old, new in _RENAMED:
        if kind in kinds and old in config:
            config[new] = config.pop(old)
    return config


def _repair_sequential(config: dict[str, Any] | list[Any]) -> dict[str, Any]:
    """Early Keras 2 wrote the bare list of layers, and the shape of the input into the first of them."""
    config = {"name": "sequential", "layers": config} if isinstance(config, list) else config
    shapes = [layer.get("config", {}).pop("batch_input_shape", None) for layer in config["layers"]]
    first = config["layers"][0] if config["layers"] else {}
    if shapes and shapes[0] is not None and first["class_name"] != "InputLayer":
        entrance = {"batch_shape": shapes[0], "name": f"{first['config'].get('name', 'layer')}_input"}
        config["layers"] = [{"class_name": "InputLayer", "config": entrance}, *config["layers"]]
    return config
