"""The part of a report that shows a run on the emulated Loihi chip: tables, figures and files."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from snntoolbox.backends.loihi.account import ChipDetails
from snntoolbox.backends.loihi.energy import load_profile
from snntoolbox.backends.loihi.partition.usage import RESOURCES
from snntoolbox.report import loihi
from snntoolbox.report.material import Material
from snntoolbox.report.quality import error_curve
from snntoolbox.report.wording import short_number

__all__ = [
    "DetailTable",
    "chip",
    "chip_caption",
    "costs",
    "costs_caption",
    "detail_tables",
    "error_against_product",
    "error_against_product_caption",
    "stage_accuracies",
    "traffic",
    "traffic_caption",
    "usage",
    "usage_caption",
    "write_details",
]


@dataclass(frozen=True)
class DetailTable:
    """A table of a report.

    Attributes:
        title: Heading.
        header: Names of the columns.
        rows: Cells as text.
        note: What one has to know to read it.
    """

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str = ""


def _details(material: Material) -> ChipDetails | None:
    return material.details if isinstance(material.details, ChipDetails) else None


def chip(material: Material) -> Figure | None:
    """Draw the chips with their cores."""
    found = _details(material)
    return None if found is None else loihi.draw_chip(found.compiled.layout)


def chip_caption(material: Material) -> str:
    """What the picture of the chip shows."""
    found = _details(material)
    layout = None if found is None else found.compiled.layout
    text = "Squares are tiles of four cores, joined by the mesh. A core has color and number of the layers on it."
    return text if layout is None else f"{text} {layout.num_cores} cores are in use."


def usage(material: Material) -> Figure | None:
    """Draw what the cores use."""
    found = _details(material)
    return None if found is None else loihi.draw_usage(found.compiled.layout)


def usage_caption(material: Material) -> str:
    """What the picture of the resources shows."""
    del material
    return "Share of each resource that is in use, with the cores sorted for each resource on its own."


def traffic(material: Material) -> Figure | None:
    """Draw who sends to whom."""
    found = _details(material)
    if found is None:
        return None
    mapping = found.compiled.mapping
    return loihi.draw_traffic(found.activity, found.samples, mapping.core, mapping.cores_per_chip)


def traffic_caption(material: Material) -> str:
    """What the traffic map shows."""
    found = _details(material)
    text = (
        "Messages from core to core in a step of one sample; white: none. Cores count from the output; lines divide "
        "chips."
    )
    if found is None:
        return text
    messages = float(found.activity.messages.sum()) / max(found.samples, 1)
    return f"{text} A sample takes {short_number(messages)} messages."


def costs(material: Material) -> Figure | None:
    """Draw where energy and time go."""
    found = _details(material)
    return None if found is None else loihi.draw_costs(list(found.energy.values()))


def costs_caption(material: Material) -> str:
    """What the breakdown shows."""
    del material
    return (
        "What energy and time of one sample consist of in each profile, with the sum behind the bar. Static energy is "
        "that of idle chips over the time; overhead is "
        "what a profile adds to each step to meet a measurement."
    )


def error_against_product(material: Material) -> Figure | None:
    """Draw the error against the energy-delay product over the time steps."""
    found, curve = _details(material), error_curve(material.results)
    if found is None or curve is None:
        return None
    length = min(len(curve.values), *(len(points) for points in found.curves.values()))
    curves = {
        name: (points[:length, 0] * points[:length, 1] * 1e-3, curve.values[:length])
        for name, points in found.curves.items()
    }
    return loihi.draw_error_against_product(curves, label=curve.label)


def error_against_product_caption(material: Material) -> str:
    """What the curve shows."""
    del material
    return (
        "Each point is the error after one more time step, and what energy times time of a sample have come to until "
        "then (Rueckauer 2020, figure 3.10)."
    )


def detail_tables(material: Material) -> list[DetailTable]:
    """Return the tables of a run on the chip; none for other simulators."""
    found = _details(material)
    if found is None:
        return []
    tables = [_layers(found), _costs(found)]
    stages = _stages(found, material)
    return [*tables, stages] if stages.rows else tables


def _layers(found: ChipDetails) -> DetailTable:
    reports = {report.name: report for report in found.compiled.reports}
    header = ("Layer", "Neurons", "Blocks", "Compartments", "Input axons", "Output axons", "Memory", "Threshold",
              "Rounding", "Zeroed", "Charge", "Overflows")  # fmt: skip
    rows = []
    layout, mapping = found.compiled.layout, found.compiled.mapping
    for row in loihi.usage_table(layout):
        name = str(row["layer"])
        report, likely = reports.get(name), found.compiled.largest_charge.get(name)
        rounding = ("", "", "") if report is None else (
            " to ".join(map(str, dict.fromkeys(report.thresholds))),
            f"{100 * report.weight_error:.2f} %",
            f"{100 * report.zeroed:.2f} %",
        )  # fmt: skip
        shares = (f"{row[key]} %" for key in ("compartments", "input axons", "output axons", "synaptic memory"))
        rows.append((
            name, str(layout.network[name].size), str(row["cores"]), *shares, *rounding,
            "" if likely is None else f"{100 * likely:.0f} %",
            str(int(found.activity.wrapped[mapping.layer(name).charged].sum())),
        ))  # fmt: skip
    chips = f"{layout.num_chips} chip{'s' if layout.num_chips > 1 else ''}"
    note = (
        "Shares are those of the fullest block. Threshold: in integer steps, smallest to largest channel. Rounding: "
        "root mean square of the rounding errors over that of the weights. Charge: what a step rarely exceeds, over "
        "what an accumulator holds. Overflows: accumulators that wrapped, all samples and steps together."
    )
    return DetailTable(f"Loihi: {layout.num_cores} cores on {chips}", header, rows, note)


def _costs(found: ChipDetails) -> DetailTable:
    energies = {"Synapses": "synapse_uj", "Updates": "update_uj", "Spikes": "spike_uj", "Hops": "hop_uj",
                "Static": "static_uj", "Energy (µJ)": "energy_uj"}  # fmt: skip
    times = {"Computing": "compute_ms", "Ways": "communication_ms", "Barrier": "barrier_ms",
             "Overhead": "overhead_ms", "Time (ms)": "time_ms"}  # fmt: skip
    columns = {**energies, **times, "Power (mW)": "power_mw", "Product (µJs)": "energy_delay_product_ujs"}
    rows, notes = [], []
    for name, report in found.energy.items():
        values = report.as_dict()
        rows.append((name, *(short_number(float(values[key])) for key in columns.values())))
        profile = load_profile(name)
        notes.append(
            f"{name}: {profile.source} Barrier {profile.barrier_kind}; static power {profile.static_kind}; overhead "
            f"{profile.overhead_kind}."
        )
    note = "Of one sample: energies in µJ, times in ms; power is the mean. " + " ".join(notes)
    return DetailTable("Loihi: energy and time", ("Profile", *columns), rows, note)


def _stages(found: ChipDetails, material: Material) -> DetailTable:
    agreement, right = found.compiled.agreement, stage_accuracies(found, material)
    first = next(iter(right.values()), None)
    rows: list[tuple[str, ...]] = []
    for stage in dict.fromkeys([*right, *agreement]):
        same, accuracy = agreement.get(stage), right.get(stage)
        lost = None if accuracy is None or first is None else accuracy - first
        rows.append((
            stage,
            "" if same is None else f"{100 * same:.1f} %",
            "" if accuracy is None else f"{100 * accuracy:.2f} %",
            "" if not lost else f"{100 * lost:+.2f}".replace("-", "\N{MINUS SIGN}"),
        ))  # fmt: skip
    note = (
        "What each stage of the discretisation costs, with rates in place of spikes, and what spikes on the chip cost. "
        "Same class: share of the normalisation samples that are put into the class of the converted network. "
        "Accuracy: of the test samples; points: what it differs from that of the first row."
    )
    return DetailTable("Loihi: discretisation", ("Stage", "Same class", "Accuracy", "Points"), rows, note)


def stage_accuracies(found: ChipDetails, material: Material) -> dict[str, float]:
    """Return stage of the discretisation -> share of the test samples classified right; empty without labels.

    The ANN comes first where it is known, and spikes on the chip come last.
    """
    labels = material.labels_of_samples
    if labels is None or not found.decisions or len(labels) < found.samples:
        return {}
    right = {stage: float(np.mean(chosen == labels[: len(chosen)])) for stage, chosen in found.decisions.items()}
    accuracy = material.results.accuracy
    before = {} if accuracy.ann is None else {"ANN": accuracy.ann}
    after = {} if accuracy.snn is None else {"spikes on the chip": accuracy.snn}
    return before | right | after


def write_details(folder: Path, material: Material) -> None:
    """Write `loihi.json` and `loihi_cores.csv` of a run on the chip; nothing for other simulators."""
    found = _details(material)
    if found is None:
        return
    layout = found.compiled.layout
    content: dict[str, Any] = {
        "cores": layout.num_cores,
        "chips": layout.num_chips,
        "samples": found.samples,
        "layers": loihi.usage_table(layout),
        "agreement": dict(found.compiled.agreement),
        "accuracy": stage_accuracies(found, material),
        "largest_charge": dict(found.compiled.largest_charge),
        "overflows": int(found.activity.wrapped.sum()),
        "energy": {name: report.as_dict() for name, report in found.energy.items()},
    }
    (folder / "loihi.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    owners: dict[int, list[str]] = {}
    for name, cores in layout.core.items():
        for core in np.unique(cores):
            owners.setdefault(int(core), []).append(name)
    with (folder / "loihi_cores.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["core", "chip", "layers", *RESOURCES])
        for core, row in layout.core_usage().items():
            chip_number = core // layout.limits.cores_per_chip
            writer.writerow([core, chip_number, " ".join(owners[core]), *map(int, row)])
