"""From batches to `Results`: takes what each simulated batch gave and keeps sums, never the data set's neurons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from snntoolbox.analysis.activation_values import ActivationCounter
from snntoolbox.analysis.correlation import first_deviating_layer
from snntoolbox.analysis.early_exit import ExitCounter
from snntoolbox.analysis.latency import settling_step
from snntoolbox.analysis.layers import LayerCollector
from snntoolbox.analysis.metric import Metric, MetricCollector
from snntoolbox.analysis.operation_counter import OperationCounter, named_stimuli
from snntoolbox.analysis.operation_kinds import ann_counts
from snntoolbox.analysis.operations import ann_operations, operation_weights
from snntoolbox.analysis.propagation import PropagationCounter
from snntoolbox.analysis.regression import OutputErrors
from snntoolbox.analysis.results import Accuracy, Latency, Operations, Results, RunInfo
from snntoolbox.analysis.scores import AgreementCounter, ScoreCounter, are_scores
from snntoolbox.backends.readout import EarlyExit, extended
from snntoolbox.backends.record import Probes, Record
from snntoolbox.codes import Stimulus
from snntoolbox.errors import SimulationError
from snntoolbox.ir import Graph

__all__ = ["Batch", "Collector"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Batch:
    """What is known of one batch; anything may be missing.

    Attributes:
        record: What the simulation gave.
        labels: Class of each sample, integers (batch,).
        targets: Values to reach, (batch, ...).
        ann_outputs: First output of the source network, (batch, *shape).
        parsed_outputs: First output of the parsed graph, (batch, *shape).
        activations: Layer of neurons -> activations of the normalised graph, (batch, *shape).
        stimulus: Input of the network, or input node -> its input; needed to count operations of input spikes.
    """

    record: Record | None = None
    labels: Array | None = None
    targets: Array | None = None
    ann_outputs: Array | None = None
    parsed_outputs: Array | None = None
    activations: Mapping[str, Array] = field(default_factory=dict)
    stimulus: Stimulus | Mapping[str, Stimulus] | None = None

    def __len__(self) -> int:
        """Return the number of samples."""
        known = (self.record, self.ann_outputs, self.parsed_outputs, self.labels, self.targets)
        return next((len(one) for one in known if one is not None), 0)

    @property
    def reference(self) -> Array | None:
        """Outputs of the ANN, or else of the parsed graph."""
        return self.parsed_outputs if self.ann_outputs is None else self.ann_outputs


class Collector:
    """Sums up batches. Memory does not grow with their number.

    Args:
        graph: The converted graph that is simulated; None if nothing is.
        ann: The network before conversion, whose operations are counted; None to count those of ``graph``.
        top_k: How many classes count for the top-k accuracies.
        seed: Seed of the simulation, from which random input is replayed.
        num_points: Points a layer keeps for scatter plots.
        metric: A measure of the user's own; needs all outputs in memory.
        coding_bits: Width that activations are rounded to for comparing codes; 0 compares none.
    """

    def __init__(
        self,
        graph: Graph | None,
        *,
        ann: Graph | None = None,
        top_k: int = 1,
        seed: int = 0,
        num_points: int = 2000,
        metric: Metric | None = None,
        coding_bits: int = 0,
    ) -> None:
        self._graph, self._ann, self._seed, self._k = graph, ann, seed, top_k
        self._operations = None if graph is None else OperationCounter(graph, ann, seed)
        fan_outs = {} if self._operations is None else self._operations.fan_outs
        self._layers = None if graph is None else LayerCollector(graph, fan_outs, num_points, seed)
        self._scores = {stage: ScoreCounter(top_k) for stage in ("ann", "parsed", "snn")}
        self._agreement = AgreementCounter()
        self._errors = {key: OutputErrors() for key in ("snn_vs_ann", "snn_vs_targets", "ann_vs_targets")}
        self._metric = None if metric is None else MetricCollector(metric)
        self._coding = ActivationCounter(coding_bits) if coding_bits else None
        self._exits: ExitCounter | None = None
        self._propagation = None if graph is None else PropagationCounter(graph, seed)
        self._num_samples = 0
        self._steps: tuple[int, float] = (0, 0.0)

    @property
    def probes(self) -> Probes:
        """What a simulation must record for the results; add to it what else is wanted."""
        return Probes(totals={} if self._graph is None else operation_weights(self._graph))

    def probes_for(self, batch_size: int, num_steps: int) -> Probes:
        """Return `probes` and, as far as memory allows, what makes operations behind max-pooling exact in every step.

        Args:
            batch_size: Number of samples of the largest batch.
            num_steps: Number of steps.
        """
        return Probes() if self._operations is None else self._operations.probes(batch_size, num_steps)

    def expect_early_exit(self, rule: EarlyExit, num_steps: int) -> None:
        """Take batches that are simulated with early exit, and so perhaps for fewer than ``num_steps`` steps."""
        self._exits = None if self._graph is None else ExitCounter(self._graph, rule, num_steps)

    def add(self, batch: Batch) -> None:
        """Add a batch.

        Raises:
            DataError: Labels, targets or activations do not fit the outputs or layers.
            SimulationError: The batch was simulated for another number or length of steps than those before.
        """
        self._num_samples += len(batch)
        for stage, outputs in (("ann", batch.ann_outputs), ("parsed", batch.parsed_outputs)):
            if outputs is not None and batch.labels is not None and are_scores(outputs):
                self._scores[stage].add(outputs, batch.labels)
        if self._metric is not None:
            snn = None if batch.record is None else batch.record.output
            targets = batch.targets if batch.labels is None else batch.labels
            self._metric.add(snn=snn, ann=batch.reference, targets=targets)
        if batch.targets is not None and batch.reference is not None:
            self._errors["ann_vs_targets"].add(batch.reference, batch.targets)
        if self._coding is not None:
            self._coding.add(batch.activations)
        if batch.record is not None:
            record = batch.record
            if self._exits is not None:
                self._exits.add(record, batch.labels)
                record = extended(record, self._exits.num_steps)
            self._add_record(batch, record)

    def _add_record(self, batch: Batch, record: Record) -> None:
        steps = (record.num_steps, record.dt_ms)
        if self._steps not in ((0, 0.0), steps):
            raise SimulationError(f"expected a batch of {self._steps} (steps, ms) as those before, got {steps}")
        self._steps = steps
        over_time = record.output_over_time if record.outputs_over_time else None
        if are_scores(record.output) and batch.targets is None:  # with targets, outputs are values, no scores
            if batch.labels is not None:
                self._scores["snn"].add(record.output, batch.labels, over_time)
            if batch.reference is not None:
                self._agreement.add(record.output, batch.reference, over_time)
        for key, reference in (("snn_vs_ann", batch.reference), ("snn_vs_targets", batch.targets)):
            if reference is not None:
                self._errors[key].add(record.output, reference, over_time)
        if self._layers is not None and self._operations is not None:
            self._layers.add(record, batch.activations)
            self._operations.add(record, batch.stimulus)
        if self._graph is not None and self._propagation is not None:
            self._propagation.add(record, batch.activations, named_stimuli(self._graph, batch.stimulus))

    def results(self, run: RunInfo | None = None) -> Results:
        """Return the numbers of all batches so far."""
        num_steps, dt_ms = self._steps
        accuracy = self._accuracy()
        layers = self._layers.result() if self._layers is not None and num_steps else {}
        errors = {key: one.result() for key, one in self._errors.items()}
        curves = {key: one.mse_over_time for key, one in self._errors.items()}
        return Results(
            run=run or RunInfo(seed=self._seed),
            num_samples=self._num_samples,
            num_steps=num_steps,
            dt_ms=dt_ms,
            accuracy=accuracy,
            operations=self._count_operations(),
            latency=_latency(accuracy),
            errors={key: error for key, error in errors.items() if error is not None},
            metric={} if self._metric is None else self._metric.result(),
            mse_over_time={key: curve for key, curve in curves.items() if curve is not None},
            layers=layers,
            exits=None if self._exits is None else self._exits.result(),
            propagation=None if self._propagation is None else self._propagation.result(),
            coding=None if self._coding is None else self._coding.result(),
            first_deviating_layer=first_deviating_layer({name: layer.comparison for name, layer in layers.items()}),
        )

    def _count_operations(self) -> Operations:
        if self._operations is not None:
            return self._operations.result()
        if self._ann is None:
            return Operations()
        return Operations(ann=ann_operations(self._ann), ann_counts=ann_counts(self._ann))

    def _accuracy(self) -> Accuracy:
        results = {stage: counter.result() for stage, counter in self._scores.items()}
        scores = {stage: score for stage, score in results.items() if score is not None}
        snn = scores.get("snn")
        return Accuracy(
            **{stage: score.accuracy for stage, score in scores.items()},
            **{f"{stage}_top_k": score.top_k for stage, score in scores.items()},
            k=self._k,
            snn_over_time=snn.over_time if snn else None,
            snn_top_k_over_time=snn.top_k_over_time if snn else None,
            class_average={stage: score.class_average for stage, score in scores.items()},
            per_class={stage: score.per_class for stage, score in scores.items()},
            confusion={stage: score.confusion for stage, score in scores.items()},
            snn_interval_95=snn.interval if snn else None,
            undecided=snn.undecided if snn else None,
            agreement=self._agreement.share,
            agreement_over_time=self._agreement.over_time,
        )


def _latency(accuracy: Accuracy, tolerance: float = 0.01) -> Latency | None:
    """Return when the spiking network has settled; None if its accuracy over time is not known."""
    curve, final = accuracy.snn_over_time, accuracy.snn
    if curve is None or final is None:
        return None
    target = accuracy.parsed if accuracy.ann is None else accuracy.ann
    to_ann = None if target is None else settling_step(curve, target, tolerance)
    return Latency(tolerance, to_ann, settling_step(curve, final, tolerance))
