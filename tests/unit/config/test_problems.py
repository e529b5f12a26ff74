from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from snntoolbox.config.load import load
from snntoolbox.errors import ConfigError

Write = Callable[..., Path]
Problems = Callable[..., list[str]]


def test_everything_wrong_is_reported_at_once(problems: Problems):
    text = """
[Cell]
v_thresh = 2
[simulation]
duraton = 50
dt = fast
leak = True
simulator = IN
[normalization]
percentile = 200
percentile = 100
[cell]
reset = reset by subtract
"""
    found = problems(text, {"simulation.batch_size": 0})
    expected = [
        "config.ini [Cell]: unknown section. Did you mean 'cell'?",
        "config.ini [simulation] duraton: unknown option. Did you mean 'duration'?",
        "config.ini [simulation] dt: expected a number > 0 (ms), got 'fast'.",
        "config.ini [simulation] leak: unknown option. It belongs in section [cell].",
        "config.ini [normalization] percentile: given 2 times (lines 12, 13). Keep one.",
        "config.ini [cell] reset: expected one of subtract, zero, modulo, got 'reset by subtract'. "
        "Did you mean 'Reset by subtraction'?",
        "override [simulation] batch_size: expected a whole number >= 1, got 0.",
    ]
    assert set(expected) < set(found)
    (simulator,) = set(found) - set(expected)
    assert simulator.startswith("config.ini [simulation] simulator: unknown backend 'IN'. Did you mean 'INI'?")


def test_the_error_names_the_file_and_counts(write: Write):
    with pytest.raises(ConfigError, match=r"^cannot use config\.ini: 2 problems\n  - .*\n  - .*$"):
        load(write("[cell]\nleak = 2\nv_thresh = 0\n"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[simulation]\nnum_to_test = 0",
            "num_to_test: expected a whole number >= 1, or -1 for all, got '0' (0 selects",
        ),
        ("[simulation]\nbatch_size = 2.5", "batch_size: expected a whole number >= 1, got '2.5'."),
        ("[simulation]\nbatch_size =", "batch_size: expected a whole number >= 1, got nothing."),
        ("[simulation]\nduration = 50 ; ms", "got '50 ; ms'. A comment needs a line of its own."),
        ("[simulation]\nduration = inf", "duration: expected a number > 0 (ms), got 'inf'."),
        (
            "[simulation]\nsample_idxs_to_test = 1, -2",
            "sample_idxs_to_test: expected a list of whole numbers >= 0, got -2.",
        ),
        ("[cell]\ninitial_potential = 1", "initial_potential: expected a number >= 0 and < 1, got '1'."),
        ("[input]\nstd = 1, 0", "std: expected a list of numbers > 0, got 0.0."),
        ("[input]\nmean = [1, 2", "mean: expected a list of numbers, got '[1, 2'."),
        (
            "[input]\ndataset_format = npy",
            "dataset_format: expected one of npz, jpg, png, jpeg, bmp, got 'npy'. Did you mean 'npz'",
        ),
        (
            "[input]\ndatagen_kwargs = {'resale': 1}",
            "unknown key 'resale', expected a dictionary with keys out of rescale.",
        ),
        ("[input]\ndatagen_kwargs = {'resale': 1}", "Did you mean 'rescale'?"),
        ("[input]\ndataflow_kwargs = {'target_size': (3, 0)}", "key 'target_size': expected two whole numbers > 0"),
        (
            "[input]\ndataflow_kwargs = {'color_mode': 'grey'}",
            "key 'color_mode': expected one of rgb, grayscale, rgba, got 'grey'",
        ),
        ("[input]\ndatagen_kwargs = {'rescale': 1/255}", "expected a dictionary with keys out of rescale, got"),
        ("[output]\nlog_vars = spiketrains", "log_vars: expected any of activations_n_b_l,"),
        ("[output]\nlog_vars = spiketrains", "got 'spiketrains'. Did you mean 'spiketrains_n_b_l_t'?"),
        ("[output]\nplotproperties = [1]", "plotproperties: expected a dictionary such as {'key': 1}, got '[1]'."),
        ("[output]\noverwrite = maybe", "overwrite: expected True or False, got 'maybe'."),
        ("[DEFAULT]\nduration = 3", "config.ini [DEFAULT]: unknown section."),
        ("[nothing_like_it]\nx = 3", "unknown section. Sections are paths, input,"),
        ("[cell]\nv_tresh = 3", "config.ini [cell] v_tresh: unknown option. Did you mean 'v_thresh'?"),
        ("[cell]\ndurationn = 3", "config.ini [cell] durationn: unknown option. Did you mean '[simulation] duration'?"),
        ("[cell]\nxyz = 3", "config.ini [cell] xyz: unknown option. Options here are neuron, max_spikes,"),
    ],
)
def test_messages(problems: Problems, text: str, expected: str):
    (found,) = problems(text)
    assert expected in found


