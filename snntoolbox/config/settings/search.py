"""Section [search]: what ``snntoolbox --search`` looks for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from snntoolbox.config.fields import Unit
from snntoolbox.config.settings.option_types import Section

__all__ = ["Search"]


class Search(Section):
    """The search for the options that convert a network best: `snntoolbox --search -t config.ini`."""

    goal: Literal["accuracy", "steps", "operations"] = Field(
        description="What is best. `accuracy`: the most decisions as the ANN's after `duration`. `steps`: the fewest "
        "time steps, `operations`: the fewest synaptic operations, from which on no more than `within` of the "
        "decisions differ from the ANN's."
    )
    within: Annotated[float, Unit("%")] = Field(
        ge=0, le=100, description="Share of the samples that may be decided otherwise, for goals other than `accuracy`."
    )
    neurons: tuple[Literal["integrate_and_fire", "signed", "burst", "graded"], ...] = Field(
        description="Neurons that may be used besides that of `[cell] neuron`, which says what they are. Hardware may "
        "know `integrate_and_fire` only.",
    )
    num_samples: int = Field(
        ge=6,
        description="Largest number of samples of `x_norm` that are used. A third of them is held out: options are "
        "compared on these alone, the others are for calibration. The test samples are not used.",
    )
    time_limit: Annotated[float, Unit("s")] = Field(
        gt=0, description="No set of options is tried that would not be done by then; the best of those tried is taken."
    )
