"""Pooling, rectifiers and other activations, and their spiking counterparts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import GraphError
from snntoolbox.ir.ops.base import Op, Padding, Shape, check_broadcast, freeze, window_shape
from snntoolbox.neurons.base import NeuronModel, parameter_problem

__all__ = ["Activation", "AveragePool", "MaxPool", "PoolGate", "Relu", "Softmax", "Spiking", "SpikingMaxPool"]

PoolGate = Literal["cumulative", "fir_max", "exp_max", "avg_max"]


class _Pool(Op):
    """Shape rule that the pooling ops share."""

    pool: Shape
    strides: Shape
    padding: Padding

    def __post_init__(self) -> None:
        """Fill in defaults: strides = pool, no padding."""
        object.__setattr__(self, "pool", tuple(self.pool))
        object.__setattr__(self, "strides", tuple(self.strides or self.pool))
        padding = self.padding or ((0, 0),) * len(self.pool)
        object.__setattr__(self, "padding", tuple((int(a), int(b)) for a, b in padding))

    def infer(self, *inputs: Shape) -> Shape:
        """Return (*spatial', channels)."""
        (shape,) = inputs
        ones = (1,) * len(self.pool)
        spatial = window_shape(self.kind, shape, self.pool, self.strides, ones, self.padding)
        return (*spatial, shape[-1])


@dataclass(frozen=True, eq=False)
class MaxPool(_Pool):
    """Largest value in each window; padding never wins.

    Attributes:
        pool, strides: One number for each spatial axis; strides default to the pool.
        padding: (before, after) along each spatial axis.
    """

    pool: Shape
    strides: Shape = ()
    padding: Padding = ()


@dataclass(frozen=True, eq=False)
class AveragePool(_Pool):
    """Mean of each window.

    Attributes:
        pool, strides: One number for each spatial axis; strides default to the pool.
        padding: Zeros (before, after) along each spatial axis.
        count_padding: Whether padded zeros count in the mean's denominator.
    """

    pool: Shape
    strides: Shape = ()
    padding: Padding = ()
    count_padding: bool = False
    linear: ClassVar[bool] = True


@dataclass(frozen=True, eq=False)
class Relu(Op):
    """y = min(max(x, 0), max_value) + negative_slope * min(x, 0), element by element.

    With n levels the rectified value is rounded to a multiple of s = max_value / n: s floor(y / s + 1/2), as in
    networks trained with quantised activations (Bu et al. 2022, "Optimal ANN-SNN conversion for high-accuracy and
    ultra-low-latency spiking neural networks").

    Attributes:
        max_value: Ceiling (ReLU6: 6), a scalar or an array that broadcasts against the input; or None.
        negative_slope: 0 for a rectifier; a scalar for a leaky one; an array that broadcasts against the input for a
            parametric one.
        levels: Number of steps between 0 and the ceiling that values are rounded to; None rounds nothing.
        threshold: β, a scalar or an array that broadcasts against the input: what is not above it becomes 0 (Rueckauer
            2020, eq. 2.29).
    """

    max_value: float | NDArray[np.floating[Any]] | None = None
    negative_slope: float | NDArray[np.floating[Any]] = 0.0
    levels: int | None = None
    threshold: float | NDArray[np.floating[Any]] = 0.0

    def __post_init__(self) -> None:
        """Freeze an array of slopes and check the ceiling and the levels.

        Raises:
            GraphError: They are not positive, or levels have no ceiling or a slope.
        """
        if self.levels is not None and (self.levels < 1 or self.max_value is None or self.leaky):
            raise GraphError(f"Relu: levels must be >= 1, with a max_value and no slope, got {self.levels}")
        if isinstance(self.negative_slope, np.ndarray):
            object.__setattr__(self, "negative_slope", freeze(self.negative_slope))
        if self.max_value is not None and not np.all(np.asarray(self.max_value) > 0):
            raise GraphError(f"Relu: max_value must be > 0, got {self.max_value}")
        if isinstance(self.max_value, np.ndarray):
            object.__setattr__(self, "max_value", freeze(self.max_value))
        if not np.all(np.asarray(self.threshold) >= 0) or (self.clamps and (self.leaky or self.levels is not None)):
            raise GraphError(f"Relu: threshold must be >= 0, without levels or a slope, got {self.threshold}")
        if isinstance(self.threshold, np.ndarray):
            object.__setattr__(self, "threshold", freeze(self.threshold))

    @property
    def clamps(self) -> bool:
        """Whether small positive inputs give 0."""
        return bool(np.any(np.asarray(self.threshold) > 0))

    @property
    def leaky(self) -> bool:
        """Whether negative inputs give non-zero outputs."""
        return bool(np.any(np.asarray(self.negative_slope) != 0))

    def infer(self, *inputs: Shape) -> Shape:
        """Return the input shape."""
        (shape,) = inputs
        check_broadcast(self, shape)
        return shape


@dataclass(frozen=True, eq=False)
class Softmax(Op):
    """exp(x) / sum(exp(x)) along the last axis."""

    def infer(self, *inputs: Shape) -> Shape:
        """Return the input shape."""
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Activation(Op):
    """An activation other than a rectifier: at the output, or inside where the spike code has neurons for it.

    Attributes:
        function: Lower-case name of the function; see `FUNCTIONS` and `BINARY`.
    """

    function: str

    FUNCTIONS: ClassVar[tuple[str, ...]] = (
        "elu",
        "exponential",
        "gelu",
        "hard_sigmoid",
        "log_softmax",
        "selu",
        "sigmoid",
        "silu",
        "softplus",
        "softsign",
        "tanh",
    )
    BINARY: ClassVar[tuple[str, ...]] = ("heaviside", "sign")
    """Functions of binary networks: 1 for x > 0, else 0; and -1, 0 or 1, the sign of x."""

    def __post_init__(self) -> None:
        """Check the name.

        Raises:
            GraphError: No such function.
        """
        known = (*self.FUNCTIONS, *self.BINARY)
        if self.function not in known:
            raise GraphError(f"Activation: expected one of {', '.join(known)}, got '{self.function}'")

    def infer(self, *inputs: Shape) -> Shape:
        """Return the input shape."""
        return inputs[0]


@dataclass(frozen=True, eq=False)
class Spiking(Op):
    """A layer of neurons, one for each element of the input.

    Attributes:
        model: The neuron model with its parameters.
    """

    model: NeuronModel

    def infer(self, *inputs: Shape) -> Shape:
        """Return the input shape."""
        (shape,) = inputs
        problem = parameter_problem(self.model, shape)
        if problem:
            raise GraphError(f"{type(self.model).__name__}: {problem}")
        return shape


@dataclass(frozen=True, eq=False)
class SpikingMaxPool(_Pool):
    """Max-pooling of messages or currents that arrive over time.

    Methods, with x(t) the input and, in each window, one winner:

    * ``cumulative``: y(t) = max S(t) - max S(t-1), S(t) = sum of x up to t. Exact: the outputs sum to the maximum of
      the sums. Pooling x(t) itself would be biased upward.
    * ``avg_max``, ``fir_max``, ``exp_max``: y(t) = x(t) of the input with the highest estimate of the rate
      (Rueckauer 2020, section 2.1.2.4). Estimates: running sum of x; sum of x(s)/s (finite impulse response with
      falling weights); r(t) = r(t-1) + (x(t) - r(t-1)) / `time_constant`. Ties go to the first in row-major order.

    Attributes:
        pool, strides, padding: As in `MaxPool`.
        method: How the winner is found.
        time_constant: Of ``exp_max``, in steps, >= 1.
    """

    pool: Shape
    strides: Shape = ()
    padding: Padding = ()
    method: PoolGate = "cumulative"
    time_constant: float = 10.0

    def __post_init__(self) -> None:
        """Fill in defaults and check the method.

        Raises:
            GraphError: Unknown method, or a time constant below one step.
        """
        super().__post_init__()
        if self.method not in ("cumulative", "fir_max", "exp_max", "avg_max"):
            raise GraphError(
                f"SpikingMaxPool: expected method 'cumulative', 'fir_max', 'exp_max' or 'avg_max', got '{self.method}'"
            )
        if self.time_constant < 1:
            raise GraphError(f"SpikingMaxPool: time_constant must be >= 1 step, got {self.time_constant}")
