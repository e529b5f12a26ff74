"""Sections [normalization], [conversion] and [cell]: how the network becomes a spiking one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from snntoolbox.config.fields import Registered, Spellings, Unit
from snntoolbox.config.settings.option_types import CountOrAll, Section
from snntoolbox.registry import CODES

__all__ = ["Cell", "Conversion", "Normalization"]


NormalizationMethod = Literal[
    "percentile", "maximum", "robust", "mmse", "local_balancing", "threshold_balancing", "auto"
]


class Normalization(Section):
    """Scaling of the weights by the activations that a set of samples causes (Rueckauer 2020, section 2.1.2.2)."""

    method: NormalizationMethod = Field(
        description="What counts as the largest activation of a layer. `percentile`: of those that are not zero; "
        "robust against outliers, so rates are higher and the network needs less time. `maximum`: no activation "
        "saturates. `robust`: percentile of all activations, zeros included. `mmse`: what has the least squared error "
        "in `duration` steps. `local_balancing`: thresholds grow by what they would clip, in `balancing_rounds`. "
        "`threshold_balancing`: the largest input that Poisson spikes cause in one of `balancing_steps`, times "
        "`balancing_factor`; weights stay as they are. `auto`: the method, percentile and `channel_wise` that come "
        "nearest to the ANN in `duration`, tried on samples of `x_norm`, and, where the config leaves `clamp_delay` "
        "and the `start` of `[readout]` at 0, these and calibrations; `snntoolbox --search` tries more."
    )
    percentile: float = Field(
        gt=0,
        le=100,
        description="Percentile of the activations that becomes a rate of one spike per time step. Values "
        "from 99 to 99.9 do well: lower ones give faster networks in which more activations saturate.",
    )
    channel_wise: bool = Field(
        description="One scale for each channel instead of one for each layer. Channels with small activations fire "
        "more."
    )
    normalization_schedule: bool = Field(
        description="Lower the percentile by 0.02 for each layer of depth, since activity decreases with depth."
    )
    scales_in: Literal["weights", "thresholds"] = Field(
        description="Where the scales go. `weights`: into weights and biases, and spikes have the size 1. "
        "`thresholds`: weights stay as they are, and each layer has a threshold and spikes of its own size, in the "
        "units of the ANN."
    )
    balancing_rounds: int = Field(
        ge=1,
        description="Updates of `local_balancing`, of 32 samples each. Fewer give lower thresholds, which need fewer "
        "time steps and clip more.",
    )
    balancing_steps: int = Field(ge=1, description="Time steps of the Poisson spikes of `threshold_balancing`.")
    balancing_factor: float = Field(
        gt=0,
        description="What the thresholds of `threshold_balancing` are multiplied by. 1: no input exceeds them. 0.2 to "
        "0.4: fewer time steps are needed, and more activations saturate.",
    )
    normalize_shortcuts: bool = Field(
        description="In residual networks, scale what a shortcut adds to a sum as the other branches are scaled (Hu et "
        "al. 2018, section 3.2). Off only to show what that is worth: rates deviate from their activations then."
    )
    num_samples: CountOrAll = Field(description="Number of samples of `x_norm` that the activations are computed for.")
    tolerance: float = Field(
        gt=0,
        description="Largest relative deviation of the network's outputs that a step which promises to keep its "
        "function may cause. The run stops above it.",
    )

    def percentile_at(self, depth: int) -> float:
        """Return the percentile of the layer with index ``depth``, counted from 0 over the layers with neurons."""
        return max(self.percentile - 0.02 * depth, 0.0) if self.normalization_schedule else self.percentile


class Conversion(Section):
    """How the network becomes a spiking one."""

    spike_code: Annotated[str, Registered(CODES)] = Field(
        description="What spikes mean. `rate`: an activation is the mean number of spikes per time step. "
        "`temporal_pattern`: a binary number, sent bit by bit, layer after layer. `few_spike`: the same for other "
        "activations than rectifiers, too. See docs/codes.md."
    )
    num_bits: int = Field(
        ge=1,
        le=32,
        description="Bits of an activation in the codes `temporal_pattern` and `few_spike`, and of the input: each "
        "takes a time step a layer.",
    )
    layer_bits: Mapping[str, int] = Field(
        description="Bits of single layers of `temporal_pattern`, a dictionary such as `{'conv1_relu': 4}` with the "
        "names of their rectifiers."
    )
    input_bits: int = Field(
        ge=0, le=32, description="Bits of an input value of `temporal_pattern`. 0: as many as `num_bits`."
    )
    dropped_bits: int = Field(
        ge=0,
        le=31,
        description="Least significant bits that `temporal_pattern` computes but does not send (Rueckauer 2020, "
        "section 2.3.2).",
    )
    one_hot: bool = Field(
        description="`temporal_pattern` sends the power of two that is next to a value, in one spike, instead of all "
        "bits (Rueckauer 2020, section 2.3.3.2)."
    )
    activation_format: str = Field(
        description="Fixed-point format Qm.f of the activations of `temporal_pattern`, such as `Q2.6`: m bits before "
        "and f behind the point, in units of the original network, in place of `num_bits` and `[normalization]`. "
        "Empty: none."
    )
    weight_format: str = Field(
        description="Fixed-point format Qm.f that weights and biases are rounded to before the conversion, such as "
        "`Q1.6`: m bits before and f behind the point, beside the sign. The network's accuracy changes: see the "
        "accuracy after parsing. Empty: none."
    )
    softmax_to_relu: bool = Field(description="Replace a softmax by a rectifier before the conversion.")
    max2avg_pool: bool = Field(
        description="Replace max-pooling by average-pooling, which spiking hardware can do, before the conversion. The "
        "network's accuracy changes: see the accuracy after parsing."
    )
    maxpool_type: Literal["cumulative", "fir_max", "exp_max", "avg_max"] = Field(
        description="How spiking max-pooling finds the maximum. `cumulative`: the maximum of the inputs summed since "
        "the start, which is exact. The others let through the spikes of the input with the highest estimated rate "
        "(Rueckauer 2020, section 2.1.2.4): `avg_max` estimates it by the sum since the start, `fir_max` by a sum in "
        "which later steps count less, `exp_max` by an exponential average."
    )
    output: Literal["potential", "spikes", "softmax_clock", "softmax_poisson"] = Field(
        description="What the result is read from. `potential`: the last layer accumulates its input without firing, "
        "so negative outputs count too. `spikes`: its spike counts. `softmax_clock`, `softmax_poisson`: counts of "
        "spikes drawn from the softmax of the potentials, one a tick of a clock or each neuron on its own (Rueckauer "
        "2020, section 2.1.2.4)."
    )
    time_resolution: float = Field(
        gt=0,
        description="Of the spike codes `ttfs`, `ttfs_dyn_thresh` and `ttfs_clamped`: number of time steps after which "
        "a value of 1 fires. Higher is more precise and takes longer.",
    )
    decision_threshold: float = Field(
        gt=0,
        description="Of the same codes: output at which the first spike is sent that decides, as a fraction of the "
        "largest output (see `percentile`). Higher lets more spikes arrive before the decision.",
    )
    patience: float = Field(
        ge=0,
        description="Of `ttfs_dyn_thresh`: how much input that was announced and is still missing raises a threshold; "
        "at 1, by what it adds in `time_resolution` steps. At 0 neurons do not wait, as those of `ttfs`.",
    )
    least_expected: float = Field(
        gt=0,
        description="Of `ttfs_dyn_thresh`: activation, as a fraction of the largest of its layer, above which a neuron "
        "announces its spike. Higher spares announcements, and nobody waits for the latest spikes.",
    )
    spiking_input: bool = Field(
        description="Of `ttfs`, `ttfs_dyn_thresh` and `ttfs_clamped`: send input values as spikes, too. If not, they "
        "are constant currents: the first layer then multiplies, but none of its input is late."
    )
    latest_spike: float = Field(
        ge=0,
        description="Of `ttfs` and `ttfs_clamped`: latest time at which a neuron fires, in units of `time_resolution` "
        "and counted from the latest time of the layer before; 0 for no limit. Late spikes cost most operations and "
        "say least: at 4, activations below a quarter of the largest are not sent.",
    )
    layer_window: int = Field(
        ge=1,
        description="Of `ttfs_exact`: number of time steps in which a layer fires, and so of levels that an activation "
        "is rounded to. The run takes as many windows as there are layers of neurons, and one for the input.",
    )
    finetune_clamped: bool = Field(
        description="Train the Keras model a little more, with rectifiers that give 0 for small values, as "
        "`ttfs_clamped` needs it (Rueckauer 2020, eq. 2.29). It learns from `x_norm` what the original model answers."
    )
    clamped_share: float = Field(
        ge=0,
        lt=1,
        description="With `finetune_clamped`: up to which share of the largest activation of a layer values become 0.",
    )
    finetune_epochs: int = Field(
        ge=1, description="With `finetune_clamped`: how often all samples of `x_norm` are trained with."
    )


class Cell(Section):
    """The spiking neurons."""

    neuron: Literal["integrate_and_fire", "signed", "burst", "graded"] = Field(
        description="Which neurons the rate code has. `integrate_and_fire`: one spike a time step at most. `signed`: "
        "negative spikes take back what was sent too early, which removes most of the error of a short run. `burst`: "
        "up to `max_spikes` spikes a step. `graded`: one signed spike a step of one of `levels` sizes. The last three "
        "are reset by subtraction, and have no leak and no refractory period."
    )
    max_spikes: int = Field(ge=1, le=127, description="Largest number of spikes in a step, of `burst` neurons.")
    levels: int = Field(
        ge=1,
        le=32768,
        description="Number of sizes of a spike, of `graded` neurons; the largest is the threshold. At most 16 if they "
        "are powers of two.",
    )
    level_spacing: Literal["powers", "uniform"] = Field(
        description="Sizes of the spikes of `graded` neurons. `powers`: the threshold, half of it, a quarter, ..., so "
        "that a synapse shifts its weight instead of multiplying it. `uniform`: all multiples of the smallest."
    )
    v_thresh: float = Field(
        gt=0,
        description="Membrane potential at which a neuron fires, in units of the normalised activation. A spike "
        "carries this much, so that rates times threshold are the activations.",
    )
    tau_refrac: Annotated[float, Unit("ms")] = Field(
        ge=0,
        description="Refractory period: time after a spike in which a neuron neither fires nor takes input; a whole "
        "multiple of `dt`.",
    )
    reset: Annotated[
        Literal["subtract", "zero", "modulo"],
        Spellings({"Reset by subtraction": "subtract", "Reset to zero": "zero", "Reset by modulo": "modulo"}),
    ] = Field(
        description="Potential after a spike. `Reset by subtraction`: less the threshold, so that nothing is lost. "
        "`Reset to zero`: 0, which loses what was above the threshold. `Reset by modulo`: the remainder of a division "
        "by the threshold."
    )
    leak: bool = Field(
        description="The membrane potential decays with the time constant `tau_m`. The rate code assumes that it does "
        "not."
    )
    tau_m: Annotated[float, Unit("ms")] = Field(gt=0, description="Time constant of the membrane, used with `leak`.")
    clamp_delay: float = Field(
        ge=0,
        description="Voltage clamp (Rueckauer 2020, section 2.1.3.3): potentials of layer l, counted from 0, are held "
        "for `clamp_delay` l time steps, until rates before it have settled. 0: no clamp but that of "
        "`filename_clamp_indices`. Combine it with a delayed read-out.",
    )
    relaxation_steps: float = Field(
        ge=0,
        description="Biases of layer l, counted from 0, grow from 0 to their value in `relaxation_steps` l time steps, "
        "so that they do not act before the spikes that they are weighed against. 0: at once. For "
        "`integrate_and_fire`.",
    )
    initial_potential: float = Field(
        ge=0,
        lt=1,
        description="Membrane potential at the start, as a fraction of the threshold (of the smallest size of a spike "
        "of `graded` neurons). Half of it makes a spike count "
        "the rounded value of the activation instead of the truncated one, which gives good accuracy much earlier; 0 "
        "is what the original toolbox does.",
    )
