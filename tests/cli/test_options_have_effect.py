"""Every option of config_defaults.ini changes something that can be observed: numbers, files or what is printed.

Each case is a list of overrides on top of a common base; the second run must differ from the first in what it prints or
writes (times, and the copy of the config in the run folder, left aside).
"""

from __future__ import annotations

import configparser
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snntoolbox.config.settings import SECTIONS

Overrides = dict[str, Any]
Prepare = Callable[[Path], None]


def _clamp(folder: Path) -> None:
    (folder / "clamp.json").write_text(json.dumps({"hidden_relu": 4}))


def _class_names(folder: Path) -> None:
    (folder / "names.json").write_text(json.dumps({"0": "top", "1": "middle", "2": "bottom"}))


def _other_model(folder: Path) -> None:
    import keras

    model = keras.models.load_model(folder / "model.keras")
    model.get_layer("hidden").set_weights([-w for w in model.get_layer("hidden").get_weights()])
    model.save(folder / "other.keras")


def _custom_model(folder: Path) -> None:
    import keras

    layer = keras.layers.Dense(3, activation="relu", name="own")
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), layer])
    config = json.loads(model.to_json())
    config["config"]["layers"][-1]["class_name"] = "OwnDense"
    for key in ("module", "registered_name"):
        config["config"]["layers"][-1][key] = None if key == "module" else "OwnDense"
    (folder / "own.json").write_text(json.dumps(config))
    model.save_weights(folder / "own.weights.h5")
    (folder / "custom.json").write_text(json.dumps({"OwnDense": "keras.layers:Dense"}))


def _open_shape(folder: Path) -> None:
    import keras

    layers = [keras.layers.Conv2D(3, 3, activation="relu"), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential([keras.Input((None, None, 1)), *layers]).save(folder / "open.keras")


def _axes(folder: Path) -> None:
    """A network of which the file does not say where the channels are."""
    import onnx
    from onnx import helper, numpy_helper

    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("Gemm", ["f", "w"], ["g"]),
        helper.make_node("Relu", ["g"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(n, 1, s) for n, s in (("x", ["N", 1, 8, 8]), ("y", ["N", 3]))]
    weights = [numpy_helper.from_array(rng.normal(size=(64, 3)).astype(np.float32), "w")]
    graph = helper.make_graph(nodes, "axes", values[:1], values[1:], weights)
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "axes.onnx")


def _images(folder: Path) -> None:
    from PIL import Image

    x, y = np.load(folder / "x_test.npz")["arr_0"], np.load(folder / "y_test.npz")["arr_0"]
    for number, (image, label) in enumerate(zip(x, y, strict=True)):
        place = folder / "images" / "abc"[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.uint8(image[..., 0].clip(0, 1) * 255)).save(place / f"{number:02d}.png")


def _elsewhere(folder: Path) -> None:
    other = folder / "elsewhere"
    other.mkdir()
    for name in ("model.keras", "x_norm.npz", "x_test.npz", "y_test.npz"):
        (other / name).write_bytes((folder / name).read_bytes())


def _other_data(folder: Path) -> None:
    _elsewhere(folder)
    np.savez(folder / "elsewhere" / "x_test.npz", 1 - np.load(folder / "x_test.npz")["arr_0"])


def _color(folder: Path) -> None:
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3, activation="relu")]
    keras.Sequential(layers).save(folder / "color.keras")
    for name in ("x_test", "x_norm"):
        x = np.load(folder / f"{name}.npz")["arr_0"]
        np.savez(folder / f"{name}.npz", np.concatenate([x, x / 2, 1 - x], axis=-1))


def _residual(folder: Path) -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 1))
    y = layers.Conv2D(3, 3, padding="same", activation="relu")(x)
    z = layers.add([layers.Conv2D(3, 3, padding="same")(y), y])
    z = layers.Dense(3)(layers.Flatten()(layers.ReLU()(z)))
    keras.Model(x, z).save(folder / "residual.keras")


def _metric(folder: Path) -> None:
    (folder / "measures.py").write_text("def spread(outputs, targets, ann_outputs):\n    return outputs.std()\n")


def _profiles(folder: Path) -> None:
    own = "[float32_45nm]\nunit = 'pJ'\nprocess = 'none'\nsource = 'none'\n"
    own += "costs.synaptic_add = {cost = 1, source = 'x'}\n"
    (folder / "own.toml").write_text(own)


