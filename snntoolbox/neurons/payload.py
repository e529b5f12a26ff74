"""Integrate-and-fire neurons whose spikes carry a payload: what the number of spikes leaves out.

Source: Rueckauer 2020, section 2.1.2.3 (eq. 2.8-2.19).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from snntoolbox.errors import GraphError
from snntoolbox.neurons.base import Array, Clock, Emission, NeuronModel, Parameter, State, read_only

__all__ = ["PayloadIntegrateAndFire"]


@dataclass(frozen=True, eq=False)
class PayloadIntegrateAndFire(NeuronModel):
    """Integrate the input, spike at the threshold, and send along how far the potential is from that at the last spike.

    With input z(t), threshold θ, U the charge since the last spike::

        u = V(t-1) + z(t)
        U(t) = U(t-1) + z(t)
        Θ = 1 if u >= θ and U(t) is not 0, else 0
        V(t) = u - θ if u >= θ, else u
        message = θ + α = U(t),  U(t) -> 0             where Θ = 1

    The payload α = V(t_N) - V(t_(N-1)) (eq. 2.19) is the difference of the potentials after two spikes in a row. Since
    each spike lowers the potential by θ, θ + α is the charge that arrived between them: after a spike, the sum of the
    messages is that of all charge, and what is missing is only what neurons below the threshold hold back. A spike that
    has nothing to tell, because nothing arrived since the last one, is not sent. Messages may be larger than θ, so
    nothing saturates.

    Attributes:
        threshold: θ > 0, a scalar or one value a channel.
        initial_potential: V(0), which moves the first spike.
    """

    emits: ClassVar[Literal["spikes", "signed", "graded"]] = "graded"
    message_size: ClassVar[float] = 1.0

    threshold: Parameter = 1.0
    initial_potential: Parameter = 0.0

    def __post_init__(self) -> None:
        """Check limits and make array parameters read-only.

        Raises:
            GraphError: The threshold is not positive.
        """
        for name in ("threshold", "initial_potential"):
            object.__setattr__(self, name, read_only(getattr(self, name)))
        if not np.all(np.asarray(self.threshold) > 0):
            raise GraphError(f"PayloadIntegrateAndFire: threshold must be > 0, got {np.min(self.threshold)}")

    def init_state(self, shape: tuple[int, ...], dtype: Any = np.float64) -> State:
        """Return ``potential`` (V) and ``unsent`` (U)."""
        potential = np.broadcast_to(np.asarray(self.initial_potential, dtype), shape).copy()
        return {"potential": potential, "unsent": np.zeros(shape, dtype)}

    def step(self, state: State, current: Array, clock: Clock) -> tuple[Emission, State]:
        """Advance by one time step; see the class for the equations."""
        del clock
        u, unsent = state["potential"] + current, state["unsent"] + current
        crossed = (u >= self.threshold).astype(u.dtype)
        message = unsent * crossed
        after = {"potential": u - self.threshold * crossed, "unsent": unsent - message}
        return Emission(message=message, spikes=(message != 0).astype(u.dtype)), after

    def margin(self, state: State, current: Array) -> Array | None:
        """Return the distance of the potential before reset from the threshold."""
        return np.asarray(np.abs(state["potential"] + current - self.threshold))
