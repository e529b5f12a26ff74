"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from snntoolbox.analysis.results import Accuracy, Operations, Results, RunInfo
from snntoolbox.ir import Graph
from snntoolbox.report.material import Material
from snntoolbox.report.summary import facts
from snntoolbox.report.tables import graph_table, layer_table, summary_tables


def printed(*tables: Table, width: int = 120) -> str:
    console = Console(width=width, record=True, color_system=None)
    with console.capture() as capture:
        for table in tables:
            console.print(table)
    return capture.get().replace("\u00a0", " ").replace("\u2009", " ")


def test_summary_has_networks_side_by_side(material: Material) -> None:
    text = printed(*summary_tables(material.results))
    accuracy = material.results.accuracy
    assert accuracy.snn is not None and accuracy.ann is not None
    assert "SNN accuracy" in text and f"{100 * accuracy.snn:.2f} %" in text and f"{100 * accuracy.ann:.2f} %" in text
    assert "Top-2 accuracy" in text and "Operations for one sample" in text
    header = next(line for line in text.splitlines() if "ANN" in line and "parsed" in line)
    assert header.split() == ["ANN", "parsed", "SNN"]


@pytest.mark.parametrize(("ratio", "text"), [(0.0521, "0.0521"), (2.0, "2.00"), (13.43, "13.4"), (1234.5, "1234")])
def test_ratio_of_operations_has_three_digits(ratio: float, text: str) -> None:
    results = Results(RunInfo(), 1, 1, 1.0, operations=Operations(100, 1.0, snn_total=1.0, ratio=ratio))
    (fact,) = [fact for fact in facts(results) if fact.name == "Operations, SNN / ANN"]
    assert fact.value == text
    bound = replace(results, operations=replace(results.operations, upper_bound=True))
    assert [fact.value for fact in facts(bound) if fact.name == "Operations, SNN / ANN"] == [f"≤ {text}"]


def test_summary_leaves_out_what_is_not_known() -> None:
    text = printed(*summary_tables(Results(RunInfo("x"), 5, 0, 0.0, Accuracy(parsed=0.5))))
    assert "SNN" not in text and "50.00 %" in text and "Top-1" not in text
    assert summary_tables(Results(RunInfo(), 0, 0, 1.0)) == []


def test_layer_table_keeps_names_with_brackets(build_results: Callable[..., Results]) -> None:
    text = printed(layer_table(build_results(), simple_labels=False), width=80)
    assert max(map(len, text.splitlines())) <= 80 and "Saturated" in text
    assert "layer[0]" in text and "layer[1]" in text and "readout" in text


def test_graph_table_lists_every_node_and_the_sums(spiking_graph: Graph) -> None:
    text = printed(graph_table(spiking_graph, "Network"))
    for node in spiking_graph.nodes:
        assert node.name in text
    assert "Spiking(IntegrateAndFire)" in text and "4×4×1" in text
    footer = text.splitlines()[-2]
    # Conv 2x2 places x 9 x 2, Dense 8 x 8 and 8 x 4; neurons 8 + 8 + 4; parameters 18 + 2 + 64 + 32
    assert [part.strip() for part in footer.strip("│").split("│")] == ["9 nodes", "", "", "116", "20", "168"]


def test_long_names_are_folded_and_not_cut(spiking_graph: Graph) -> None:
    text = printed(graph_table(spiking_graph), width=60)
    assert "…" not in text
