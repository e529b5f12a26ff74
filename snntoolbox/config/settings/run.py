"""Sections [tools], [simulation], [parameter_sweep] and [output]: what is run, recorded and shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from snntoolbox.config.fields import Expected, Registered, Unit
from snntoolbox.config.settings.option_types import CountOrAll, Index, LogVars, ObjectPath, PlotVars, Section
from snntoolbox.registry import BACKENDS, CODES

__all__ = ["Output", "ParameterSweep", "Simulation", "Tools"]


class Tools(Section):
    """The stages of a run.

    A stage that is switched off is skipped, and its result is read from the file of an earlier run.
    """

    evaluate_ann: bool = Field(description="Measure the accuracy of the network before and after parsing.")
    parse: bool = Field(description="Read the network into the toolbox's graph. Off: read `filename_parsed_model`.")
    normalize: bool = Field(
        description="Scale the weights so that activations fit the range of firing rates (see `[normalization]`). "
        "Without it, activations above 1 saturate."
    )
    convert: bool = Field(description="Make the spiking network. Off: read `filename_snn`.")
    simulate: bool = Field(description="Run the spiking network on the test samples. Off: stop after it was saved.")


class Simulation(Section):
    """The simulator, time, and the samples."""

    simulator: Annotated[str, Registered(BACKENDS)] = Field(
        description="The backend that runs the spiking network. `tensorflow` (the original's `INI`) is fast, "
        "`reference` is plain NumPy."
    )
    duration: Annotated[float, Unit("ms")] = Field(
        gt=0, description="Time that each sample is shown to the network; a whole multiple of `dt`."
    )
    dt: Annotated[float, Unit("ms")] = Field(
        gt=0, description="Time step. `duration` / `dt` is the number of time steps."
    )
    batch_size: int = Field(
        ge=1, description="Number of samples simulated side by side: more is faster and takes memory."
    )
    num_to_test: CountOrAll = Field(description="Number of test samples to simulate, from the first on.")
    sample_idxs_to_test: tuple[Index, ...] = Field(
        description="Positions of the test samples to simulate, counted from 0, instead of the first `num_to_test`."
    )
    reset_between_nth_sample: Annotated[int, Expected("a whole number >= 1, or 0 or -1 for never")] = Field(
        ge=-1,
        description="The state of the network is reset before every n-th batch. At 1 every sample starts fresh; "
        "otherwise a batch starts from what the one before it left.",
    )
    top_k: int = Field(
        ge=1,
        description="A sample counts as right if its class is among the k highest outputs, for the top-k accuracy that "
        "is reported beside the ordinary one.",
    )
    seed: int = Field(
        ge=0,
        description="Seed of all random numbers. The same seed draws the same ones on every backend and for every "
        "batch size.",
    )

    @property
    def num_steps(self) -> int:
        """Number of time steps: duration / dt, which loading has checked to be whole."""
        return round(self.duration / self.dt)


class ParameterSweep(Section):
    """Repeat the run for several spike codes, for several values of one option, or both; see docs/cost.md."""

    spike_codes: tuple[Annotated[str, Registered(CODES)], ...] = Field(
        description="The spike codes. Each takes every one of `param_values`, or none if the option means nothing to "
        "it, such as a number of bits to a rate code. Empty: that of `[conversion]`."
    )
    code_options: Mapping[str, Mapping[str, Any]] = Field(
        description="Options of single codes, such as their own duration: `{'rate': {'simulation.duration': 100}}`."
    )
    param_values: tuple[float, ...] = Field(description="The values. Empty, and no `spike_codes`: no sweep.")
    param_name: str = Field(
        min_length=1,
        description="The option that is varied, a number: one of `[cell]`, or `section.option` for another.",
    )
    param_logscale: bool = Field(description="Logarithmic axis for the values in the figure of the sweep.")

    @property
    def wanted(self) -> bool:
        """Whether there is anything to sweep over."""
        return bool(self.param_values or self.spike_codes)

    @property
    def target(self) -> tuple[str, str]:
        """Section and option that are varied."""
        section, _, option = self.param_name.rpartition(".")
        return section or "cell", option.lower()


class Output(Section):
    """What is recorded, drawn and printed."""

    log_vars: LogVars = Field(
        description="What is saved for every batch, for your own analysis: activations of the original network, spike "
        "trains, input, membrane potentials, operations. The letters say over what it extends: n layers, b samples, l "
        "neurons, t time steps. Spike trains and potentials take a lot of space."
    )
    plot_vars: PlotVars = Field(
        description="Figures of the report. `error_t`: error against time. `operations`: error against operations. "
        "`correlation`: firing rates against activations, by layer. `hist_spikerates_activations`: histograms of both. "
        "`propagation_error`: what rates lack of their activations, over depth. "
        "`normalization_activations`: histograms before and after normalisation. `spikecounts`: spikes of every layer "
        "over time. `confusion_matrix`: classes against predictions. For one sample, `input_image`, and by layer "
        "`activations`, `spikerates`, `spiketrains`, `v_mem` (potentials)."
    )
    metric: ObjectPath = Field(
        description="A measure of your own, `package.module:function`, for networks whose quality is not how many "
        "samples they classify right. The module is looked for in `path_wd` first. `function(outputs, targets, "
        "ann_outputs)` gets arrays over all samples: what a network answers, what it should (classes or targets; None "
        "without `y_test`), and what the original network answers (None if it was not evaluated). It returns a number "
        "or a dictionary of numbers, which go to `results.json`, once for the original and once for the spiking "
        "network. Empty: none."
    )
    verbose: int = Field(
        ge=0,
        le=3,
        description="0: nothing is printed. 1: progress and a summary. 2 or 3: details of every stage as well.",
    )
    overwrite: bool = Field(description="Replace files of an earlier run. Off: the run stops if they exist.")
    use_simple_labels: bool = Field(
        description="Short layer names in figures (kind and number) instead of the model's own."
    )
    plotproperties: Mapping[str, Any] = Field(
        description="Settings of matplotlib for the figures, a dictionary such as `{'font.size': 13}`."
    )
