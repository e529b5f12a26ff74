"""What passes between the stages of a run: the network in its forms, and its answers before conversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration import Calibration
from snntoolbox.ir.graph import Graph
from snntoolbox.ir.ops import Spiking

__all__ = ["Answers", "Networks"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Networks:
    """The network, as far as the stages have brought it.

    Attributes:
        parsed: As the frontend read it.
        prepared: Folded, with layers replaced as asked, in the ANN's own units.
        normalized: Its activations are what the rates of the spiking network should be; None if it is not at hand.
        spiking: What is simulated.
        calibration: Measured activations; None without normalisation.
    """

    parsed: Graph
    prepared: Graph | None = None
    normalized: Graph | None = None
    spiking: Graph | None = None
    calibration: Calibration | None = None

    @property
    def compared_layers(self) -> tuple[str, ...]:
        """Layers of neurons that stand for a rectifier of the normalised network, under its name."""
        if self.spiking is None or self.normalized is None:
            return ()
        ops = ((name, self.spiking[name].op) for name in self.spiking.neurons)
        firing = (name for name, op in ops if isinstance(op, Spiking) and op.model.spiking)
        return tuple(name for name in firing if name in self.normalized)


@dataclass(frozen=True, eq=False)
class Answers:
    """What the network answers to the test samples before conversion; each (num_samples, *shape), or None.

    Attributes:
        ann: Computed by the library that it was made with.
        parsed: Computed from the prepared graph.
    """

    ann: Array | None = None
    parsed: Array | None = None

    def at(self, ids: NDArray[np.int64]) -> Answers:
        """Return the answers to some samples, by their positions."""
        return Answers(*(None if one is None else one[ids] for one in (self.ann, self.parsed)))
