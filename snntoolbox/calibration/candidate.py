"""A layer of neurons as it might be: other parameters, a shifted bias, and the rates that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration.layerwise import Layer
from snntoolbox.neurons import NeuronModel

__all__ = ["Candidate", "charge_of"]

Array = NDArray[Any]


def charge_of(model: NeuronModel) -> Any:
    """Return the charge that a message of 1 takes away: threshold / size of a message."""
    return np.asarray(getattr(model, "threshold", 1.0)) / np.asarray(getattr(model, "message_size", 1.0))


@dataclass(frozen=True, eq=False)
class Candidate:
    """A layer as it might be.

    Attributes:
        layer: The layer, and what arrives at it.
        model: Its neurons.
        shift: Charge added in each step.
        found: Kind of correction -> its value, of all that make it differ from the layer as it is.
    """

    layer: Layer
    model: NeuronModel
    shift: Array | float = 0.0
    found: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def rates(self) -> Array:
        """Mean message of the steps in which the neurons are free, shape (batch, *shape)."""
        return self.layer.rates(self.model, self.shift)

    @property
    def messages(self) -> Array:
        """Message of each step, shape (steps, batch, *shape)."""
        return self.layer.fire(self.model, self.shift)

    @property
    def charge(self) -> Any:
        """Charge that a message of 1 takes away: threshold / size of a message."""
        return charge_of(self.model)

    @property
    def free_steps(self) -> int:
        """Number of steps in which the neurons are not held."""
        return self.layer.num_steps - self.layer.clamped(self.model)

    def changed(self, kind: str, value: Any, *, model: NeuronModel | None = None, shift: Any = None) -> Candidate:
        """Return the layer with a correction.

        Args:
            kind: Of the correction.
            value: Its value.
            model: Neurons that it leads to; the same unless given.
            shift: Charge in each step that it leads to; the same unless given.
        """
        model, shift = self.model if model is None else model, self.shift if shift is None else shift
        return replace(self, model=model, shift=shift, found={**self.found, kind: value})
