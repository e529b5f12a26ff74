"""Options, sections and values of the original toolbox that are gone, each with what takes its place.

A config written for the original keeps working as long as what it asks for is not lost: a retired option at the
original's default, or without effect on what is simulated here, gives a warning; any other value is an error.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["RETIRED_KEYS", "RETIRED_OPTIONS", "RETIRED_SECTIONS", "RETIRED_VALUES", "Retired"]


@dataclass(frozen=True)
class Retired:
    """An option that is gone.

    Attributes:
        advice: What takes its place.
        harmless: Values that change nothing here; None if no value does.
    """

    advice: str
    harmless: tuple[str, ...] | None = None

    def is_harmless(self, value: object) -> bool:
        """Return whether ignoring ``value`` loses nothing."""
        return self.harmless is None or any(_same(str(value).strip(), text) for text in self.harmless)


def _same(text: str, other: str) -> bool:
    states = configparser.ConfigParser.BOOLEAN_STATES
    if text.lower() in states and other.lower() in states:
        return states[text.lower()] == states[other.lower()]
    return text.lower() == other.lower()


_EVENTS = Retired("It belongs to event-camera input, which this version does not read; use arrays or images.")
_PYNN = Retired("It belongs to pyNN simulators; the neurons here are described by the options of [cell].")
_BOARD = Retired("It chose a board in a cluster; the chip is emulated here.")
_RATES = Retired("It had no effect in the original either; see [normalization] percentile.")
_OFF = ("False",)
_WEIGHTS = Retired(
    "Set [conversion] weight_format, or give filename_ann a model whose weights have this precision already.", _OFF
)

RETIRED_OPTIONS: Mapping[str, Mapping[str, Retired]] = {
    "input": {
        "num_dvs_events_per_sample": _EVENTS,
        "max_num_input_spikes": _EVENTS,
        "eventframe_width": _EVENTS,
        "label_dict": _EVENTS,
        "chip_size": _EVENTS,
        "frame_gen_method": _EVENTS,
        "is_x_first": _EVENTS,
        "is_x_flipped": _EVENTS,
        "is_y_flipped": _EVENTS,
        "maxpool_subsampling": _EVENTS,
        "do_clip_three_sigma": _EVENTS,
        "keras_dataset": Retired("Save the arrays as npz files and set [paths] dataset_path.", ("",)),
    },
    "tools": {
        "serialise_only": Retired("Set [tools] simulate = False.", _OFF),
    },
    "normalization": {
        "online_normalization": Retired("Use [normalization] percentile, and channel_wise = True to go further.", _OFF),
        "diff_to_max_rate": _RATES,
        "diff_to_min_rate": _RATES,
        "timestep_fraction": _RATES,
    },
    "conversion": {
        "use_isi_code": Retired("Set [conversion] spike_code.", _OFF),
        "append_softmax": Retired("Add the softmax layer to the model that filename_ann names.", ("False", "")),
    },
    "simulation": {
        "keras_backend": Retired("Set [simulation] simulator; tensorflow runs on TensorFlow.", ("tensorflow",)),
        "early_stopping": Retired("It ended event streams that had run dry; set [simulation] duration."),
    },
    "cell": {
        "v_reset": _PYNN,
        "v_rest": _PYNN,
        "e_rev_e": _PYNN,
        "e_rev_i": _PYNN,
        "i_offset": _PYNN,
        "cm": _PYNN,
        "tau_syn_e": _PYNN,
        "tau_syn_i": _PYNN,
        "delay": _PYNN,
        "scaling_factor": Retired("It belongs to the simulator MegaSim."),
        "binarize_weights": _WEIGHTS,
        "quantize_weights": _WEIGHTS,
        "payloads": Retired("Set [conversion] spike_code = rate_payload.", _OFF),
        "bias_relaxation": Retired("Set [cell] relaxation_steps, in steps for each layer.", _OFF),
    },
    "loihi": {
        "partition": _BOARD,
        "node": _BOARD,
    },
}

RETIRED_SECTIONS: Mapping[str, str] = {
    "spinnaker": "It belongs to the simulator spiNNaker, which this version does not have.",
    "restrictions": "Choices are no settings any more: frontends, spike codes and backends are added as plug-ins.",
}

_ONNX = "Export the model to ONNX, or build it in Keras, and name that file in [paths] filename_ann."
_SIMULATORS = "This version simulates with tensorflow (INI) or reference; a plug-in can add a simulator."

RETIRED_VALUES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("input", "model_lib"): dict.fromkeys(("lasagne", "caffe", "pytorch"), _ONNX),
    ("input", "dataset_format"): {"aedat": "Event-camera files are not read; accumulate the events into npz arrays."},
    ("simulation", "simulator"): dict.fromkeys(
        ("brian", "brian2", "nest", "neuron", "spinnaker", "megasim"), _SIMULATORS
    ),
}

_AUGMENT = Retired("Test samples are not augmented: remove it.", ("False", "0.0", "None"))
_PER_SAMPLE = Retired("Apply it to the files; [input] mean and std are the same for all samples.", ("False",))

RETIRED_KEYS: Mapping[str, Mapping[str, Retired]] = {
    "datagen_kwargs": {
        "featurewise_center": Retired("Set [input] mean to the mean of the training data.", _OFF),
        "featurewise_std_normalization": Retired("Set [input] std to that of the training data.", _OFF),
        "samplewise_center": _PER_SAMPLE,
        "samplewise_std_normalization": _PER_SAMPLE,
        "zca_whitening": _PER_SAMPLE,
        "zca_epsilon": Retired("It only matters with zca_whitening."),
        "preprocessing_function": Retired("Use [input] rescale, mean, std and channel_order.", ("None",)),
        "data_format": Retired("Images are read with channels last.", ("None", "channels_last")),
        "dtype": Retired("Images are read as float32.", ("None", "float32")),
        "fill_mode": Retired("It only matters for augmentation."),
        "cval": Retired("It only matters for augmentation."),
        "interpolation_order": Retired("It only matters for augmentation."),
        "validation_split": Retired("Move the images to test on to a folder of their own.", ("0.0", "None")),
        "rotation_range": _AUGMENT,
        "width_shift_range": _AUGMENT,
        "height_shift_range": _AUGMENT,
        "brightness_range": _AUGMENT,
        "shear_range": _AUGMENT,
        "zoom_range": _AUGMENT,
        "channel_shift_range": _AUGMENT,
        "horizontal_flip": _AUGMENT,
        "vertical_flip": _AUGMENT,
    },
    "dataflow_kwargs": {
        "batch_size": Retired("Set [simulation] batch_size."),
        "directory": Retired("Set [paths] dataset_path.", ()),
        "follow_links": Retired("Links are followed."),
        "keep_aspect_ratio": Retired("Crop the files.", _OFF),
        "subset": Retired("Move the images to test on to a folder of their own.", ("None",)),
        "save_to_dir": Retired("Images that were read are not written again.", ("None",)),
        "save_prefix": Retired("Images that were read are not written again."),
        "save_format": Retired("Images that were read are not written again."),
    },
}
