"""A rectifier for Keras networks that are trained to become spiking ones with few time steps.

Source: Bu et al. 2022, "Optimal ANN-SNN conversion for high-accuracy and ultra-low-latency spiking neural networks",
eq. 14 (quantisation clip-floor-shift, QCFS).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["QuantizedReLU"]


@keras.saving.register_keras_serializable(package="snntoolbox")
class QuantizedReLU(keras.layers.Layer):  # type: ignore[misc]
    """y = (λ / n) clip(floor(n x / λ + 1/2), 0, n), with a ceiling λ that is trained.

    Neurons with the threshold λ that start at half of it compute just this in n steps of evenly arriving input, so the
    network is trained on what it becomes. Gradients pass the floor as if it were not there (a straight-through
    estimator). Use it in place of ReLU, as a layer of its own, behind batch normalisation; conversion takes λ as the
    layer's scale, whatever ``[normalization] method`` says.

    Attributes:
        levels: n >= 1, about the number of time steps of the spiking network. 4 to 16 are usual.
        ceiling: λ, a scalar weight.
    """

    def __init__(self, levels: int = 8, initial_ceiling: float = 8.0, **options: Any) -> None:
        """Make the layer.

        Args:
            levels: n.
            initial_ceiling: λ before training, > 0.
            options: Of every Keras layer, such as ``name``.

        Raises:
            ValueError: A number is out of range.
        """
        super().__init__(**options)
        if levels < 1 or not initial_ceiling > 0:
            raise ValueError(f"expected levels >= 1 and initial_ceiling > 0, got {levels} and {initial_ceiling}")
        self.levels, self.initial_ceiling = int(levels), float(initial_ceiling)

    def build(self, input_shape: Any) -> None:
        """Make the ceiling."""
        start = keras.initializers.Constant(self.initial_ceiling)
        above = keras.constraints.get(_at_least)
        self.ceiling = self.add_weight(shape=(), initializer=start, constraint=above, name="ceiling")
        self.built = True

    def call(self, x: Any) -> Any:
        """Return the rounded rectifier of x, of the same shape."""
        share = ops.clip(x / self.ceiling, 0.0, 1.0)
        rounded = ops.floor(share * self.levels + 0.5) / self.levels
        return self.ceiling * (share + ops.stop_gradient(rounded - share))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the input shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made of again."""
        config: dict[str, Any] = super().get_config()
        return {**config, "levels": self.levels, "initial_ceiling": self.initial_ceiling}


@keras.saving.register_keras_serializable(package="snntoolbox")  # type: ignore[untyped-decorator]
def _at_least(ceiling: Any) -> Any:
    """Keep a ceiling above 0."""
    return ops.maximum(ceiling, 1e-3)
