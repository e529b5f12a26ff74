"""The order of the passes, and how they are run and checked. No other module says which pass comes first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from snntoolbox.codes import SpikeCode
from snntoolbox.errors import DeviationError, SNNToolboxError, UnsupportedError
from snntoolbox.ir import Graph
from snntoolbox.ir.evaluate import evaluate, max_relative_deviation
from snntoolbox.ir.ops import PoolGate
from snntoolbox.ir.samples import Samples
from snntoolbox.neurons import FirstSpike, SoftmaxNeuron
from snntoolbox.passes.add_announcements import AddAnnouncements
from snntoolbox.passes.add_latencies import AddLatencies
from snntoolbox.passes.base import Pass
from snntoolbox.passes.clamp_layers import ClampLayers, RelaxBiases
from snntoolbox.passes.fold_batch_norm import FoldBatchNorm
from snntoolbox.passes.insert_neurons import InsertNeurons
from snntoolbox.passes.normalize_activations import NormalizeActivations
from snntoolbox.passes.quantize_weights import QuantizeWeights
from snntoolbox.passes.rectify_outputs import RectifyOutputs
from snntoolbox.passes.remove_identities import RemoveIdentities
from snntoolbox.passes.replace_max_pooling import ReplaceMaxPooling
from snntoolbox.passes.replace_softmax import ReplaceSoftmax
from snntoolbox.passes.schedule_windows import ScheduleWindows

__all__ = ["OutputComparison", "conversion_passes", "preparation_passes", "run_passes"]

Check = Callable[[Pass, Graph, Graph], None]
"""Called after each pass with the pass and the graphs before and after it."""


def preparation_passes(
    code: SpikeCode, *, max2avg_pool: bool = False, softmax_to_relu: bool = False, weight_format: str = ""
) -> tuple[Pass, ...]:
    """Return what is done to a parsed graph before calibration, in order.

    Args:
        code: Where it counts spikes at the output, rectifiers are put there.
        max2avg_pool: Replace max-pooling by average-pooling.
        softmax_to_relu: Replace a softmax at the output by rectifiers.
        weight_format: Round weights to this format Qm.f; empty for none.
    """
    output = code.output_neuron()
    counts_spikes = output.decides or (output.readout == "message" and not isinstance(output, SoftmaxNeuron))
    passes: list[Pass] = [RemoveIdentities()]
    if max2avg_pool:
        passes.append(ReplaceMaxPooling())
    if softmax_to_relu or counts_spikes:
        passes.append(ReplaceSoftmax())
    if counts_spikes:
        passes.append(RectifyOutputs())
    passes.append(FoldBatchNorm())
    if weight_format:
        passes.append(QuantizeWeights(weight_format))
    return tuple(passes)


def conversion_passes(
    code: SpikeCode,
    scales: Mapping[str, Any] | None,
    *,
    max_pool: PoolGate = "cumulative",
    clamp: Mapping[str, int] | None = None,
    scales_in: Literal["weights", "thresholds"] = "weights",
    clamp_delay: float = 0.0,
    relaxation_steps: float = 0.0,
) -> tuple[Pass, ...]:
    """Return what turns a prepared graph into a spiking one, in order.

    Args:
        code: What spikes mean.
        scales: Scale of each rectifier, from calibration of the prepared graph; None leaves activations as they are.
        max_pool: How spiking max-pooling finds the maximum.
        clamp: Name of a rectifier -> number of first steps in which its potentials are held.
        scales_in: Whether weights take the scales, or neurons, whose thresholds and messages are then in the ANN's
            units.
        clamp_delay: Steps by which each layer's potentials are held longer than those of the layer before.
        relaxation_steps: Steps by which each layer's biases take longer to set in than those of the layer before.
    """
    keep_head = code.output_neuron().readout == "potential" and not code.output_neuron().decides
    passes: list[Pass] = []
    if scales is not None and not code.keeps_units and scales_in == "weights":
        passes.append(NormalizeActivations(scales, keep_head))
    thresholds = scales if scales_in == "thresholds" else None
    passes.append(InsertNeurons(code, max_pool, clamp or {}, thresholds or {}))
    if relaxation_steps:
        passes.append(RelaxBiases(relaxation_steps))
    if clamp_delay:
        passes.append(ClampLayers(clamp_delay))
    if isinstance(code.neuron(), FirstSpike):
        passes.append(AddLatencies())
    if code.announces:
        passes.append(AddAnnouncements())
    if code.layered:
        passes.append(ScheduleWindows(code.input_window, code.named_layers))
    return tuple(passes)


def run_passes(graph: Graph, passes: Sequence[Pass], *, check: Check | None = None) -> Graph:
    """Return the graph after all passes.

    Args:
        graph: The graph before.
        passes: In order.
        check: Called after each pass; see `OutputComparison`.

    Raises:
        SNNToolboxError: What a pass or the check raises, of the same type, with the pass and those before it named.
    """
    for number, one in enumerate(passes):
        try:
            after = one(graph)
            if check is not None:
                check(one, graph, after)
        except SNNToolboxError as error:
            raise _with_place(error, _place(passes, number)) from error
        except Exception as error:
            error.add_note(_place(passes, number))
            raise
        graph = after
    return graph


def _place(passes: Sequence[Pass], number: int) -> str:
    before = ", ".join(one.name for one in passes[:number])
    return f"in pass {passes[number].name}" + (f" after {before}" if before else "")


def _with_place(error: SNNToolboxError, place: str) -> SNNToolboxError:
    if isinstance(error, UnsupportedError):
        return UnsupportedError(f"{place}: {error.summary}", error.problems)
    return type(error)(f"{place}: {error}")


class OutputComparison:
    """Check for `run_passes`: outputs before and after each pass that promises to keep them, on given samples.

    Attributes:
        deviations: Name of each compared pass -> largest deviation of an output, relative to the largest value.
    """

    def __init__(self, samples: Samples, tolerance: float, *, batch_size: int = 64) -> None:
        """Take the samples (as for `snntoolbox.ir.evaluate.evaluate`) and the largest deviation accepted."""
        self._samples, self._tolerance, self._batch_size = samples, tolerance, batch_size
        self._known: tuple[Graph, Any] | None = None
        self.deviations: dict[str, float] = {}

    def __call__(self, one: Pass, before: Graph, after: Graph) -> None:
        """Compare.

        Raises:
            DeviationError: Outputs deviate by more than the tolerance.
        """
        if one.preserves not in ("function", "scaled"):
            return
        expected, received = self._outputs(before), self._outputs(after)
        deviation = max_relative_deviation(expected, received)
        self.deviations[one.name] = deviation
        if not deviation <= self._tolerance:
            raise DeviationError(
                f"outputs deviate by {deviation:.3g} of their largest value, expected at most {self._tolerance:.3g}. "
                "The network may be at the edge of float32, or the pass has a fault; please report it with the model."
            )

    def _outputs(self, graph: Graph) -> list[Any]:
        """Return the outputs of a graph, without computing those of the last one again."""
        if self._known is None or self._known[0] is not graph:
            nodes = tuple(dict.fromkeys(graph.outputs))
            values = evaluate(graph, self._samples, batch_size=self._batch_size, nodes=nodes)
            self._known = graph, [values[name] for name in graph.outputs]
        outputs: list[Any] = self._known[1]
        return outputs
