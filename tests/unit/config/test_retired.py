from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from snntoolbox.config.load import load
from snntoolbox.config.retired import RETIRED_KEYS, RETIRED_OPTIONS, RETIRED_SECTIONS, RETIRED_VALUES
from snntoolbox.config.settings import SECTIONS

Write = Callable[..., Path]
Problems = Callable[..., list[str]]

OPTIONS = [(section, option) for section, options in RETIRED_OPTIONS.items() for option in options]


@pytest.mark.parametrize(("section", "option"), OPTIONS)
def test_harmless_values_give_a_warning(write: Write, section: str, option: str):
    retired = RETIRED_OPTIONS[section][option]
    for value in retired.harmless or ("anything at all",):
        warnings = load(write(), {f"{section}.{option}": value}).warnings
        assert [str(w) for w in warnings] == [
            f"override [{section}] {option}: has no effect any more. {retired.advice}"
        ]


@pytest.mark.parametrize(
    ("section", "option"), [(s, o) for s, o in OPTIONS if RETIRED_OPTIONS[s][o].harmless is not None]
)
def test_other_values_are_refused_with_what_to_do(problems: Problems, section: str, option: str):
    (found,) = problems(f"[{section}]\n{option} = something\n" if section != "paths" else "")
    advice = RETIRED_OPTIONS[section][option].advice
    assert found == f"config.ini [{section}] {option}: no longer exists, got 'something'. {advice}"


@pytest.mark.parametrize("value", ["0", "no", "FALSE", "off"])
def test_a_switch_is_off_however_it_is_written(write: Write, value: str):
    assert len(load(write(f"[cell]\npayloads = {value}\n")).warnings) == 1


def test_what_is_gone_is_gone():
    assert not {(s, o) for s, o in OPTIONS if s in SECTIONS and o in SECTIONS[s].model_fields}
    assert not set(RETIRED_SECTIONS) & set(SECTIONS)
    assert all(option == option.lower() for _, option in OPTIONS)


@pytest.mark.parametrize("section", RETIRED_SECTIONS)
def test_sections_give_a_warning(write: Write, section: str):
    (warning,) = load(write(f"[{section}]\nan_option = 1\nanother = 2\n")).warnings
    assert str(warning) == f"config.ini [{section}]: has no effect any more. {RETIRED_SECTIONS[section]}"


@pytest.mark.parametrize(
    ("section", "option", "value"),
    [("input", "model_lib", "PyTorch"), ("input", "dataset_format", "aedat"), ("simulation", "simulator", "MegaSim")],
)
def test_values_that_are_gone_name_the_successor(problems: Problems, section: str, option: str, value: str):
    (found,) = problems(f"[{section}]\n{option} = {value}\n")
    assert found.endswith(RETIRED_VALUES[section, option][value.lower()])


def test_keys_of_dictionaries(write: Write, problems: Problems):
    keys = "{'rescale': 0.5, 'featurewise_center': %s, 'zoom_range': 0.0}"
    text = f"[input]\ndataset_format = jpg\ndatagen_kwargs = {keys}\n"
    settings = load(write(text % "False"))
    assert settings.input.factor == 0.5
    assert [w.where for w in settings.warnings] == [
        "config.ini [input] datagen_kwargs 'featurewise_center'",
        "config.ini [input] datagen_kwargs 'zoom_range'",
    ]
    assert problems(text % "True") == [
        "config.ini [input] datagen_kwargs 'featurewise_center': no longer exists, got 'True'. "
        "Set [input] mean to the mean of the training data."
    ]


def test_every_key_says_what_to_do(problems: Problems):
    for option, keys in RETIRED_KEYS.items():
        for key, retired in keys.items():
            given = {f"input.{option}": {key: "x"}, "input.dataset_format": "png"}
            if retired.harmless is not None:
                assert problems(overrides=given) == [
                    f"override [input] {option} '{key}': no longer exists, got 'x'. {retired.advice}"
                ]
