"""The base of all sections, and the types of options that need more than a type and its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from snntoolbox.config.fields import Expected

__all__ = [
    "CountOrAll",
    "CountOrUnlimited",
    "FolderName",
    "Index",
    "Length",
    "LogVar",
    "LogVars",
    "ObjectPath",
    "PlotVar",
    "PlotVars",
    "Scale",
    "Section",
]

LogVar = Literal[
    "activations_n_b_l",
    "spiketrains_n_b_l_t",
    "input_b_l_t",
    "mem_n_b_l_t",
    "synaptic_operations_b_t",
    "neuron_operations_b_t",
    "all",
]
PlotVar = Literal[
    "activations",
    "spiketrains",
    "spikecounts",
    "spikerates",
    "input_image",
    "error_t",
    "confusion_matrix",
    "correlation",
    "hist_spikerates_activations",
    "normalization_activations",
    "operations",
    "propagation_error",
    "v_mem",
    "all",
]


def _not_zero(value: int) -> int:
    if value == 0:
        raise ValueError("0 selects nothing")
    return value


def _log_vars(names: frozenset[LogVar]) -> frozenset[LogVar]:
    return frozenset(get_args(LogVar)) - {"all"} if "all" in names else names


def _plot_vars(names: frozenset[PlotVar]) -> frozenset[PlotVar]:
    return frozenset(get_args(PlotVar)) - {"all"} if "all" in names else names


def _folder_name(name: str) -> str:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError("it names a folder below the log folder")
    return name


def _object_path(path: str) -> str:
    module, colon, name = path.partition(":")
    parts = [*module.split("."), *name.split(".")] if colon else [""]
    if path and not all(part.isidentifier() for part in parts):
        raise ValueError("it names a module and something in it, with a colon between")
    return path


Count = Annotated[int, Field(ge=-1), AfterValidator(_not_zero)]
CountOrAll = Annotated[Count, Expected("a whole number >= 1, or -1 for all")]
CountOrUnlimited = Annotated[Count, Expected("a whole number >= 1, or -1 for no limit")]
FolderName = Annotated[str, AfterValidator(_folder_name)]
ObjectPath = Annotated[str, AfterValidator(_object_path), Expected("package.module:name, or nothing")]
LogVars = Annotated[frozenset[LogVar], AfterValidator(_log_vars)]
PlotVars = Annotated[frozenset[PlotVar], AfterValidator(_plot_vars)]
Length = Annotated[int, Field(gt=0)]
Index = Annotated[int, Field(ge=0)]
Scale = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Base of the sections: frozen, strict about types, refusing what it does not know.

    A backend declares the options of its own section as a subclass and names it in its ``settings_type``.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
