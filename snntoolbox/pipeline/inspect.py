"""What the command line shows without simulating: a check of config, model and data; every option; every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.table import Table

from snntoolbox.config.effective import effective_options
from snntoolbox.config.load import load
from snntoolbox.errors import Problem, SNNToolboxError
from snntoolbox.registry import BACKENDS, CODES, FRONTENDS, PASSES, Registry

__all__ = ["check", "list_parts", "show_config"]


def _out() -> RichConsole:
    return RichConsole(highlight=False, soft_wrap=False)


def _table(title: str, *columns: str) -> Table:
    """Return an empty table whose cells break lines rather than lose text."""
    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def show_config(path: str | Path, overrides: Mapping[str, object]) -> None:
    """Print every option with its value and where the value comes from."""
    table = _table("effective configuration", "option", "value", "from")
    section = ""
    for row in effective_options(load(path, overrides)):
        if row.section != section:
            section = row.section
            table.add_section()
            table.add_row(f"[bold]\\[{section}][/bold]", "", "")
        style = "" if row.origin == "default" else "green"
        table.add_row(f"  {row.option}", escape(row.value), escape(row.origin), style=style)
    _out().print(table)


def list_parts() -> None:
    """Print frontends, spike codes, passes and backends, and for each backend whether it can run here."""
    table = _table("what can be chosen by name", "kind", "name", "also called", "state")
    for registry in (FRONTENDS, CODES, PASSES, BACKENDS):
        table.add_section()
        kind = registry.kind
        for name in registry.names():
            others = ", ".join(alias for alias, target in registry.aliases.items() if target == name)
            table.add_row(kind, name, others, escape(_state(registry, name)))
            kind = ""
    _out().print(table)


def _state(registry: Registry, name: str) -> str:
    try:
        part: Any = registry.load(name)
        reason = part.why_unavailable() if registry is BACKENDS else None
    except SNNToolboxError as error:
        reason = str(error)
    origin = "" if name in registry.builtins else f" (plug-in {registry.plugins()[name].value})"
    return (f"not available: {reason}" if reason else "available") + origin


def check(path: str | Path, overrides: Mapping[str, object]) -> bool:
    """Check config, model and data as far as possible without simulating, and print all that was found.

    Returns:
        Whether a run can be expected to work.
    """
    from snntoolbox.pipeline.console import Console
    from snntoolbox.pipeline.examine import examine

    out = _out()
    settings = load(path, overrides)
    console = Console(0)
    with console.logging():
        finding = examine(settings)
    if finding.table is not None:
        out.print(finding.table)
    _print_problems(out, "[yellow]worth a look[/yellow]", (*finding.warnings, *console.warnings))
    _print_problems(out, "[red]cannot run[/red]", finding.problems)
    if not finding.problems:
        out.print("[green]The configuration, the network and the data fit each other.[/green]")
    return not finding.problems


def _print_problems(out: RichConsole, title: str, problems: Sequence[Problem | str]) -> None:
    if problems:
        out.print(f"{title}:")
        for problem in problems:
            out.print(f"  - {escape(str(problem))}")
