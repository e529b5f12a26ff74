"""The order of the passes, what a failure says, and the comparison of outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from snntoolbox.codes.rate import RateCode
from snntoolbox.errors import ConversionError, DeviationError, GraphError, Problem, UnsupportedError
from snntoolbox.ir import ops
from snntoolbox.ir.edit import replace_ops
from snntoolbox.passes.base import Pass
from snntoolbox.passes.pipeline import OutputComparison, conversion_passes, preparation_passes, run_passes

FC = ops.Dense(np.eye(3))


def order(passes):
    return [one.name for one in passes]


@pytest.mark.parametrize(
    ("code", "options", "expected"),
    [
        (RateCode(), {}, "remove_identities fold_batch_norm"),
        (RateCode(), {"max2avg_pool": True}, "remove_identities replace_max_pooling fold_batch_norm"),
        (RateCode(), {"softmax_to_relu": True}, "remove_identities replace_softmax fold_batch_norm"),
        (
            RateCode(output="spikes"),
            {},
            "remove_identities replace_softmax rectify_outputs fold_batch_norm",
        ),
        (RateCode(output="softmax_clock"), {}, "remove_identities fold_batch_norm"),
    ],
)
def test_preparation(code, options, expected):
    assert order(preparation_passes(code, **options)) == expected.split()


def test_conversion():
    assert order(conversion_passes(RateCode(), None)) == ["insert_neurons"]
    normalize, insert = conversion_passes(RateCode(), {"r": 2.0}, max_pool="fir_max", clamp={"r": 3})
    assert normalize.scales == {"r": 2.0} and normalize.keep_head
    assert insert.max_pool == "fir_max" and insert.clamp == {"r": 3}
    assert not conversion_passes(RateCode(output="spikes"), {"r": 2.0})[0].keep_head


@dataclass(frozen=True)
class Scale(Pass):
    """Multiply the weights: changes the function, but says it does not."""

    factor: float
    name: ClassVar[str] = "scale"
    preserves: ClassVar[str | None] = "function"

    def __call__(self, graph):
        return replace_ops(graph, {"fc": ops.Dense(graph["fc"].op.weight * self.factor)})


@dataclass(frozen=True)
class Fail(Pass):
    error: Exception
    name: ClassVar[str] = "fail"
    preserves: ClassVar[str | None] = "function"

    def __call__(self, graph):
        raise self.error


@dataclass(frozen=True)
class Announced(Scale):
    """The same, and says so."""

    name: ClassVar[str] = "announced"
    preserves: ClassVar[str | None] = None


def test_a_failure_names_the_pass_and_those_before(chain):
    graph = chain((3,), fc=FC)
    with pytest.raises(GraphError, match=r"^in pass fail after scale, announced: no good$"):
        run_passes(graph, [Scale(2.0), Announced(2.0), Fail(GraphError("no good"))])
    with pytest.raises(ConversionError, match=r"^in pass fail: no good$"):
        run_passes(graph, [Fail(ConversionError("no good"))])


def test_problems_stay_a_list(chain):
    problem = Problem("node 'a'", "wrong")
    with pytest.raises(UnsupportedError, match=r"^in pass fail: refused:") as caught:
        run_passes(chain((3,), fc=FC), [Fail(UnsupportedError("refused:", [problem]))])
    assert caught.value.problems == (problem,)


def test_faults_in_a_pass_are_noted(chain):
    with pytest.raises(ZeroDivisionError) as caught:
        run_passes(chain((3,), fc=FC), [Scale(1.0), Fail(ZeroDivisionError("oops"))])
    assert caught.value.__notes__ == ["in pass fail after scale"]


def test_the_check_sees_each_pass_with_both_graphs(chain):
    seen = []
    graph = chain((3,), fc=FC)
    after = run_passes(graph, [Scale(2.0), Scale(3.0)], check=lambda *call: seen.append(call))
    assert [one.factor for one, _, _ in seen] == [2.0, 3.0]
    assert seen[0][1] is graph and seen[0][2] is seen[1][1] and seen[1][2] is after


def test_outputs_are_compared(chain, rng):
    graph, x = chain((3,), fc=FC, out=ops.Relu()), rng.normal(size=(10, 3))
    comparison = OutputComparison(x, tolerance=0.01)
    run_passes(graph, [Scale(1.001)], check=comparison)
    assert comparison.deviations["scale"] == pytest.approx(0.001, rel=0.01)
    with pytest.raises(DeviationError, match=r"in pass scale: outputs deviate by 0.1 of .* at most 0.01"):
        run_passes(graph, [Scale(1.1)], check=comparison)


def test_passes_that_announce_a_change_are_not_compared(chain, rng):
    comparison = OutputComparison(rng.normal(size=(10, 3)), tolerance=1e-4)
    run_passes(chain((3,), fc=FC), [Announced(2.0), Scale(1.0)], check=comparison)
    assert comparison.deviations == {"scale": 0.0}


def test_values_that_are_no_numbers_are_a_deviation(chain, rng):
    comparison = OutputComparison(rng.normal(size=(10, 3)), tolerance=1e-4)
    with pytest.raises(DeviationError):
        run_passes(chain((3,), fc=FC), [Scale(np.nan)], check=comparison)