def test_a_run_label_stays_below_the_log_folder(problems: Problems):
    for label in ("/tmp", "../other", ""):
        (found,) = problems(overrides={"paths.runlabel": label})
        assert found.startswith("override [paths] runlabel: expected text, got")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("duration", "override 'duration': expected section.option. Did you mean 'simulation.duration'?"),
        ("cell.v_tresh", "override [cell] v_tresh: unknown option. Did you mean 'v_thresh'?"),
        ("simulaton.duration", "override [simulaton]: unknown section. Did you mean 'simulation'?"),
    ],
)
def test_overrides_with_a_wrong_name(problems: Problems, key: str, expected: str):
    assert problems(overrides={key: 1}) == [expected]


def test_a_config_must_name_its_model(problems: Problems):
    (found,) = problems("[simulation]\nduration = 50\n", head="")
    assert found.startswith("config.ini [paths] filename_ann: is required")


def test_a_missing_file_is_the_only_problem(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.ini")
    assert [str(p) for p in caught.value.problems] == [
        f"{tmp_path / 'none.ini'}: there is no such file. Check the path."
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[simulation]\ndt = 0.3\nduration = 1",
            "[simulation] duration: expected a whole multiple of dt = 0.3 ms, got 1 ms. 0.9 ms",
        ),
        (
            "[simulation]\ndt = 10\nduration = 1",
            "duration: expected a whole multiple of dt = 10 ms, got 1 ms. 10 ms is one.",
        ),
        (
            "[cell]\ntau_refrac = 1.5",
            "[cell] tau_refrac: expected a whole multiple of dt = 1 ms, got 1.5 ms. 2 ms is one.",
        ),
        ("[input]\nmean = 1, 2, 3\nstd = 1, 2", "[input] std: expected as many numbers as mean has (3), got 2."),
        (
            "[input]\npoisson_input = on\n[simulation]\ndt = 2",
            "input_rate: expected at most one spike per time step of 2 ms, got 1000",
        ),
        (
            "[parameter_sweep]\nparam_name = v_tresh",
            "param_name: expected a numeric option of [cell], or section.option, got 'v_tresh'. Did",
        ),
        ("[parameter_sweep]\nparam_name = reset", "[parameter_sweep] param_name: expected a numeric option"),
        (
            "[parameter_sweep]\nparam_values = 1, -1",
            "param_values: [cell] v_thresh = -1: expected a number > 0",
        ),
        (
            "[parameter_sweep]\nparam_name = simulation.dt\nparam_values = 0.5, 0.3",
            "param_values: [simulation] dt = 0.3: expected a whole multiple of dt = 0.3 ms, got 200 ms.",
        ),
        (
            "[parameter_sweep]\nparam_name = simulation.batch_size\nparam_values = 1.5",
            "[simulation] batch_size = 1.5: expected a whole",
        ),
    ],
)
def test_options_that_do_not_go_together(problems: Problems, text: str, expected: str):
    (found,) = problems(text)
    assert expected in found


def test_checks_between_options_run_beside_other_problems(problems: Problems):
    found = problems("[simulation]\ndt = 0.3\nduration = 1\n[cell]\nleak = 7\n")
    assert [line.partition(":")[0] for line in found] == ["config.ini [cell] leak", "config.ini [simulation] duration"]


def test_a_file_would_replace_another(problems: Problems):
    for model in ("a.h5", "a"):  # without its suffix, the model may well be a.h5
        text = f"[paths]\nfilename_ann = {model}\nfilename_parsed_model = a\nfilename_snn = a.h5\n"
        found = problems(text, head="")
        assert [line.partition(":")[0].split()[-1] for line in found] == ["filename_parsed_model", "filename_snn"]


def test_sweeps_over_other_sections(write: Write):
    settings = load(write("[parameter_sweep]\nparam_name = Simulation.batch_size\nparam_values = [1, 2]\n".lower()))
    assert settings.parameter_sweep.target == ("simulation", "batch_size")
    assert settings.parameter_sweep.param_values == (1.0, 2.0)
    assert load(write()).parameter_sweep.target == ("cell", "v_thresh")
