"""A sweep: the whole run for several spike codes, several values of one option, or both, and one figure over all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console as RichConsole
from rich.table import Table

from snntoolbox.analysis.results import Results
from snntoolbox.config import load
from snntoolbox.config.effective import to_ini
from snntoolbox.config.settings import Settings
from snntoolbox.errors import ConfigError, Problem
from snntoolbox.pipeline import run_once
from snntoolbox.pipeline.console import Console
from snntoolbox.registry import CODES
from snntoolbox.report.material import Material, Sweep
from snntoolbox.report.run_folder import run_folder
from snntoolbox.report.summary import sweep_rows
from snntoolbox.report.write import write_run

__all__ = ["Point", "points", "sweep"]


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes:
        name: Of its folder.
        overrides: ``section.option`` -> value.
        code: Spike code; empty if it is not swept.
        value: Of the swept option; None if there is none, or if it means nothing to the code.
    """

    name: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    value: float | None = None


def sweep(settings: Settings, console: Console) -> Results:
    """Run every point into a folder of its own in the run folder, then write the report of the sweep itself.

    The stages that a value can change are run again for it; measured activations are taken from the cache where the
    network, the samples and the options of normalisation are the same.

    Returns:
        The results of the last point.

    Raises:
        ConfigError: Options of a code are not allowed; nothing has been run.
    """
    options, root = settings.parameter_sweep, settings.paths.log_dir_of_current_run
    found = list(points(settings))
    runs = [_settings(settings, point) for point in found]
    results = []
    for number, (point, one) in enumerate(zip(found, runs, strict=True), start=1):
        console.note(f"sweep {number} of {len(found)}: {point.name}")
        results.append(run_once(one, Console(settings.output.verbose)))
    compared = Sweep(
        ".".join(options.target),
        tuple(point.value for point in found),
        tuple(results),
        options.param_logscale,
        tuple(point.code for point in found) if options.spike_codes else (),
    )
    with run_folder(root / "sweep", overwrite=settings.output.overwrite) as folder:
        material = Material(results[-1], sweep=compared, config=to_ini(settings))
        write_run(folder, material, settings.output.plot_vars, settings.output.plotproperties)
    if settings.output.verbose:
        _print(compared)
    return results[-1]


def points(settings: Settings) -> Iterator[Point]:
    """Yield the runs of a sweep, code by code."""
    options = settings.parameter_sweep
    option = ".".join(options.target)
    for code in options.spike_codes or ("",):
        own: dict[str, Any] = {"conversion.spike_code": code} if code else {}
        own |= options.code_options.get(code, {})
        label = f"spike_code={code}" if code else ""
        values = options.param_values
        if code and values and not _matters(settings, own, option, values):
            values = ()
        for value in values:
            exact = int(value) if float(value).is_integer() else value
            name = ",".join(part for part in (label, f"{options.target[1]}={value:g}") if part)
            yield Point(name, {**own, option: exact}, code, value)
        if not values:
            yield Point(label, own, code)


def _matters(settings: Settings, own: Mapping[str, Any], option: str, values: tuple[float, ...]) -> bool:
    """Whether a code changes with the option; those of other sections than its own always matter."""
    if not option.startswith(("cell.", "conversion.")):
        return True
    kind = CODES.load(own["conversion.spike_code"])
    variants = [load.replace(settings, own), *(load.replace(settings, {**own, option: value}) for value in values)]
    return len({repr(asdict(kind.from_settings(variant))) for variant in variants}) > 1


def _settings(settings: Settings, point: Point) -> Settings:
    folder = settings.paths.log_dir_of_current_run / point.name
    none = {f"parameter_sweep.{option}": "" for option in ("param_values", "spike_codes", "code_options")}
    try:
        return load.replace(settings, {"paths.log_dir_of_current_run": str(folder), **none, **point.overrides})
    except ConfigError as error:
        where = f"[parameter_sweep], {point.name}"
        problems = [Problem(f"{where}: {one.where}", one.what, one.hint) for one in error.problems]
        raise ConfigError("the sweep cannot be run:", problems) from error


def _print(compared: Sweep) -> None:
    """Print the table of the sweep."""
    heading, *rows = sweep_rows(compared)
    shown = heading.index("Spikes") + 1  # a terminal of 80 characters has no room for energies; the page has them
    table = Table(title="Sweep")
    for number, name in enumerate(heading[:shown]):
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*row[:shown])
    RichConsole().print(table)
