"""Every option of the INI file: its type, limits, unit and meaning, one class a section.

Defaults are in ``config_defaults.ini``, text is read in `snntoolbox.config.load`, and nothing about an option is said
anywhere else: error messages and ``docs/options.md`` are made from these declarations.
"""

# Longer than other modules because it is a table: splitting it would hide where an option is declared.

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import Field

from snntoolbox.config.fields import Expected, Registered, Spellings, Unit
from snntoolbox.config.ini import Origin
from snntoolbox.config.option_types import (
    CountOrAll,
    DataflowKwargs,
    DatagenKwargs,
    FolderName,
    Index,
    LogVars,
    PlotVars,
    Scale,
    Section,
)
from snntoolbox.errors import Problem
from snntoolbox.registry import BACKENDS, CODES, FRONTENDS

__all__ = [
    "SECTIONS",
    "Cell",
    "Conversion",
    "DataflowKwargs",
    "DatagenKwargs",
    "Input",
    "Normalization",
    "Output",
    "ParameterSweep",
    "Paths",
    "Section",
    "Settings",
    "Simulation",
    "Tools",
]


class Paths(Section):
    """Files and folders.

    Relative paths are taken from `path_wd`; `~` is the home directory. Once loaded, every path is absolute.
    """

    path_wd: Path = Field(
        description="Working directory: models are read from here and what a run produces is written here. A relative "
        "path is taken from the directory of the config file. Empty: that directory itself; for a run from Python "
        "without a file, the current one."
    )
    dataset_path: Path = Field(
        description="The data set: a folder with `x_test.npz`, `y_test.npz` and `x_norm.npz`; one `.npz` file with "
        "arrays of these names; or a folder of images with one subfolder a class. Empty: `path_wd`."
    )
    log_dir_of_current_run: Path = Field(
        description="Run folder, which receives results, figures and the report. Empty: `log/<runlabel>` in `path_wd`."
    )
    runlabel: FolderName = Field(min_length=1, description="Name of the run, and of its folder.")
    filename_ann: Path | None = Field(
        description="The trained network to convert, with or without its suffix: a Keras model (`.keras`, `.h5`, or a "
        "`.json` architecture with its weights) or a graph saved by the toolbox. A config file must name one."
    )
    filename_parsed_model: Path = Field(
        description="File for the parsed network, from which a later run can go on; `.h5` is added where it is "
        "missing. Empty: `<filename_ann>_parsed.h5`."
    )
    filename_snn: Path = Field(
        description="File for the converted spiking network, from which a later run can go on; `.h5` is added where it "
        "is missing. Empty: `<filename_ann>_<simulator>.h5`."
    )
    filename_clamp_indices: Path | None = Field(
        description='JSON file of a voltage clamp, `{"layer name": N, ...}`: the membrane potentials of that layer are '
        "held at their initial value for the first N time steps, until the layers before it have settled. This helps "
        "very deep networks, with N growing by about 10 steps a layer. Empty: no clamp."
    )
    filepath_custom_objects: Path | None = Field(
        description='JSON file that tells Keras where custom classes are, `{"Name": "package.module:Class", ...}`. '
        "They are imported when the model is loaded. Empty: none."
    )
    class_idx_path: Path | None = Field(
        description='JSON file of class names, `{"0": "tench", ...}` or `{"0": ["n01440764", "tench"], ...}`. The '
        "first name of a pair is that of the image folder, the last is shown in figures. Empty: classes go by their "
        "number or folder."
    )


class Input(Section):
    """The model's library, the data, their preprocessing, and how samples enter the spiking network."""

    model_lib: Annotated[str, Registered(FRONTENDS)] = Field(description="Library that the network was trained in.")
    dataset_format: Literal["npz", "jpg", "png", "jpeg", "bmp"] = Field(
        description="`npz`: NumPy arrays. The others: image files in one folder a class; images of all these types are "
        "read."
    )
    datagen_kwargs: DatagenKwargs = Field(
        description="Preprocessing of image folders as the original toolbox had it, a dictionary. Its `rescale` "
        "multiplies `rescale` below, which is the better place for it."
    )
    dataflow_kwargs: DataflowKwargs = Field(
        description="How image folders are read, a dictionary: `target_size` (height, width) in pixels; `color_mode` "
        "`rgb`, `grayscale` or `rgba`; `interpolation` for resizing; `classes`, the folder names in the order of the "
        "network's outputs; `shuffle` (on unless False) and its `seed`. What is left out follows from the network's "
        "input."
    )
    rescale: Scale = Field(
        description="Every input value is multiplied by this first; `1/255` brings 8-bit pixels to the range 0 to 1."
    )
    mean: tuple[float, ...] = Field(
        description="Subtracted after rescaling: one number, or one for each channel. Empty: nothing."
    )
    std: tuple[Scale, ...] = Field(
        description="Inputs are divided by this after the mean was subtracted: one number, or one for each channel. "
        "Empty: nothing."
    )
    channel_order: Literal["rgb", "bgr"] = Field(
        description="Order of the color channels that the network was trained with. Files are read as `rgb`; `bgr` "
        "reverses them before the mean is subtracted."
    )
    poisson_input: bool = Field(
        description="Inputs as random spike trains. Off: inputs are constant currents, which is free of sampling noise "
        "and needs fewer time steps."
    )
    input_rate: Annotated[float, Unit("Hz")] = Field(
        gt=0,
        description="With `poisson_input`, firing rate of the largest inputs; smaller ones fire in proportion, "
        "negative ones send negative spikes. At most one spike per time step: 1000 Hz is the highest rate with `dt` = "
        "1 ms.",
    )
    num_poisson_events_per_sample: CountOrAll = Field(
        description="With `poisson_input`, number of input spikes after which a sample's input falls silent."
    )

    @property
    def factor(self) -> float:
        """What every input value is multiplied by: `rescale`, and for images that of `datagen_kwargs` as well."""
        images = self.dataset_format != "npz"
        return self.rescale * (self.datagen_kwargs.rescale or 1.0 if images else 1.0)

    @property
    def max_events(self) -> int | None:
        """Cap on the Poisson spikes of a sample, or None."""
        return None if self.num_poisson_events_per_sample < 0 else self.num_poisson_events_per_sample


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


