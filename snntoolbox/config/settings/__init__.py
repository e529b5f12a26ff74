"""Every option of the INI file: its type, limits, unit and meaning, one class a section; `Settings` holds them all.

Defaults are in ``config_defaults.ini``, text is read in `snntoolbox.config.load`, and nothing about an option is said
anywhere else: error messages and ``docs/options.md`` are made from these declarations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_type_hints

from snntoolbox.config.ini import Origin
from snntoolbox.config.settings.cost import Cost
from snntoolbox.config.settings.files import DataflowKwargs, DatagenKwargs, Input, Paths
from snntoolbox.config.settings.network import Cell, Conversion, Normalization
from snntoolbox.config.settings.option_types import Section
from snntoolbox.config.settings.refinement import Calibration, Readout
from snntoolbox.config.settings.run import Output, ParameterSweep, Simulation, Tools
from snntoolbox.config.settings.search import Search
from snntoolbox.errors import Problem

__all__ = [
    "SECTIONS",
    "Calibration",
    "Cell",
    "Conversion",
    "Cost",
    "DataflowKwargs",
    "DatagenKwargs",
    "Input",
    "Normalization",
    "Output",
    "ParameterSweep",
    "Paths",
    "Readout",
    "Search",
    "Section",
    "Settings",
    "Simulation",
    "Tools",
]


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
    calibration: Calibration
    readout: Readout
    parameter_sweep: ParameterSweep
    cost: Cost
    search: Search
    output: Output
    backend_options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = field(default=(), compare=False)
    origins: Mapping[tuple[str, str], Origin] = field(default_factory=dict, compare=False, repr=False)

    def origin(self, section: str, option: str) -> str:
        """Return ``default``, ``override``, or file and line of the value of an option."""
        return str(self.origins[section, option])

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
