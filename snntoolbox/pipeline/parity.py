"""One converted network on several backends: what ``snntoolbox --parity`` does."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console as RichConsole
from rich.table import Table
from rich.text import Text

from snntoolbox.backends.base import Backend
from snntoolbox.config.load import load, replace
from snntoolbox.config.settings import Settings
from snntoolbox.errors import RunError
from snntoolbox.pipeline import convert_network, read_network, stages
from snntoolbox.pipeline.console import Console
from snntoolbox.registry import BACKENDS
from snntoolbox.report.run_folder import run_folder
from snntoolbox.testing.parity import Parity, compare_backends

__all__ = ["compare", "print_parity"]

PLAIN = {
    "simulation.simulator": "reference",
    "tools.evaluate_ann": "False",
    "tools.simulate": "True",
    "parameter_sweep.param_values": "",
}
"""A network for all backends: rewritten for none of them, and only one."""


def compare(config: str | Path, backends: Sequence[str], overrides: Mapping[str, object] | None = None) -> Parity:
    """Convert the network of a config as a run does, and simulate its test samples on several backends.

    Every batch starts fresh. Each backend has the options of its own section. The numbers are also written to
    ``parity/parity.json`` and ``parity/layers.csv`` in the run folder.

    Args:
        config: INI file.
        backends: Registered names; ``all`` for every backend that is installed. The reference is always the first.
        overrides: ``{"section.option": value}``, over what the file says.

    Raises:
        ConfigError: The config has mistakes; all are listed.
        RegistryError: No backend has one of the names.
        SNNToolboxError: The network cannot be read or converted.
    """
    settings = replace(load(config, overrides or {}), PLAIN)
    chosen = [_backend(settings, name) for name in _names(backends)]
    console, deviation = Console(settings.output.verbose), dict[str, float]()
    folder = settings.paths.log_dir_of_current_run / "parity"
    with console.logging(), run_folder(folder, overwrite=settings.output.overwrite) as draft:
        with console.stage("load"):
            source = stages.find_source(settings) if settings.tools.parse else None
        with console.stage("parse"):
            networks, samples = read_network(settings, source, deviation)
        with console.stage("convert"):
            networks = convert_network(settings, networks, samples, console, deviation)
        if networks.spiking is None or samples.test is None:
            raise RunError("there is no spiking network to compare, or no sample to simulate")
        parity = compare_backends(
            networks.spiking,
            samples.test.array(),
            chosen,
            num_steps=settings.simulation.num_steps,
            labels=samples.test.classes,
            batch_size=settings.simulation.batch_size,
            seed=settings.simulation.seed,
            dt_ms=settings.simulation.dt,
            code=stages.encoding_code(settings, networks.spiking),
            on_start=console.announce,
        )
        _write(parity, draft)
    return parity


def print_parity(parity: Parity) -> None:
    """Print the backends, their layers, and who could not run or may differ."""
    out = RichConsole(highlight=False)
    title = f"{parity.num_samples} samples, {parity.num_steps} steps"
    out.print(_table(title, parity.table()))
    out.print(_table("spikes more or fewer than the reference", parity.layer_table()))
    for one in parity.backends:
        if one.problem:
            out.print(Text(f"{one.backend} cannot run: {one.problem}", "red"))
        elif one.rule and one.different:
            out.print(Text(f"{one.backend} may differ: {one.rule}", "yellow"))
        elif not one.passed:
            out.print(Text(f"{one.backend}: {one.unexplained} spike counts differ and are no ties", "red"))


def _names(given: Sequence[str]) -> list[str]:
    """Return registered names without repetitions, and without the reference, which is always there."""
    names = dict.fromkeys(BACKENDS.canonical(name) for name in given if name.lower() != "all")
    if any(name.lower() == "all" for name in given):
        names |= dict.fromkeys(n for n in BACKENDS.names() if BACKENDS.load(n).why_unavailable() is None)
    return [name for name in names if name != "reference"]


def _backend(settings: Settings, name: str) -> str | Backend:
    """Return a backend with its own options; its name if it cannot be used here, which the comparison reports."""
    if BACKENDS.load(name).why_unavailable() is not None:
        return name
    return stages.make_backend(settings, name)


def _table(title: str, rows: list[list[str]]) -> Table:
    titles, *body = rows
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(titles):
        table.add_column(Text(name), justify="right" if number else "left", overflow="fold")
    for row in body:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _write(parity: Parity, folder: Path) -> None:
    (folder / "parity.json").write_text(json.dumps(parity.to_dict(), indent=1), "utf-8")
    with (folder / "layers.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("backend", "layer", "spikes", "spikes_of_reference", "neurons_that_differ", "no_ties"))
        for one in parity.backends:
            for layer in one.layers:
                numbers = (layer.spikes, layer.expected, layer.different, layer.unexplained)
                writer.writerow((one.backend, layer.layer, *numbers))
