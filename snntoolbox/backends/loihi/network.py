"""A network in the chip's integers, before it is cut into cores: populations and the synapses between them.

It is made by hand (`snntoolbox.backends.loihi.layers`) or from a converted graph (`discretize`), and is what the
partitioner, the mapper and the unmapped simulation all read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.arithmetic import SignMode, mantissa_and_exponent, stored_weight, truncate_weights
from snntoolbox.backends.loihi.compartments import Compartments
from snntoolbox.backends.loihi.limits import DELAY_MAX, WEIGHT_BITS, WEIGHT_EXPONENTS
from snntoolbox.errors import GraphError

__all__ = ["Encoding", "Network", "Population", "Projection", "SignMode", "truncated_mantissas"]

Encoding = Literal["auto", "sparse", "runlength", "dense1", "dense2"]
PopulationKind = Literal["input", "neurons", "readout"]


@dataclass(frozen=True, eq=False)
class Population:
    """A layer of neurons.

    Attributes:
        name: Unique name.
        shape: Shape of the layer, channels last.
        registers: One set of registers a neuron. With a soft reset, those of its dendrite; the threshold is the soma's.
        kind: Whether the host drives it, it fires, or the host reads its voltage.
        feedback: Charge that a spike takes away (soft reset), in units of 2**6, shape (n,); None for a reset to zero.
        message: What a spike stands for in the network's own units, shape (n,).
        volt: Size of one unit of voltage in the network's own units, shape (n,).
        depth: Steps from the input to the layer: its first step is the chip's step depth + 1.
    """

    name: str
    shape: tuple[int, ...]
    registers: Compartments
    kind: PopulationKind = "neurons"
    feedback: NDArray[np.int32] | None = None
    message: NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    volt: NDArray[np.float64] = field(default_factory=lambda: np.ones(1))
    depth: int = 0

    def __post_init__(self) -> None:
        """Check sizes and spread scalars.

        Raises:
            GraphError: The registers do not fit the shape, or a soft reset is combined with a refractory period.
        """
        if len(self.registers) != prod(self.shape):
            raise GraphError(
                f"population '{self.name}': expected {prod(self.shape)} sets of registers for shape "
                f"{self.shape}, got {len(self.registers)}"
            )
        for name in ("message", "volt"):
            object.__setattr__(self, name, np.broadcast_to(np.asarray(getattr(self, name), np.float64), (self.size,)))
        if self.feedback is not None and np.any(self.registers.refractory > 1):
            raise GraphError(
                f"population '{self.name}': a soft reset cannot have a refractory period: its dendrite "
                "goes on integrating. Reset to zero, or leave the refractory period out."
            )

    @property
    def size(self) -> int:
        """Number of neurons."""
        return prod(self.shape)

    @property
    def soft(self) -> bool:
        """Whether neurons have two compartments, for a reset by subtraction."""
        return self.feedback is not None

    @property
    def compartments_per_neuron(self) -> int:
        """2 with a soft reset, else 1."""
        return 2 if self.soft else 1

    @cached_property
    def feedback_parts(self) -> NDArray[np.int64]:
        """Mantissa and exponent of the weights of the feedback, shape (n, 2); (0, 2) with a reset to zero."""
        if self.feedback is None:
            return np.zeros((0, 2), np.int64)
        values, inverse = np.unique(self.feedback, return_inverse=True)
        return np.array([mantissa_and_exponent(int(value)) for value in values], np.int64).reshape(-1, 2)[inverse]

    @cached_property
    def kinds(self) -> dict[str, NDArray[np.int64]]:
        """Resource of a core -> number of the neuron's kind; neurons of a kind share an entry."""
        registers, parts = self.registers, self.feedback_parts
        profile = ("decay_u", "decay_v", "ds_offset", "dm_offset", "bias_exponent", "vmin", "vmax", "refractory")
        found = {
            "threshold_profiles": _kinds(registers.threshold),
            "profiles": _kinds(*(getattr(registers, name) for name in profile)),
        }
        if self.soft:
            found |= {"synapse_words": _kinds(parts[:, 0], parts[:, 1]), "formats": _kinds(parts[:, 1])}
        return found

    @property
    def positions(self) -> NDArray[np.int64]:
        """Place of each neuron along the axes before the channels, shape (n,): neurons of one place share axons."""
        return np.arange(self.size) // (self.shape[-1] if len(self.shape) > 1 else max(self.size, 1))