class Normalization(Section):
    """Scaling of the weights by the activations that a set of samples causes (Rueckauer 2020, section 2.1.2.2)."""

    method: Literal["percentile", "maximum"] = Field(
        description="What counts as the largest activation of a layer. `percentile`: robust against outliers, so rates "
        "are higher and the network needs less time. `maximum`: no activation saturates."
    )
    percentile: float = Field(
        gt=0,
        le=100,
        description="Percentile of the non-zero activations that becomes a rate of one spike per time step. Values "
        "from 99 to 99.9 do well: lower ones give faster networks in which more activations saturate.",
    )
    channel_wise: bool = Field(
        description="One scale for each channel instead of one for each layer. Channels with small activations fire "
        "more."
    )
    normalization_schedule: bool = Field(
        description="Lower the percentile by 0.02 for each layer of depth, since activity decreases with depth."
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
        description="What spikes mean. `rate`: an activation is the mean number of spikes per time step."
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
        ge=0, description="Seed of all random numbers. The same seed gives the same results, on any backend."
    )

    @property
    def num_steps(self) -> int:
        """Number of time steps: duration / dt, which loading has checked to be whole."""
        return round(self.duration / self.dt)


class Cell(Section):
    """The spiking neurons."""

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
    initial_potential: float = Field(
        ge=0,
        lt=1,
        description="Membrane potential at the start, as a fraction of the threshold. Half of it makes a spike count "
        "the rounded value of the activation instead of the truncated one, which gives good accuracy much earlier; 0 "
        "is what the original toolbox does.",
    )


class ParameterSweep(Section):
    """Repeat the simulation for several values of one option."""

    param_values: tuple[float, ...] = Field(description="The values. Empty: no sweep.")
    param_name: str = Field(
        min_length=1,
        description="The option that is varied, a number: one of `[cell]`, or `section.option` for another.",
    )
    param_logscale: bool = Field(description="Logarithmic axis for the values in the figure of the sweep.")

    @property
    def target(self) -> tuple[str, str]:
        """Section and option that are varied."""
        section, _, option = self.param_name.rpartition(".")
        return section or "cell", option.lower()


class Output(Section):
    """What is recorded, drawn and printed."""

    log_vars: LogVars = Field(
        description="What is saved for every batch, for your own analysis. The letters say over what it extends: n "
        "layers, b samples, l neurons, t time steps. Spike trains and potentials take a lot of space."
    )
    plot_vars: PlotVars = Field(
        description="Figures of the report. `error_t`: error against time. `operations`: against operations. "
        "`correlation`: firing rates against activations in every layer. `spiketrains`, `input_image`, `v_mem`: of one "
        "sample."
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


@dataclass(frozen=True)
class Settings:
    """A whole configuration, checked. Two are equal if all their options are.

    Attributes:
        backend_options: Sections that belong to backends, as text; `load_backend_settings` checks them.
        warnings: What was accepted but has no effect or is worth a look.
        origins: Where each (section, option) comes from.
    """

    paths: Paths
    input: Input
    tools: Tools
    normalization: Normalization
    conversion: Conversion
    simulation: Simulation
    cell: Cell
    parameter_sweep: ParameterSweep
    output: Output
    backend_options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    origins: Mapping[tuple[str, str], Origin] = field(default_factory=dict, compare=False, repr=False)

    def origin(self, section: str, option: str) -> str:
        """Return ``default``, ``override``, or file and line of the value of an option."""
        return str(self.origins[section, option])

    @property
    def poisson_rate(self) -> float | None:
        """Probability in (0, 1] of a Poisson spike of the largest input in a time step; None for constant currents."""
        return self.input.input_rate * self.simulation.dt / 1000 if self.input.poisson_input else None

    @property
    def refractory_steps(self) -> int:
        """Number of time steps of the refractory period, which loading has checked to be whole."""
        return round(self.cell.tau_refrac / self.simulation.dt)

    @property
    def leak_factor(self) -> float:
        """What is left of a membrane potential after one time step without input, in (0, 1]."""
        return math.exp(-self.simulation.dt / self.cell.tau_m) if self.cell.leak else 1.0


SECTIONS: Mapping[str, type[Section]] = {
    name: hint
    for name, hint in get_type_hints(Settings).items()
    if isinstance(hint, type) and issubclass(hint, Section)
}
"""Name of each section -> its class, in the order of the options page."""
