"""The section [loihi] of a config."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from snntoolbox.backends.loihi.limits import WEIGHT_BITS
from snntoolbox.config.fields import Expected, Spellings, Unit
from snntoolbox.config.settings.option_types import Section

__all__ = ["CompartmentKwargs", "ConnectionKwargs", "CostOptions", "LoihiSettings"]

_BITS = f"one of {', '.join(map(str, WEIGHT_BITS))}"


class CompartmentKwargs(Section):
    """Keys of `compartment_kwargs`, as the original toolbox has them."""

    biasExp: Annotated[int, Field(ge=0, le=7)] | None = None
    vThMant: Annotated[int, Field(ge=1, le=2**17 - 1)] | None = None


class ConnectionKwargs(Section):
    """Keys of `connection_kwargs`, as the original toolbox has them."""

    numWeightBits: Annotated[Literal[1, 2, 3, 4, 5, 6, 8], Expected(_BITS)] | None = None
    weightExponent: Annotated[int, Field(ge=-7, le=7)] | None = None
    numBiasBits: Annotated[int, Field(ge=1, le=12)] | None = None


class CostOptions(Section):
    """Keys of `cost_weights`: the weights of Rueckauer 2020, eq. 3.1."""

    cores: Annotated[float, Field(ge=0)] = 1.0
    synapses: Annotated[float, Field(ge=0)] = 1.0
    axons: Annotated[float, Field(ge=0)] = 1.0
    off_chip: Annotated[float, Field(ge=0)] = 1.0


class LoihiSettings(Section):
    """How a network is brought onto the emulated Loihi chip; see docs/loihi.md."""

    reset_mode: Literal["auto", "hard", "soft"] = Field(
        default="auto",
        description="Reset of the neurons. `soft` subtracts the threshold and takes two compartments a neuron, `hard` "
        "sets the voltage to zero and takes one. `auto`: what `[cell] reset` says.",
    )
    desired_threshold_to_input_ratio: float = Field(
        default=1.0,
        gt=0,
        description="With `normalize_thresholds`, threshold of a layer over its largest input. The original used 1 "
        "with a soft and 8 with a hard reset.",
    )
    threshold_percentile: float = Field(
        default=99.5,
        gt=0,
        le=100,
        description="With `normalize_thresholds`, percentile of a layer's inputs above zero that counts as the largest "
        "one. Lower: faster rates, more of which saturate.",
    )
    saturation: float = Field(
        default=0.0,
        ge=0,
        description="With `normalize_thresholds`, activation of the converted network (1: one spike a step) above "
        "which neurons may saturate: thresholds are not set higher. 0: no bound.",
    )
    compartment_kwargs: CompartmentKwargs = Field(
        default=CompartmentKwargs(),
        description="Registers of all neurons, a dictionary: `biasExp`, exponent of the bias (left out: 6, or 7 where "
        "biases are large); `vThMant`, threshold mantissa of the input layer (left out: 255).",
    )
    connection_kwargs: ConnectionKwargs = Field(
        default=ConnectionKwargs(),
        description="Synapses, a dictionary: `numWeightBits` (left out: 8), `weightExponent` (left out: 0), "
        "`numBiasBits` (left out: 12).",
    )
    pooling_neurons: Annotated[
        Literal["auto", "yes", "no"], Spellings({"True": "yes", "False": "no"}), Expected("one of auto, True, False")
    ] = Field(
        default="auto",
        description="Give average-pooling neurons of its own, as the chip's published layer interface does, instead of "
        "leading the spikes in front of it to all layers behind it, which multiplies synapses. `auto`: except in front "
        "of an output that is read from voltages, unless its neurons then have more sources than a core has axons.",
    )
    synapse_encoding: Literal["auto", "sparse", "runlength", "dense1", "dense2"] = Field(
        default="auto",
        description="How lists of synapses are stored. `auto` takes what is smallest on each core.",
    )
    shared_sign: bool = Field(
        default=True,
        description="Positive and negative weights in entries of their own, so that no bit is spent on the sign. Off: "
        "each weight has a sign bit, which is smaller when stored densely but one bit less precise.",
    )
    channel_thresholds: bool = Field(
        default=True,
        description="Thresholds of channels may differ by powers of two, so that channels with small weights use all "
        "weight bits.",
    )
    weight_percentile: float = Field(
        default=100.0,
        gt=0,
        le=100,
        description="Percentile of the absolute weights of a layer that becomes the largest integer; larger ones are "
        "clipped.",
    )
    input_peak: float = Field(
        default=1.0,
        gt=0,
        description="Input value for which an input neuron fires in every step; larger ones saturate.",
    )
    signed_input: Annotated[
        Literal["auto", "yes", "no"], Spellings({"True": "yes", "False": "no"}), Expected("one of auto, True, False")
    ] = Field(
        default="auto",
        description="Give negative input values input neurons of their own. `auto`: as soon as there are any, which "
        "compiles the network once more.",
    )
    normalize_thresholds: bool = Field(
        default=True,
        description="Set thresholds by the inputs that samples cause in an integer copy of the network (Rueckauer "
        "2020, section 3.2.3.7), where samples are given.",
    )
    do_overflow_estimate: bool = Field(
        default=True, description="Warn of accumulators that could overflow, and of those that did."
    )
    partitioner: Annotated[Literal["greedy", "optimal"], Expected("one of greedy, optimal")] = Field(
        default="optimal",
        description="`greedy`: the search of Rueckauer 2020, section 3.2.3.4. `optimal`: dynamic programming over all "
        "candidates of all layers, then several small layers on one core.",
    )
    num_candidates_to_compute: int = Field(
        default=1, ge=1, description="With the greedy partitioner, candidates that are kept for each layer (M)."
    )
    cost_weights: CostOptions = Field(
        default=CostOptions(),
        description="Weights in the cost of a partition (Rueckauer 2020, eq. 3.1), a dictionary: `cores`, `synapses` "
        "(words of memory, over those of a core), `axons` (input and output, likewise), `off_chip` (output axons that "
        "lead to other chips). Each is 1 where left out.",
    )
    traffic_weight: float = Field(
        default=0.0,
        ge=0,
        description="Weight of the messages a step between cores in the cost of a partition, where everything else "
        "has a weight of 1 (Rueckauer 2020, eq. 3.1). It counts what normalisation samples cause, so without them it "
        "has no effect.",
    )
    share_cores: bool = Field(
        default=True,
        description="With the optimal partitioner, several small blocks, of one layer or of several, may share a core.",
    )
    share_synapses: bool = Field(default=True, description="Store equal lists of synapses of a core once.")
    share_axons: bool = Field(
        default=True,
        description="Neurons of one place that reach a single core use one axon. With a soft reset every neuron also "
        "reaches its own dendrite, so that none are shared.",
    )
    num_cores_per_chip: int = Field(default=128, ge=1, le=128, description="Cores of a chip that may be used.")
    max_num_compartments: int = Field(
        default=1024, ge=1, le=1024, description="Compartments of a core that may be used."
    )
    validate_partitions: bool = Field(
        default=True, description="Check the mapped network independently: every limit, and every synapse."
    )
    readout_interval: Annotated[int, Unit("steps")] = Field(
        default=32,
        ge=1,
        description="The host adds up the voltages of the output layer and clears them every this many steps, before "
        "they saturate.",
    )
    energy_profile: str = Field(
        default="davies2018", description="Energies and times of the chip's operations; see docs/loihi.md."
    )
    profile_performance: bool = Field(
        default=True, description="Work out time and energy of each run. Off: runs are a little faster."
    )
    save_output: bool = Field(
        default=False, description="Write the mapped network to `loihi_mapping.npz` in the working directory."
    )
