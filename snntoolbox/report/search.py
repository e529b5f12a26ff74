"""What a search for conversion options leaves behind: tables of all trials and of the front, and a figure."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from snntoolbox.report.style import ANN, CATEGORIES, figure_style, new_figure, save_figure, write_legend

__all__ = ["FrontPoint", "SearchMaterial", "TrialCurve", "draw_front", "write_search"]


@dataclass(frozen=True)
class FrontPoint:
    """A point that no other one beats in agreement, steps and operations at once.

    Attributes:
        agreement: Share of the held-out samples decided as by the ANN, 0 to 1.
        steps: Time steps until then.
        operations: Synaptic operations for one sample until then.
        options: What was varied, as text.
    """

    agreement: float
    steps: int
    operations: float
    options: str


@dataclass(frozen=True, eq=False)
class TrialCurve:
    """One set of options.

    Attributes:
        options: As text.
        num_samples: Number of held-out samples it was simulated on.
        agreement, operations: After each step.
        seconds: How long it took.
    """

    options: str
    num_samples: int
    agreement: Sequence[float]
    operations: Sequence[float]
    seconds: float


@dataclass(frozen=True, eq=False)
class SearchMaterial:
    """All that is written of a search.

    Attributes:
        goal: In words.
        chosen: ``section.option`` -> value of the best set.
        best: Its curve.
        trials: All curves, in the order of trial.
        front: The points of the Pareto front.
        stopped: Whether the time was up before all was tried.
        config: The chosen configuration as INI text.
    """

    goal: str
    chosen: dict[str, Any]
    best: TrialCurve
    trials: tuple[TrialCurve, ...]
    front: tuple[FrontPoint, ...]
    stopped: bool
    config: str


def write_search(folder: Path, material: SearchMaterial) -> None:
    """Write ``config.ini``, ``search.json``, ``trials.csv``, ``pareto.csv`` and ``pareto.png``."""
    (folder / "config.ini").write_text(material.config, encoding="utf-8")
    best = material.best
    content = {
        "format": "snntoolbox-search",
        "format_version": 1,
        "goal": material.goal,
        "chosen": material.chosen,
        "num_samples": best.num_samples,
        "agreement_over_time": list(best.agreement),
        "operations_over_time": list(best.operations),
        "trials": len(material.trials),
        "stopped_by_time_limit": material.stopped,
    }
    (folder / "search.json").write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    trials = ((t.options, t.num_samples, t.agreement[-1], t.operations[-1], t.seconds) for t in material.trials)
    _write(folder / "trials.csv", ("options", "num_samples", "agreement", "operations", "seconds"), trials)
    front = ((p.steps, p.agreement, p.operations, p.options) for p in material.front)
    _write(folder / "pareto.csv", ("steps", "agreement", "operations", "options"), front)
    with figure_style():
        save_figure(draw_front(material), folder / "pareto")


def draw_front(material: SearchMaterial) -> Figure:
    """Agreement with the ANN against steps and against operations: every trial, and the points that none beats."""
    figure = new_figure()
    figure.set_size_inches(9.0, 3.8)
    left, right = figure.subplots(1, 2, sharey=True)
    most = max(trial.num_samples for trial in material.trials)
    for trial in (trial for trial in material.trials if trial.num_samples == most):
        percent = [100 * value for value in trial.agreement]
        left.plot(range(1, len(percent) + 1), percent, color="#bbbbbb", linewidth=0.8)
        right.plot(trial.operations, percent, color="#bbbbbb", linewidth=0.8)
    best = [100 * value for value in material.best.agreement]
    left.plot(range(1, len(best) + 1), best, color=CATEGORIES[0], label="chosen")
    right.plot(material.best.operations, best, color=CATEGORIES[0])
    front = {"s": 12, "color": ANN, "zorder": 3, "label": "not beaten by any other"}
    left.scatter([p.steps for p in material.front], [100 * p.agreement for p in material.front], **front)
    right.scatter([p.operations for p in material.front], [100 * p.agreement for p in material.front], **front)
    left.set_ylabel("Decisions as by the ANN (%)")
    left.set_xlabel("Time steps")
    right.set_xlabel("Synaptic operations for one sample")
    right.xaxis.set_major_formatter(EngFormatter(sep=""))
    write_legend(left, loc="lower right")
    return figure


def _write(path: Path, header: Sequence[str], rows: Any) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
