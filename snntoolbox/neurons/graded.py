"""Neurons whose spikes have one of several sizes, of either sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, Parameter, State, read_only

__all__ = ["GradedIntegrateAndFire", "Spacing"]

Spacing = Literal["powers", "uniform"]
LARGEST = {"powers": 16, "uniform": 1 << 15}


@dataclass(frozen=True, eq=False)
class GradedIntegrateAndFire(NeuronModel):
    """Integrate the input; in each step send the size of spike that is nearest to what is still to be sent.

    With input z(t), threshold θ, n sizes, slope α, f(x) = x for x >= 0 and α x for x < 0, smallest size q (θ / n, or
    θ 2^(1-n) for powers), as in multi-threshold neurons (Huang et al. 2025, "Differential coding for training-free
    ANN-to-SNN conversion")::

        S(t) = S(t-1) + z(t)                          (S(t-1) while clamped)
        u = V(t-1) + f(S(t)) - f(S(t-1))              (V(0) while clamped)
        k = min(max(floor(u / q), -n), n)                       sizes q, 2q, ... n q (``uniform``)
            the power of two nearest to u / q - 1/2, or 0       sizes q, 2q, 4q, ... θ (``powers``)
        V(t) = u - q k
        message = amplitude q / θ * k

    where a negative power is never larger than what there is to take back, so the sum of the messages of a plain
    rectifier is never negative. With V(0) = q / 2 values are rounded to the nearest multiple of q / T in T steps; the
    running sum S takes back what was sent too early, as in `SignedIntegrateAndFire`. A message is one event, whatever
    its size; it carries `bits`.

    Attributes:
        threshold: θ > 0, the largest size, a scalar or one value a channel, in the units of the normalised activations.
        amplitude: Message of the largest size; None takes the threshold.
        levels: n, 1 to 16 for powers, 1 to 32768 for uniform.
        spacing: Whether sizes are powers of two, so that a shift of the weight does for the product, or all multiples.
        negative_slope: α, a scalar for a leaky rectifier, one value a channel for a parametric one.
        initial_potential: V(0).
        clamp_steps: Number of first steps in which input is discarded.
    """

    emits: ClassVar[Literal["spikes", "signed", "graded"]] = "graded"

    threshold: Parameter = 1.0
    amplitude: Parameter | None = None
    levels: int = 8
    spacing: Spacing = "powers"
    negative_slope: Parameter = 0.0
    initial_potential: Parameter = 0.0
    clamp_steps: int = 0

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: A parameter is outside its limits.
        """
        for name in ("threshold", "amplitude", "negative_slope", "initial_potential"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        if not np.all(np.asarray(self.threshold) > 0):
            raise GraphError(f"GradedIntegrateAndFire: threshold must be > 0, got {np.min(self.threshold)}")
        if self.spacing not in LARGEST:
            raise GraphError(f"GradedIntegrateAndFire: spacing must be 'powers' or 'uniform', got '{self.spacing}'")
        if not 1 <= self.levels <= LARGEST[self.spacing]:
            raise GraphError(
                f"GradedIntegrateAndFire: levels must be 1 to {LARGEST[self.spacing]} for {self.spacing}, got "
                f"{self.levels}"
            )
        if not np.all(np.isfinite(self.negative_slope)):
            raise GraphError("GradedIntegrateAndFire: negative_slope must be finite, got NaN or infinity")
        if self.clamp_steps < 0:
            raise GraphError(f"GradedIntegrateAndFire: clamp_steps must be >= 0, got {self.clamp_steps}")

    @property
    def bits(self) -> int:
        """Content of one event: a sign and the number of the size."""
        return 1 + (self.levels - 1).bit_length()

    @property
    def multiple(self) -> int:
        """The largest size as a multiple of the smallest."""
        return self.levels if self.spacing == "uniform" else 1 << (self.levels - 1)

    @property
    def unit(self) -> Parameter:
        """Smallest size q, in units of the potential."""
        return self.threshold / self.multiple

    @property
    def message_size(self) -> Parameter:
        """Message of the smallest size."""
        return (self.threshold if self.amplitude is None else self.amplitude) / self.multiple

    @property
    def bounds(self) -> tuple[tuple[float, float, int], ...]:
        """For each power: u / q from which on it is sent, and below which its negative is; and how much k grows.

        A size between two powers goes to the nearer one; on the way down to the one that is not too large.
        """
        above = [1.0, *(1.5 * 2**j + 0.5 for j in range(self.levels - 1))]
        growth = [1, *(2**j for j in range(self.levels - 1))]
        return tuple((up, 1.0 - 2.0**j, grown) for j, (up, grown) in enumerate(zip(above, growth, strict=True)))

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` (V) and ``charge`` (S)."""
        potential = np.broadcast_to(np.asarray(self.initial_potential, dtype), shape).copy()
        return {"potential": potential, "charge": np.zeros(shape, dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        if clock.step <= self.clamp_steps:
            nothing = np.zeros_like(state["potential"])
            return Emission(message=nothing, spikes=nothing), self.init_state(nothing.shape, nothing.dtype)
        charge, u = self._integrate(state, current)
        k = self._choose(u / self.unit)
        after = {"potential": u - self.unit * k, "charge": charge}
        return Emission(message=k * self.message_size, spikes=(k != 0).astype(u.dtype)), after

    def margin(self, state: State, current: Array) -> Array | None:
        """Return how far u is from the nearest bound between two sizes."""
        x = self._integrate(state, current)[1] / self.unit
        if self.spacing == "uniform":
            nearest = np.abs(x - np.clip(np.round(x), 1 - self.levels, self.levels))
        else:
            bounds = np.array([value for up, down, _ in self.bounds for value in (up, down)])
            nearest = np.min([np.abs(x - bound) for bound in bounds], axis=0)
        return np.asarray(nearest * self.unit)

    def _integrate(self, state: State, current: Array) -> tuple[Array, Array]:
        charge = state["charge"] + current
        return charge, state["potential"] + (self._rectify(charge) - self._rectify(state["charge"]))

    def _rectify(self, x: Array) -> Array:
        return np.asarray(np.maximum(x, 0) + self.negative_slope * np.minimum(x, 0))

    def _choose(self, x: Array) -> Array:
        """Return k for x = u / q."""
        if self.spacing == "uniform":
            return np.asarray(np.clip(np.floor(x), -self.levels, self.levels))
        k = np.zeros_like(x)
        for up, down, grown in self.bounds:
            k += grown * ((x >= up).astype(x.dtype) - (x < down))
        return k
