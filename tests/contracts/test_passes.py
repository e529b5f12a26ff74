"""Every registered pass keeps what it promises, on networks of random structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import DeviationError, GraphError
from snntoolbox.ir import ops
from snntoolbox.ir.edit import rename, replace_ops
from snntoolbox.passes.append import append_op
from snntoolbox.passes.base import Pass
from snntoolbox.registry import PASSES
from snntoolbox.testing import check_pass, random_graph, random_samples
from snntoolbox.testing.passes import largest_activations

MAKERS = {
    "fold_batch_norm": lambda kind: kind(),
    "remove_identities": lambda kind: kind(),
    "replace_max_pooling": lambda kind: kind(),
    "replace_softmax": lambda kind: kind(),
    "rectify_outputs": lambda kind: kind(),
    "normalize_activations": lambda kind: lambda graph: kind(largest_activations(graph, random_samples(graph, 7))),
    "normalize_stacked_layers": lambda kind: lambda graph: kind(largest_activations(graph, random_samples(graph, 7))),
    "insert_neurons": lambda kind: kind(RateCode()),
    "relax_biases": lambda kind: kind(3.0),
    "clamp_layers": lambda kind: kind(3.0),
    "add_announcements": lambda kind: kind(),
    "add_latencies": lambda kind: kind(),
    "schedule_windows": lambda kind: kind(8),
    "quantize_weights": lambda kind: kind("Q2.4"),
    "compensate_rates": lambda kind: kind({}),
    "shift_biases": lambda kind: lambda graph: kind({n.name: 0.5 for n in graph.nodes if isinstance(n.op, ops.Relu)}),
    "set_potentials": lambda kind: kind({}),
    "scale_thresholds": lambda kind: kind({}),
    "hold_layers": lambda kind: kind({}),
    "change_weights": lambda kind: kind({}),
}


@pytest.mark.parametrize("name", PASSES.names())
def test_pass(name):
    kind = PASSES.load(name)
    assert kind.name == name
    # Only neurons of plain rectifiers relax; random networks have leaky ones too.
    graphs = [random_graph(seed, num_blocks=2) for seed in range(6)] if name == "relax_biases" else None
    check_pass(MAKERS[name](kind), graphs)


@dataclass(frozen=True)
class Broken(Pass):
    """Scales all weights of the first layer with any."""

    name: ClassVar[str] = "broken"
    preserves: ClassVar[str | None] = "function"

    def __call__(self, graph):
        node = next(n for n in graph.nodes if isinstance(n.op, ops.Conv | ops.Dense))
        weights = "kernel" if isinstance(node.op, ops.Conv) else "weight"
        return replace_ops(graph, {node.name: node.op.replace(**{weights: node.op.parameters()[weights] * 1.001})})


class NotFrozen(Broken):
    __dataclass_params__ = None


@dataclass(frozen=True)
class Random(Broken):
    preserves: ClassVar[str | None] = None

    def __call__(self, graph):
        return replace_ops(graph, {graph.nodes[1].name: ops.Affine(np.random.default_rng().normal(size=()))})


@dataclass(frozen=True)
class Shift(Broken):
    """Adds a constant inside and takes it away again."""

    preserves: ClassVar[str | None] = "scaled"

    def __call__(self, graph):
        name = graph.nodes[0].name
        graph = append_op(graph, name, ops.Affine(np.ones(()), np.ones(())), suffix="up")
        return append_op(graph, f"{name}_up", ops.Affine(np.ones(()), -np.ones(())), suffix="down")


@dataclass(frozen=True)
class ShiftInner(Shift):
    """Gives the shifted value the name of an inner node."""

    def __call__(self, graph):
        name = graph.nodes[1].name
        graph = append_op(graph, name, ops.Affine(np.ones(()), np.ones(())), suffix="up")
        graph = append_op(graph, f"{name}_up", ops.Affine(np.ones(()), -np.ones(())), suffix="down")
        return rename(graph, {name: "old", f"{name}_up": name})


@pytest.mark.parametrize(
    ("broken", "error", "message"),
    [
        (Broken(), DeviationError, "pass broken: output '.*' deviates by"),
        (NotFrozen(), GraphError, "expected a frozen dataclass"),
        (Random(), GraphError, "expected the same graph from the same graph"),
        (ShiftInner(), DeviationError, "node '.*' times its scale deviates"),
    ],
    ids=["function", "not frozen", "random", "not scaled"],
)
def test_the_contract_finds_faults(broken, error, message):
    with pytest.raises(error, match=message):
        check_pass(broken)


def test_what_keeps_the_values_is_scaled_by_one():
    check_pass(Shift())
