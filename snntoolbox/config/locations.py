"""Which files a configuration means: empty options filled in, every path absolute."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from snntoolbox.errors import RegistryError
from snntoolbox.registry import BACKENDS

__all__ = ["resolve_paths"]


def resolve_paths(values: Mapping[str, object], simulator: object, directory: Path) -> dict[str, object]:
    """Return the options of [paths] with every path absolute.

    Args:
        values: The options as they were read: a Path, or None where a path was left empty; anything else is a mistake
            that stays for validation to refuse.
        simulator: Name of the backend, part of the default file name of the spiking network.
        directory: What a relative `path_wd` is taken from.
    """
    base = _absolute(values["path_wd"] or Path(), directory)
    working = base if isinstance(base, Path) else directory
    label, ann = values["runlabel"], values["filename_ann"]
    name = _without_suffix(ann) if isinstance(ann, Path) else Path(str(label))
    filled = {
        **values,
        "path_wd": base,
        "dataset_path": values["dataset_path"] or working,
        "log_dir_of_current_run": values["log_dir_of_current_run"] or Path("log") / str(label),
        "filename_parsed_model": _saved(values["filename_parsed_model"] or Path(f"{name}_parsed")),
        "filename_snn": _saved(values["filename_snn"] or Path(f"{name}_{_registered(simulator)}")),
    }
    return {option: _absolute(value, working) for option, value in filled.items()}


def _registered(simulator: object) -> object:
    """Return one name for all spellings of a backend, or what it was if there is no such backend."""
    try:
        return BACKENDS.canonical(str(simulator))
    except RegistryError:
        return simulator


def _absolute(value: object, base: Path) -> object:
    if not isinstance(value, Path):
        return value
    # abspath, not resolve(): a link to a data set keeps its own name.
    return Path(os.path.abspath(base / os.path.expanduser(value)))  # noqa: PTH100, PTH111


def _without_suffix(name: Path) -> Path:
    """Cut ``.keras`` or ``.h5``, but not the ``.5`` of ``net_v1.5``: a suffix begins with a letter."""
    return name.with_suffix("") if re.fullmatch(r"\.[A-Za-z]\w*", name.suffix) else name


def _saved(name: object) -> object:
    return name.with_name(f"{name.name}.h5") if isinstance(name, Path) and name.suffix != ".h5" else name
