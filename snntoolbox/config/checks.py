"""Checks between options. What one option may be on its own is declared in `snntoolbox.config.settings`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from snntoolbox.config.fields import Kind
from snntoolbox.config.ini import Entry
from snntoolbox.config.settings import SECTIONS, Cell, Input, ParameterSweep, Paths, Section, Simulation
from snntoolbox.config.text import read_value
from snntoolbox.config.validate import kinds, validate
from snntoolbox.registry import suggest

__all__ = ["Finding", "cross_check"]


@dataclass(frozen=True)
class Finding:
    """Something about an option that shows only beside others; one that is not fatal becomes a warning."""

    section: str
    option: str
    what: str
    hint: str = ""
    fatal: bool = True


def cross_check(sections: Mapping[str, Section]) -> Iterator[Finding]:
    """Run every check whose sections are valid on their own."""
    yield from _between_options(sections)
    sweep = sections.get("parameter_sweep")
    if isinstance(sweep, ParameterSweep):
        yield from _sweep(sweep, sections)


def _between_options(sections: Mapping[str, Section]) -> Iterator[Finding]:
    for names, check in _CHECKS:
        if all(name in sections for name in names):
            yield from check(*(sections[name] for name in names))


def _is_whole(quotient: float) -> bool:
    return abs(quotient - round(quotient)) <= 1e-6


def _duration(simulation: Simulation) -> Iterator[Finding]:
    duration, dt = simulation.duration, simulation.dt
    if not _is_whole(duration / dt) or round(duration / dt) < 1:
        what = f"expected a whole multiple of dt = {dt:g} ms, got {duration:g} ms."
        yield Finding("simulation", "duration", what, f"{max(round(duration / dt), 1) * dt:g} ms is one.")


def _refractory(cell: Cell, simulation: Simulation) -> Iterator[Finding]:
    if not _is_whole(cell.tau_refrac / simulation.dt):
        what = f"expected a whole multiple of dt = {simulation.dt:g} ms, got {cell.tau_refrac:g} ms."
        yield Finding(
            "cell", "tau_refrac", what, f"{round(cell.tau_refrac / simulation.dt) * simulation.dt:g} ms is one."
        )


def _input_rate(data: Input, simulation: Simulation) -> Iterator[Finding]:
    highest = 1000 / simulation.dt
    if data.poisson_input and data.input_rate > highest * (1 + 1e-9):
        what = f"expected at most one spike per time step of {simulation.dt:g} ms, got {data.input_rate:g} Hz."
        yield Finding("input", "input_rate", what, f"Set it to {highest:g} Hz or less, or decrease dt.")


def _channels(data: Input) -> Iterator[Finding]:
    if len(data.mean) > 1 and len(data.std) > 1 and len(data.mean) != len(data.std):
        what = f"expected as many numbers as mean has ({len(data.mean)}), got {len(data.std)}."
        yield Finding("input", "std", what, "Give one for each channel, or a single one for all.")


def _image_options(data: Input) -> Iterator[Finding]:
    for option in ("datagen_kwargs", "dataflow_kwargs"):
        if data.dataset_format == "npz" and getattr(data, option).model_fields_set:
            hint = "Set rescale, mean and std of [input] instead."
            yield Finding("input", option, "has no effect on npz data, only on image folders.", hint, fatal=False)


def _files(paths: Paths) -> Iterator[Finding]:
    ann = paths.filename_ann
    models = [ann, ann.with_name(f"{ann.name}.h5")] if ann else []
    if paths.filename_parsed_model in models:
        what = f"is the model itself, {paths.filename_parsed_model}, and would replace it."
        yield Finding("paths", "filename_parsed_model", what, "Choose another name.")
    if paths.filename_snn in (*models, paths.filename_parsed_model):
        what = f"is the file of another network, {paths.filename_snn}, and would replace it."
        yield Finding("paths", "filename_snn", what, "Choose another name.")


def _sweep(sweep: ParameterSweep, sections: Mapping[str, Section]) -> Iterator[Finding]:
    """Check that the swept option exists, is a number, and may take each of the values."""
    section, option = sweep.target
    unknown = [code for code in sweep.code_options if code not in sweep.spike_codes]
    if unknown:
        swept = ", ".join(sweep.spike_codes) or "none"
        what = f"options of codes that are not swept: {', '.join(unknown)}; got {swept}."
        yield Finding("parameter_sweep", "code_options", what)
    numbers = [f"{s}.{o}" for s, model in SECTIONS.items() for o, kind in kinds(model).items() if _takes_number(kind)]
    if f"{section}.{option}" not in numbers:
        hint = suggest(f"{section}.{option}", numbers).strip() or "Options of [cell] need no section name."
        what = f"expected a numeric option of [cell], or section.option, got '{sweep.param_name}'."
        yield Finding("parameter_sweep", "param_name", what, hint)
    elif section in sections:
        for value in sweep.param_values:
            for what in _point_problems(sweep.target, value, sections):
                yield Finding("parameter_sweep", "param_values", f"[{section}] {option} = {value:g}: {what}")


def _takes_number(kind: Kind) -> bool:
    return kind.is_number or (kind.is_list and kind.element.is_number)


def _point_problems(target: tuple[str, str], value: float, sections: Mapping[str, Section]) -> Iterator[str]:
    """Say what is wrong with one value of a sweep, on its own or beside the other options."""
    section, option = target
    model = type(sections[section])
    point = read_value(value, kinds(model)[option])
    values = {name: getattr(sections[section], name) for name in model.model_fields} | {option: point}
    swept, problems = validate(section, model, values, {option: Entry(section, option, point)})
    yield from (problem.what for problem in problems)
    if swept is not None:
        before = set(_between_options(sections))
        after = set(_between_options({**sections, section: swept}))
        yield from (finding.what for finding in after - before if finding.fatal)


_CHECKS: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Finding]]], ...] = (
    (("simulation",), _duration),
    (("cell", "simulation"), _refractory),
    (("input", "simulation"), _input_rate),
    (("input",), _channels),
    (("input",), _image_options),
    (("paths",), _files),
)
