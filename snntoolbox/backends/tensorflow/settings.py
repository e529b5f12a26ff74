"""The section [tensorflow] of the INI file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from snntoolbox.config.settings import Section

__all__ = ["TensorFlowSettings"]


class TensorFlowSettings(Section):
    """How the TensorFlow backend computes."""

    xla: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Compile the neurons with XLA, which takes a second or two and makes each step faster. `auto`: if "
        "`batch_size` times the number of neurons is large enough for that to pay off, and if XLA can.",
    )
    precision: Literal["float32", "float64"] = Field(
        "float32",
        description="`float64` is several times slower. It gives the reference's spike counts also where a potential "
        "comes so close to the threshold that rounding decides.",
    )
