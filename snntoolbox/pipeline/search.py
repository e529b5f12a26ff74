"""``snntoolbox --search``: find the options that convert the network of a config best, and write that config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console as RichConsole
from rich.table import Table

from snntoolbox.config.effective import to_ini
from snntoolbox.config.load import load, replace
from snntoolbox.config.settings import Settings
from snntoolbox.errors import RunError
from snntoolbox.ir.graph import Graph
from snntoolbox.pipeline import stages
from snntoolbox.pipeline.console import Console
from snntoolbox.pipeline.samples import RunSamples, load_samples
from snntoolbox.report.run_folder import run_folder
from snntoolbox.report.search import FrontPoint, SearchMaterial, TrialCurve, write_search
from snntoolbox.search import Goal, Search, SearchResult, Trial, recipe_round, threshold_round, transient_round

__all__ = ["search", "with_chosen_method"]

NUM_AUTO = 240
"""Largest number of samples of ``x_norm`` that the choice of a method of normalisation takes."""


def search(config: str | Path, overrides: Mapping[str, object] | None = None) -> SearchResult:
    """Search for the goal of ``[search]`` and write the result into ``<run folder>/search``.

    Args:
        config: INI file.
        overrides: ``{"section.option": value}``, over what the file says.

    Raises:
        ConfigError: The config has mistakes; all are listed.
        SNNToolboxError: The network or the samples cannot be read, or nothing could be converted.
    """
    settings = load(config, overrides or {})
    if settings.normalization.method == "auto":
        settings = replace(settings, {"normalization.method": "percentile"})
    console = Console(settings.output.verbose)
    with console.logging():
        target = settings.paths.log_dir_of_current_run / "search"
        with run_folder(target, overwrite=settings.output.overwrite) as folder:
            with console.stage("load"):
                source = stages.find_source(settings)
                graph = stages.parse(settings, source)
                samples = load_samples(settings, graph)
            with console.stage("search"):
                wanted = settings.search
                goal = Goal(wanted.goal, settings.simulation.num_steps, wanted.within / 100)
                result = _make_search(settings, graph, samples, console, goal, wanted.num_samples).run()
            material = _material(settings, result)
            write_search(folder, material)
    if settings.output.verbose:
        _summarize(result, material, target)
    return result


def with_chosen_method(settings: Settings, graph: Graph, samples: RunSamples, console: Console) -> Settings:
    """Return the settings with what ``[normalization] method = auto`` stands for.

    Methods of normalisation are tried on a third of at most `NUM_AUTO` samples of ``x_norm``; before that, unless the
    config says how long layers wait or when the output is read, what is known to do well, calibrations included.
    """
    start = replace(settings, {"normalization.method": "percentile"})
    if samples.norm is None or not settings.tools.convert:
        return start
    goal = Goal("accuracy", settings.simulation.num_steps)
    plan = [threshold_round()]
    if not (settings.cell.clamp_delay or settings.paths.filename_clamp_indices or settings.readout.start):
        plan = [recipe_round(), transient_round(), *plan]
    result = _make_search(start, graph, samples, console, goal, NUM_AUTO).run(plan)
    console.note(f"  conversion chosen of {len(result.trials)}: {result.best.name}")
    return replace(start, result.best.options)


def _make_search(
    settings: Settings, graph: Graph, samples: RunSamples, console: Console, goal: Goal, num_samples: int
) -> Search:
    if samples.norm is None:
        raise RunError("a search needs the samples of x_norm: set [tools] normalize = True")
    x = samples.norm.take(min(num_samples, len(samples.norm))).array()
    return Search(graph, x, settings, goal, stages.make_backend(settings), console.progress)


def _material(settings: Settings, result: SearchResult) -> SearchMaterial:
    chosen = dict(result.best.options)
    return SearchMaterial(
        goal=_words(result.goal),
        chosen=chosen,
        best=_curve(result.best),
        trials=tuple(map(_curve, result.trials)),
        front=tuple(FrontPoint(a, steps, operations, trial.name) for a, steps, operations, trial in result.pareto),
        stopped=result.stopped,
        config=to_ini(replace(settings, chosen)),
    )


def _words(goal: Goal) -> str:
    if goal.kind == "accuracy":
        return f"most decisions as by the ANN after {goal.num_steps} steps"
    what = "time steps" if goal.kind == "steps" else "synaptic operations"
    return f"fewest {what} from which on at most {100 * goal.within:g} % of the decisions differ from the ANN's"


def _curve(trial: Trial) -> TrialCurve:
    return TrialCurve(
        trial.name, trial.num_samples, trial.agreement.tolist(), trial.operations.tolist(), round(trial.seconds, 2)
    )


def _summarize(result: SearchResult, material: SearchMaterial, folder: Path) -> None:
    """Print the best set, and where the rest lies."""
    out, best = RichConsole(), material.best
    table = Table(title=f"goal: {material.goal}", title_justify="left")
    table.add_column("option")
    table.add_column("value")
    for name, value in material.chosen.items():
        table.add_row(name, str(value))
    table.add_section()
    step = result.goal.step(result.best)
    reached = step if step is not None else len(best.agreement)
    table.add_row("agreement with the ANN", f"{100 * best.agreement[reached - 1]:.1f} % of {best.num_samples} samples")
    table.add_row("time steps", str(reached) if step is not None else f"{reached}: the goal was not reached")
    table.add_row("operations for one sample", f"{best.operations[reached - 1]:,.0f}")
    table.add_row("sets of options tried", str(len(material.trials)) + (" (time was up)" if result.stopped else ""))
    out.print(table)
    out.print(f"config with these options: {folder / 'config.ini'}", soft_wrap=True)
