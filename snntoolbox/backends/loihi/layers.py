"""Layers to build a chip's network by hand, as in Keras, with weights that are integers already.

For instance::

    inputs = NxInputLayer((28, 28, 1), vThMant=255)
    x = NxConv2D(16, (5, 5), strides=(2, 2), vThMant=512)(inputs.input)
    x = NxDense(10, threshOp=READOUT)(NxFlatten()(x))
    model = NxModel(inputs.input, x)
    model.layers[1].set_weights([kernel, bias])

Names of layers and arguments are those of Rueckauer 2020, section 3.2.1. Shapes are those of Keras, channels last.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.compartments import FIRE
from snntoolbox.errors import GraphError
from snntoolbox.ir import ops
from snntoolbox.ir.ops import Op, Shape
from snntoolbox.ir.padding import same_padding
from snntoolbox.registry import suggest

__all__ = [
    "NxAveragePooling2D",
    "NxConv1D",
    "NxConv2D",
    "NxDense",
    "NxDepthwiseConv2D",
    "NxFlatten",
    "NxInputLayer",
    "NxLayer",
    "NxNeuronLayer",
    "NxReshape",
    "NxTensor",
    "NxZeroPadding2D",
]

Array = NDArray[Any]
Pads = Literal["valid", "same"]
_NUMBER = count(1)


@dataclass(frozen=True, eq=False)
class NxTensor:
    """What a layer returns: the layer, the tensor it was called with, and its own shape without batch."""

    layer: NxLayer
    source: NxTensor | None
    shape: Shape


class NxLayer(ABC):
    """Base of the layers.

    Attributes:
        name: Unique name; made from the class unless given.
        changes: How often weights were set, by which a model sees that its mapping is old.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name or f"{type(self).__name__.removeprefix('Nx').lower()}_{next(_NUMBER)}"
        self._weights: list[Array] = []
        self.changes = 0
        self.input_shape: Shape = ()

    def __call__(self, tensor: NxTensor) -> NxTensor:
        """Connect the layer; return its output."""
        self.input_shape = tensor.shape
        self._weights = [np.zeros(shape, np.int64) for shape in self.weight_shapes()]
        return NxTensor(self, tensor, self.operation().infer(tensor.shape))

    def weight_shapes(self) -> list[Shape]:
        """Return the shapes of kernel and bias for the input the layer is connected to."""
        return []

    @abstractmethod
    def operation(self) -> Op:
        """Return what the layer computes, as an op of the internal graph with the weights as they are."""

    def get_weights(self) -> list[Array]:
        """Return kernel and bias mantissas."""
        return list(self._weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Replace the weights.

        Args:
            weights: Kernel of whole numbers from -255 to 255, and bias mantissas, in the shapes of `get_weights`.

        Raises:
            GraphError: Number, shape or type does not fit.
        """
        given = [np.asarray(w) for w in weights]
        shapes, expected = [w.shape for w in given], [w.shape for w in self._weights]
        if shapes != expected:
            raise GraphError(f"layer '{self.name}': expected weights of shapes {expected}, got {shapes}")
        if any(np.any(w != np.rint(w)) for w in given):
            raise GraphError(f"layer '{self.name}': expected whole numbers, got fractions; scale and round them first")
        self._weights = [w.astype(np.int64) for w in given]
        self.changes += 1


class NxNeuronLayer(NxLayer):
    """Base of the layers with neurons, and the arguments that they share (keywords of every such layer).

    Attributes:
        vThMant: Threshold mantissa; a neuron fires above vThMant * 64.
        biasExp: Bias exponent; bias = mantissa * 2**biasExp.
        resetMode: `hard` to zero, `soft` by subtraction with two compartments a neuron.
        compartmentVoltageDecay, compartmentCurrentDecay: Decays a step in 1/4096; 4096 clears at once.
        refractoryDelay: 1 for no dead step.
        numWeightBits, weightExponent: Of the synapses.
        useSharedSign: Positive and negative weights in entries of their own; otherwise each has a sign bit.
        synapseEncoding: `auto`, `sparse`, `runlength`, `dense1` or `dense2`.
        threshOp: `compartments.FIRE`, or `compartments.READOUT` for an output that is read from the voltage.
        vInit: Voltage at the start, as a mantissa.
    """

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "vThMant": 512,
        "biasExp": 6,
        "resetMode": "hard",
        "compartmentVoltageDecay": 0,
        "compartmentCurrentDecay": 4096,
        "refractoryDelay": 1,
        "numWeightBits": 8,
        "weightExponent": 0,
        "useSharedSign": True,
        "synapseEncoding": "auto",
        "threshOp": FIRE,
        "vInit": 0,
    }

    def __init__(self, name: str = "", **arguments: Any) -> None:
        super().__init__(name)
        unknown = [key for key in arguments if key not in self.ARGUMENTS]
        if unknown:
            hint = suggest(unknown[0], list(self.ARGUMENTS))
            raise GraphError(f"layer '{self.name}': unknown argument '{unknown[0]}'.{hint}")
        self.arguments = {**self.ARGUMENTS, **arguments}
        if self.arguments["resetMode"] not in ("hard", "soft"):
            raise GraphError(f"layer '{self.name}': resetMode must be 'hard' or 'soft', got "
                             f"'{self.arguments['resetMode']}'")  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        """Return an argument as an attribute."""
        if name in type(self).ARGUMENTS:
            return self.arguments[name]
        raise AttributeError(name)


class NxInputLayer(NxNeuronLayer):
    """Neurons that the host drives by their biases: the rate is bias / (vThMant * 64)."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {**NxNeuronLayer.ARGUMENTS, "vThMant": 255}

    def __init__(self, input_shape: Sequence[int], name: str = "", **arguments: Any) -> None:
        super().__init__(name, **arguments)
        self.input_shape = tuple(input_shape)

    @property
    def input(self) -> NxTensor:
        """The layer's output, to connect others to."""
        return NxTensor(self, None, self.input_shape)

    def operation(self) -> Op:
        """Return an input."""
        return ops.Input(self.input_shape)


class NxDense(NxNeuronLayer):
    """Every input to every neuron; weights (inputs, units) and (units,)."""

    def __init__(self, units: int, name: str = "", **arguments: Any) -> None:
        super().__init__(name, **arguments)
        self.units = units

    def weight_shapes(self) -> list[Shape]:
        """Return (inputs, units), (units,)."""
        return [(self.input_shape[-1], self.units), (self.units,)]

    def operation(self) -> Op:
        """Return the product with the kernel."""
        return ops.Dense(self._weights[0].astype(np.float64))


class _Convolution(NxNeuronLayer):
    RANK: ClassVar[int]

    def __init__(
        self, kernel_size: int | Sequence[int], strides: int | Sequence[int], padding: Pads, name: str, arguments: Any
    ) -> None:
        super().__init__(name, **arguments)
        self.kernel_size, self.strides = _several(kernel_size, self.RANK), _several(strides, self.RANK)
        self.padding = padding

    def _pads(self) -> tuple[tuple[int, int], ...]:
        ones = (1,) * self.RANK
        if self.padding == "valid":
            return ((0, 0),) * self.RANK
        return tuple(same_padding(self.input_shape[:-1], self.kernel_size, self.strides, ones))

    def operation(self) -> Op:
        """Return the convolution."""
        return ops.Conv(self._weights[0].astype(np.float64), None, self.strides, self._pads())


class NxConv2D(_Convolution):
    """Convolution over two axes; weights (*kernel, in, filters) and (filters,)."""

    RANK = 2

    def __init__(
        self, filters: int, kernel_size: int | Sequence[int], strides: int | Sequence[int] = 1,
        padding: Pads = "valid", name: str = "", **arguments: Any,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size, strides, padding, name, arguments)
        self.filters = filters

    def weight_shapes(self) -> list[Shape]:
        """Return (*kernel, in, filters), (filters,)."""
        return [(*self.kernel_size, self.input_shape[-1], self.filters), (self.filters,)]


class NxConv1D(NxConv2D):
    """Convolution over one axis; weights (kernel, in, filters) and (filters,)."""

    RANK = 1


class NxDepthwiseConv2D(_Convolution):
    """A kernel for each channel; weights (*kernel, in, 1) and (in,)."""

    RANK = 2

    def __init__(
        self, kernel_size: int | Sequence[int], strides: int | Sequence[int] = 1, padding: Pads = "valid",
        name: str = "", **arguments: Any,
    ) -> None:  # fmt: skip
        super().__init__(kernel_size, strides, padding, name, arguments)

    def weight_shapes(self) -> list[Shape]:
        """Return (*kernel, in, 1), (in,)."""
        return [(*self.kernel_size, self.input_shape[-1], 1), (self.input_shape[-1],)]

    def operation(self) -> Op:
        """Return the convolution, a group for each channel."""
        kernel = self._weights[0].astype(np.float64).transpose(0, 1, 3, 2)
        return ops.Conv(kernel, None, self.strides, self._pads(), groups=self.input_shape[-1])


class NxAveragePooling2D(_Convolution):
    """Mean of each window: weights of one size, which the threshold makes up for. No weights to set."""

    RANK = 2

    def __init__(
        self, pool_size: int | Sequence[int] = 2, strides: int | Sequence[int] | None = None,
        padding: Pads = "valid", name: str = "", **arguments: Any,
    ) -> None:  # fmt: skip
        super().__init__(pool_size, pool_size if strides is None else strides, padding, name, arguments)

    def operation(self) -> Op:
        """Return a depthwise convolution with equal weights that add up to the threshold, as near as they can."""
        channels = self.input_shape[-1]
        weight = min(round(self.vThMant / prod(self.kernel_size)), 255)
        kernel = np.full((*self.kernel_size, 1, channels), float(weight))
        return ops.Conv(kernel, None, self.strides, self._pads(), groups=channels)


class NxFlatten(NxLayer):
    """All axes in one; takes no neurons."""

    def operation(self) -> Op:
        """Return the reshaping."""
        return ops.Reshape((prod(self.input_shape),))


class NxReshape(NxLayer):
    """Another shape; takes no neurons."""

    def __init__(self, target_shape: Sequence[int], name: str = "") -> None:
        super().__init__(name)
        self.target_shape = tuple(target_shape)

    def operation(self) -> Op:
        """Return the reshaping."""
        return ops.Reshape(self.target_shape)


class NxZeroPadding2D(NxLayer):
    """Zeros around the two spatial axes; takes no neurons."""

    def __init__(self, padding: int | Sequence[int | Sequence[int]] = 1, name: str = "") -> None:
        super().__init__(name)
        sides = (padding, padding) if isinstance(padding, int) else tuple(padding)
        pairs = [(side, side) if isinstance(side, int) else (int(side[0]), int(side[1])) for side in sides]
        self.padding = (*pairs, (0, 0))

    def operation(self) -> Op:
        """Return the padding."""
        return ops.Pad(tuple(self.padding))


def _several(value: int | Sequence[int], rank: int) -> Shape:
    return (value,) * rank if isinstance(value, int) else tuple(value)
