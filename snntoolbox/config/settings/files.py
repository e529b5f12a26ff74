"""Sections [paths] and [input]: the model, the data, and how samples enter the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from snntoolbox.config.fields import Expected, Registered, Unit
from snntoolbox.config.settings.option_types import CountOrUnlimited, FolderName, Index, Length, Scale, Section
from snntoolbox.registry import FRONTENDS

__all__ = ["DataflowKwargs", "DatagenKwargs", "Input", "Paths"]


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


class DatagenKwargs(Section):
    """Keys of `datagen_kwargs` that have a meaning here."""

    rescale: Scale | None = None


class DataflowKwargs(Section):
    """Keys of `dataflow_kwargs` that have a meaning here; None leaves the choice to the loader."""

    target_size: Annotated[tuple[Length, Length], Expected("two whole numbers > 0, (height, width)")] | None = None
    color_mode: Literal["rgb", "grayscale", "rgba"] | None = None
    interpolation: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] | None = None
    classes: tuple[str, ...] | None = None
    class_mode: Literal["categorical"] | None = None
    shuffle: bool | None = None
    seed: Index | None = None


class Input(Section):
    """The model's library, the data, their preprocessing, and how samples enter the spiking network."""

    model_lib: Annotated[str, Registered(FRONTENDS, also=("auto",))] = Field(
        description="Library that the network was trained in. `auto`: found from the file's suffix."
    )
    input_shape: tuple[Length, ...] = Field(
        description="Shape of a sample without batch, for a network that leaves sizes open, in the order of axes of "
        "its file: `224, 224, 3` for Keras, `3, 224, 224` for an ONNX file from PyTorch. Empty: what the file says."
    )
    input_layout: Literal["auto", "channels_first", "channels_last"] = Field(
        description="Where an ONNX file has the channels of its inputs. The data set has them last, whatever the file "
        "has. `auto`: found from the first layer that knows. Other files say it themselves."
    )
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
    num_poisson_events_per_sample: CountOrUnlimited = Field(
        description="With `poisson_input`, number of input spikes after which the input of a sample falls silent."
    )

    @property
    def factor(self) -> float:
        """What every input value is multiplied by: `rescale`, and for images that of `datagen_kwargs` as well."""
        images = self.dataset_format != "npz"
        return self.rescale * (self.datagen_kwargs.rescale or 1.0 if images else 1.0)