POISSON = {"input.poisson_input": True}
ROUNDED_DOWN = {"cell.initial_potential": 0}
EXIT = {"readout.early_exit": True, "readout.exit_stop": False}
IMAGES = {"input.dataset_format": "png", "paths.dataset_path": "images", "input.rescale": "1/255"}
CLAMPED = {
    "conversion.spike_code": "ttfs_clamped",
    "conversion.finetune_clamped": True,
    "simulation.duration": 40,
}
TTFS = {"conversion.spike_code": "ttfs", "simulation.duration": 40}
PATTERN = {"conversion.spike_code": "temporal_pattern", "simulation.duration": 30}
TWICE = {"parameter_sweep.param_values": "0.5, 2"}

CASES: dict[str, tuple[Overrides, Any, Prepare | None]] = {
    "paths.path_wd": ({}, "elsewhere", _elsewhere),
    "paths.dataset_path": ({}, "elsewhere", _other_data),
    "paths.log_dir_of_current_run": ({}, "results_of_mine", None),
    "paths.runlabel": ({}, "mine", None),
    "paths.filename_ann": ({}, "other.keras", _other_model),
    "paths.filename_parsed_model": ({}, "my_parsed", None),
    "paths.filename_snn": ({}, "my_snn", None),
    "paths.filename_clamp_indices": ({}, "clamp.json", _clamp),
    "paths.filepath_custom_objects": ({"paths.filename_ann": "own.json"}, "custom.json", _custom_model),
    "paths.class_idx_path": ({}, "names.json", _class_names),
    "input.model_lib": ({}, "onnx", None),
    "input.input_shape": ({"paths.filename_ann": "open.keras"}, "8, 8, 1", _open_shape),
    "input.input_layout": ({"paths.filename_ann": "axes.onnx"}, "channels_first", _axes),
    "input.dataset_format": ({**IMAGES, "input.dataset_format": "npz"}, "png", _images),
    "input.datagen_kwargs": (IMAGES, "{'rescale': 0.5}", _images),
    "input.dataflow_kwargs": (IMAGES, "{'classes': ['c', 'b', 'a']}", _images),
    "input.rescale": ({}, "0.2", None),
    "input.mean": ({}, "0.5", None),
    "input.std": ({}, "0.5", None),
    "input.channel_order": ({"paths.filename_ann": "color.keras"}, "bgr", _color),
    "input.poisson_input": ({}, True, None),
    "input.input_rate": (POISSON, 300, None),
    "input.num_poisson_events_per_sample": (POISSON, 20, None),
    "tools.evaluate_ann": ({}, False, None),
    "tools.parse": ({}, False, None),
    "tools.normalize": ({}, False, None),
    "tools.convert": ({}, False, None),
    "tools.simulate": ({}, False, None),
    "normalization.method": ({}, "maximum", None),
    "normalization.percentile": ({}, 80, None),
    "normalization.channel_wise": ({}, True, None),
    "normalization.normalization_schedule": ({"normalization.percentile": 50}, True, None),
    "normalization.normalize_shortcuts": ({"paths.filename_ann": "residual.keras"}, False, _residual),
    "normalization.scales_in": ({}, "thresholds", None),
    "normalization.balancing_rounds": ({"normalization.method": "local_balancing"}, 3, None),
    "normalization.balancing_steps": ({"normalization.method": "threshold_balancing"}, 3, None),
    "normalization.balancing_factor": ({"normalization.method": "threshold_balancing"}, 0.3, None),
    "normalization.num_samples": ({}, 3, None),
    "normalization.tolerance": ({}, 1e-12, None),
    "conversion.spike_code": ({}, "temporal_pattern_of_nobody", None),
    "conversion.num_bits": (PATTERN, 3, None),
    "conversion.layer_bits": (PATTERN, "{'hidden_relu': 2}", None),
    "conversion.input_bits": (PATTERN, 2, None),
    "conversion.dropped_bits": (PATTERN, 3, None),
    "conversion.one_hot": (PATTERN, True, None),
    "conversion.activation_format": (PATTERN, "Q2.2", None),
    "conversion.weight_format": ({}, "Q1.2", None),
    "conversion.softmax_to_relu": ({"conversion.output": "spikes"}, True, None),
    "conversion.max2avg_pool": ({}, True, None),
    "conversion.maxpool_type": ({}, "exp_max", None),
    "conversion.output": ({}, "softmax_poisson", None),
    "conversion.time_resolution": (TTFS, 2, None),
    "conversion.decision_threshold": (TTFS, 4, None),
    "conversion.finetune_clamped": (TTFS, True, None),
    "conversion.clamped_share": (CLAMPED, 0.4, None),
    "conversion.finetune_epochs": (CLAMPED, 5, None),
    "conversion.layer_window": ({"conversion.spike_code": "ttfs_exact", "simulation.duration": 130}, 3, None),
    "conversion.spiking_input": (TTFS, False, None),
    "conversion.latest_spike": (TTFS, 1.5, None),
    "conversion.least_expected": ({**TTFS, "conversion.spike_code": "ttfs_dyn_thresh"}, 0.5, None),
    "conversion.patience": ({**TTFS, "conversion.spike_code": "ttfs_dyn_thresh"}, 2, None),
    "simulation.simulator": ({}, "tensorflow", None),
    "simulation.duration": ({}, 3, None),
    "simulation.dt": ({}, 2, None),
    "simulation.batch_size": ({"output.log_vars": "activations_n_b_l"}, 3, None),
    "simulation.num_to_test": ({}, 4, None),
    "simulation.sample_idxs_to_test": ({}, "20, 21", None),
    "simulation.reset_between_nth_sample": ({}, 0, None),
    "simulation.top_k": ({}, 2, None),
    "simulation.seed": (POISSON, 5, None),
    "cell.neuron": ({}, "burst", None),
    "cell.max_spikes": ({"cell.neuron": "burst", "cell.v_thresh": 0.2}, 1, None),
    "cell.levels": ({"cell.neuron": "graded"}, 2, None),
    "cell.level_spacing": ({"cell.neuron": "graded"}, "uniform", None),
    "cell.v_thresh": ({}, 0.5, None),
    "cell.tau_refrac": ({}, 2, None),
    "cell.reset": ({}, "Reset to zero", None),
    "cell.leak": ({"cell.tau_m": 2}, True, None),
    "cell.tau_m": ({"cell.leak": True}, 2, None),
    "cell.clamp_delay": ({}, 4, None),
    "cell.relaxation_steps": ({}, 8, None),
    "cell.initial_potential": ({}, 0, None),
    "parameter_sweep.spike_codes": ({}, "rate", None),
    "parameter_sweep.code_options": (
        {"parameter_sweep.spike_codes": "rate"},
        "{'rate': {'simulation.duration': 4}}",
        None,
    ),
    "calibration.compensation": (ROUNDED_DOWN, "layer", None),
    "calibration.bias": ({}, True, None),
    "calibration.potential": (ROUNDED_DOWN, True, None),
    "calibration.threshold": (ROUNDED_DOWN, True, None),
    "calibration.clamp": (ROUNDED_DOWN, True, None),
    "calibration.weight": (ROUNDED_DOWN, True, None),
    "calibration.num_samples": ({"calibration.bias": True}, 20, None),
    "calibration.compare": ({"calibration.bias": True}, False, None),
    "readout.start": ({}, 2, None),
    "readout.early_exit": ({}, True, None),
    "readout.exit_confidence": (EXIT, 0.6, None),
    "readout.exit_patience": (EXIT, 1, None),
    "readout.exit_stop": ({**EXIT, "simulation.duration": 20, "readout.exit_confidence": 0.4}, True, None),
    "parameter_sweep.param_values": ({}, "0.5, 2", None),
    "parameter_sweep.param_name": (TWICE, "simulation.dt", None),
    "parameter_sweep.param_logscale": (TWICE, True, None),
    "cost.profiles": ({}, "loihi", None),
    "cost.profile_file": ({"cost.profiles": "float32_45nm"}, "own.toml", _profiles),
    "cost.weight_bits": ({}, 4, None),
    "cost.activation_bits": ({}, 6, None),
    "cost.entropy_codes": ({}, True, None),
    "cost.entropy_bits": ({"cost.entropy_codes": True}, 3, None),
    "output.log_vars": ({}, "spiketrains_n_b_l_t", None),
    "output.plot_vars": ({}, "error_t", None),
    "output.metric": ({}, "measures:spread", _metric),
    "output.verbose": ({}, 0, None),
    "output.overwrite": ({}, False, None),
    "output.use_simple_labels": ({"output.plot_vars": "spikecounts"}, False, None),
    "output.plotproperties": ({"output.plot_vars": "spikecounts"}, "{'font.size': 20}", None),
}
REFUSED = {"input.model_lib", "normalization.tolerance", "conversion.spike_code", "output.overwrite"}


def test_every_option_has_a_case(repository: Path) -> None:
    defaults = configparser.ConfigParser(interpolation=None)
    defaults.read(repository / "config_defaults.ini")
    options = {
        f"{section}.{option}"
        for section in defaults.sections()
        if section in SECTIONS and section != "search"  # those of backends are tested there, of searches in test_search
        for option in defaults[section]
    }
    assert options == set(CASES)


@pytest.mark.parametrize("option", CASES)
def test_the_option_changes_what_is_observed(option: str, run, project: Path) -> None:
    base, value, prepare = CASES[option]
    if prepare is not None:
        prepare(project)
    before = run(base)
    after = run({**base, option: value})
    assert after != before
    # A refusal is an effect too, but only where the value was chosen to be refused.
    assert (after["status"] == 1) == (option in REFUSED), after["err"]
