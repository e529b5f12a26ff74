"""Sections [calibration] and [readout]: corrections of a finished spiking network, and when its output is read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from snntoolbox.config.fields import Expected
from snntoolbox.config.settings.option_types import Section

__all__ = ["Calibration", "Readout"]


class Calibration(Section):
    """Corrections of the spiking network for the number of steps it is run for, by simulating it layer by layer.

    Each is fitted on one half of some samples of `x_norm` and kept only if it lets rates and outputs come closer to the
    ANN's on the other half; the run says so.
    """

    compensation: Literal["none", "global", "layer"] = Field(
        description="Let spikes count for more where rates fall short of their activations (Hu et al. 2018, section "
        "3.3). `global`: one factor for all layers, searched between 1 and the reciprocal of the last layer's largest "
        "rate; about ten simulations of the samples. `layer`: one for each layer, in the same limits."
    )
    bias: bool = Field(
        description="Add to the bias of each channel what its rates lack on average (Li et al. 2021). Costs nothing in "
        "simulation."
    )
    potential: bool = Field(
        description="Start each neuron with what it lacks on average (Li et al. 2021). Costs one number a neuron in "
        "memory, and may not help for another `duration`."
    )
    threshold: bool = Field(
        description="Multiply the threshold of each layer, and with it what a spike counts, by what lets its rates "
        "come closest to the activations when spikes arrive as they do: 0.8 to 1.25. Costs nothing in simulation."
    )
    clamp: bool = Field(
        description="Find for each layer how many time steps it waits for those before it, instead of by "
        "`clamp_delay`. Combine it with a delayed read-out."
    )
    weight: bool = Field(
        description="Fit the weights and biases in front of each layer to the rates that really arrive there, by least "
        "squares without labels (Li et al. 2021, weights calibration, in closed form). Costs nothing in simulation. "
        "Combine it with `clamp`, `threshold` and `potential`, and with a delayed read-out."
    )
    num_samples: int = Field(
        ge=2,
        description="Number of samples for these corrections: half to fit, half to validate. Memory: 4 bytes for each "
        "sample, time step and neuron of a few layers.",
    )
    compare: bool = Field(
        description="Compare the outputs with and without these corrections, say what they did, and leave them out if "
        "they do not help. A search has compared already, and writes `False`, which takes a third less time. "
        "`compensation` compares in any case."
    )


class Readout(Section):
    """When the output is read: from which step on, and for each sample until when."""

    start: Annotated[int, Expected("a whole number >= 0, or -1 for automatic")] = Field(
        ge=-1,
        description="Delayed read-out: the output is the mean over the steps after this one, at least the last 4. "
        "-1: the step that lets the outputs of the samples of `[calibration]` come closest to the ANN's; where "
        "layers cannot be simulated one by one, that in which the first spikes have come through (Bu et al. 2025).",
    )
    early_exit: bool = Field(
        description="Decide a sample as soon as its output is confident enough. The report says how many steps and "
        "operations that saves."
    )
    exit_confidence: float = Field(
        gt=0,
        le=1,
        description="Probability of a class (the softmax of the output) at which a sample is decided.",
    )
    exit_patience: int = Field(
        ge=1, description="Number of steps in a row in which the output must be as confident, of the same class."
    )
    exit_stop: bool = Field(
        description="End the simulation of a batch when all its samples are decided, where the backend can. Off: "
        "simulate all steps, so that the accuracy that deciding early costs can be told."
    )
