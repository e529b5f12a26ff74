"""Configurations that Keras 2 wrote and Keras 3 refuses, made readable."""

from __future__ import annotations

from typing import Any

__all__ = ["repaired"]

_NO_GROUPS = (
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "SeparableConv1D",
    "SeparableConv2D",
)
"""Layers whose configuration TensorFlow 2.3 to 2.15 wrote with ``groups``, a number they do not use."""


def repaired(config: Any) -> Any:
    """Return a model's configuration (the content of its JSON) without what Keras 3 refuses."""
    if isinstance(config, list):
        return [repaired(item) for item in config]
    if not isinstance(config, dict):
        return config
    fixed = {key: repaired(value) for key, value in config.items()}
    if fixed.get("class_name") in _NO_GROUPS and isinstance(fixed.get("config"), dict):
        fixed["config"] = {key: value for key, value in fixed["config"].items() if key != "groups"}
    return fixed