def _kinds(*columns: NDArray[Any]) -> NDArray[np.int64]:
    """Return numbers from 0 that are equal where all columns are."""
    number = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        number = np.unique(number * len(values) + inverse, return_inverse=True)[1]
    return number


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from one population to another.

    Attributes:
        source, target: Names of the populations.
        weights: Mantissas, a SciPy CSR array of shape (source size, target size), int16, columns sorted.
        exponent: Weight exponent, -7 to 7.
        bits: Weight bits.
        mixed: Whether each synapse has its own sign bit; otherwise a list has an entry for each sign.
        delay: Steps by which a spike arrives later than the next step.
        encoding: How the lists are stored; ``auto`` takes the smallest for each core.
    """

    source: str
    target: str
    weights: Any
    exponent: int = 0
    bits: int = 8
    mixed: bool = False
    delay: int = 0
    encoding: Encoding = "auto"

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            GraphError: A weight or another number is out of range.
        """
        low, high = (-256, 254) if self.mixed else (-255, 255)
        values = self.weights.data
        if len(values) and not low <= values.min() <= values.max() <= high:
            raise GraphError(
                f"synapses {self}: expected mantissas from {low} to {high}, got {values.min()} to {values.max()}"
            )
        if self.bits not in WEIGHT_BITS or not WEIGHT_EXPONENTS[0] <= self.exponent <= WEIGHT_EXPONENTS[1]:
            raise GraphError(
                f"synapses {self}: expected weight bits out of {WEIGHT_BITS} and an exponent from "
                f"{WEIGHT_EXPONENTS[0]} to {WEIGHT_EXPONENTS[1]}, got {self.bits} and {self.exponent}"
            )
        if not 0 <= self.delay <= DELAY_MAX:
            raise GraphError(f"synapses {self}: expected a delay from 0 to {DELAY_MAX} steps, got {self.delay}")
        if len(values) and np.any(self.truncated != values):
            raise GraphError(
                f"synapses {self}: some mantissas have more than {self.bits} bits"
                f"{' and a sign' if self.mixed else ''}; call truncate() first"
            )

    def __str__(self) -> str:
        """Source and target, as messages show a projection."""
        return f"'{self.source}' -> '{self.target}'"

    @property
    def truncated(self) -> NDArray[np.int64]:
        """The mantissas as the chip would store them."""
        values = self.weights.data.astype(np.int64)
        return truncated_mantissas(values, self.bits, mixed=self.mixed)

    @property
    def delay_bits(self) -> int:
        """Bits of the delay field of a synapse."""
        return 0 if self.delay == 0 else max(3, int(self.delay + 1).bit_length())

    def charges(self) -> Any:
        """Return what a spike adds to the accumulators: a CSR array of `stored_weight`, int32."""
        charges = self.weights.astype(np.int32)
        charges.data = stored_weight(self.weights.data, self.exponent).astype(np.int32)
        return charges


def truncated_mantissas(values: NDArray[Any], bits: int, *, mixed: bool) -> NDArray[np.int64]:
    """Return signed mantissas as entries of one sign (magnitude cut off) or mixed entries store them."""
    if mixed:
        return truncate_weights(values, bits, "mixed")
    return np.asarray(np.sign(values) * truncate_weights(np.abs(values), bits, "excitatory"))


@dataclass(frozen=True, eq=False)
class Network:
    """Populations in an order in which each comes after those that project to it, and all projections.

    Attributes:
        populations: All layers.
        projections: All synapses between them; feedback of soft resets is not among them.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]

    def __post_init__(self) -> None:
        """Check names, order and sizes.

        Raises:
            GraphError: A projection does not fit its populations.
        """
        index = {p.name: i for i, p in enumerate(self.populations)}
        if len(index) != len(self.populations):
            raise GraphError("populations of a Loihi network need unique names")
        for projection in self.projections:
            if projection.source not in index or projection.target not in index:
                raise GraphError(f"synapses {projection}: expected two of the populations {', '.join(index)}")
            if index[projection.source] >= index[projection.target]:
                raise GraphError(f"synapses {projection}: the source must come before the target")
            expected = (self[projection.source].size, self[projection.target].size)
            if projection.weights.shape != expected:
                raise GraphError(
                    f"synapses {projection}: expected weights of shape {expected}, got {projection.weights.shape}"
                )

    def __getitem__(self, name: str) -> Population:
        """Return the population of that name."""
        return next(p for p in self.populations if p.name == name)

    def into(self, name: str) -> tuple[Projection, ...]:
        """Return the projections onto a population."""
        return tuple(p for p in self.projections if p.target == name)

    def out_of(self, name: str) -> tuple[Projection, ...]:
        """Return the projections of a population."""
        return tuple(p for p in self.projections if p.source == name)

    @property
    def depth(self) -> int:
        """Steps from the input to the last population."""
        return max(p.depth for p in self.populations)

    @property
    def num_neurons(self) -> int:
        """Number of neurons, input included."""
        return sum(p.size for p in self.populations)

    @property
    def num_synapses(self) -> int:
        """Number of synapses, as if none were shared."""
        return sum(int(p.weights.nnz) for p in self.projections)
