"""From a parsed network to a spiking one: the steps and their options, for pipeline and `snntoolbox.convert`."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from numpy.typing import NDArray

from snntoolbox.calibration import Balancing, Calibration, Method, calibrate
from snntoolbox.calibration.refine import Refinement, refine
from snntoolbox.codes.base import SpikeCode
from snntoolbox.errors import ConversionError
from snntoolbox.ir.batches import Batches
from snntoolbox.ir.graph import Graph
from snntoolbox.ir.ops import PoolGate
from snntoolbox.ir.samples import Samples
from snntoolbox.passes.base import Pass
from snntoolbox.passes.insert_neurons import InsertNeurons
from snntoolbox.passes.normalize_activations import NormalizeActivations
from snntoolbox.passes.pipeline import OutputComparison, conversion_passes, preparation_passes, run_passes
from snntoolbox.passes.shortcuts import NormalizeStackedLayers
from snntoolbox.registry import CODES

if TYPE_CHECKING:
    from snntoolbox.config.settings import Settings

__all__ = ["Conversion", "Converted", "code_of"]

Array = NDArray[Any]
OPTIONS = "spike_code_options"
"""Attribute of a converted graph that keeps the options of its spike code, as JSON."""


@dataclass(frozen=True, eq=False)
class Converted:
    """What a conversion gives.

    Attributes:
        prepared: The network after folding and replacing, in the ANN's own units.
        normalized: The network whose activations are the rates that spiking neurons are to have.
        spiking: The spiking network.
        calibration: Measured activations; None without samples.
        deviations: Pass -> largest relative deviation of the outputs that it caused.
    """

    prepared: Graph
    normalized: Graph
    spiking: Graph
    calibration: Calibration | None
    deviations: Mapping[str, float]


@dataclass(frozen=True)
class Conversion:
    """Options of the conversion; called with a graph, samples and a spike code, it returns the spiking graph.

    Attributes:
        method: What a scale is; see `snntoolbox.calibration.calibrate`.
        percentile: Of the activations, in (0, 100]. For ``percentile`` (non-zero ones) and ``robust`` (all).
        channel_wise: One scale a channel instead of one a layer.
        normalization_schedule: Lower the percentile by 0.02 for each layer of depth.
        scales_in: Whether scales go into the weights, or weights stay and the neurons have them as thresholds and
            messages. Threshold balancing leaves weights as they are in any case.
        num_steps: Time steps that the network will be simulated for; ``mmse`` finds scales for them.
        balancing: Numbers of the methods that balance thresholds.
        normalize_shortcuts: Scale what shortcuts add to a sum; off to show what that is worth.
        refinement: Calibration of the finished spiking network, and when its output is read.
        max2avg_pool: Replace max-pooling by average-pooling.
        softmax_to_relu: Replace a softmax at the output by a rectifier.
        weight_format: Fixed-point format Qm.f that weights are rounded to; empty for none.
        maxpool_type: How spiking max-pooling finds the maximum; see `snntoolbox.ir.ops.SpikingMaxPool`.
        clamp: Name of a rectifier -> number of first steps in which its potentials are held.
        clamp_delay: Steps by which each layer's potentials are held longer than those of the layer before.
        relaxation_steps: Steps by which each layer's biases take longer to set in than those of the layer before.
        tolerance: Largest relative deviation of the outputs that a pass which keeps the function may cause.
        batch_size: Samples whose activations are computed at a time.
    """

    method: Method = "percentile"
    percentile: float = 99.9
    channel_wise: bool = False
    normalization_schedule: bool = False
    scales_in: Literal["weights", "thresholds"] = "weights"
    num_steps: int | None = None
    balancing: Balancing = field(default_factory=Balancing)
    normalize_shortcuts: bool = True
    refinement: Refinement = field(default_factory=Refinement)
    max2avg_pool: bool = False
    softmax_to_relu: bool = False
    weight_format: str = ""
    maxpool_type: PoolGate = "cumulative"
    clamp: Mapping[str, int] = field(default_factory=dict)
    clamp_delay: float = 0.0
    relaxation_steps: float = 0.0
    tolerance: float = 1e-4
    batch_size: int = 64

    def __post_init__(self) -> None:
        """Check names; the steps check the rest.

        Raises:
            ConversionError: There is no such method or place for scales.
        """
        if self.method not in get_args(Method):
            raise ConversionError(f"method: expected one of {', '.join(get_args(Method))}, got '{self.method}'")
        if self.clamp_delay < 0 or self.relaxation_steps < 0:
            raise ConversionError(
                f"clamp_delay and relaxation_steps: expected numbers >= 0, got {self.clamp_delay} and "
                f"{self.relaxation_steps}"
            )
        if self.scales_in not in ("weights", "thresholds"):
            raise ConversionError(f"scales_in: expected 'weights' or 'thresholds', got '{self.scales_in}'")

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the options that ``[normalization]``, ``[conversion]`` and the voltage clamp ask for.

        Raises:
            ConversionError: The clamp file cannot be read.
        """
        normalization, conversion = settings.normalization, settings.conversion
        if normalization.method == "auto":
            raise ConversionError("[normalization] method = auto: choose one with snntoolbox.search.Search first")
        return cls(
            method=normalization.method,
            percentile=normalization.percentile,
            channel_wise=normalization.channel_wise,
            normalization_schedule=normalization.normalization_schedule,
            scales_in=normalization.scales_in,
            num_steps=settings.simulation.num_steps,
            balancing=Balancing(
                normalization.balancing_rounds, normalization.balancing_steps, normalization.balancing_factor
            ),
            normalize_shortcuts=normalization.normalize_shortcuts,
            refinement=_refinement(settings),
            max2avg_pool=conversion.max2avg_pool,
            softmax_to_relu=conversion.softmax_to_relu,
            weight_format=conversion.weight_format,
            maxpool_type=conversion.maxpool_type,
            clamp=_read_clamp(settings.paths.filename_clamp_indices),
            clamp_delay=settings.cell.clamp_delay,
            relaxation_steps=settings.cell.relaxation_steps,
            tolerance=normalization.tolerance,
            batch_size=settings.simulation.batch_size,
        )

    def calibration_options(self, code: SpikeCode) -> dict[str, Any]:
        """Return the options of `snntoolbox.calibration.calibrate`, which with model and samples determine the scales.

        Args:
            code: The spike code; some methods look at what its neurons make of an activation.
        """
        options: dict[str, Any] = {"method": self.method, "channel_wise": self.channel_wise}
        if self.method in ("percentile", "robust"):
            options |= {"percentile": self.percentile, "schedule": self.normalization_schedule}
        elif self.method == "mmse" and self.num_steps is None:
            raise ConversionError("method mmse: it needs the number of time steps, num_steps")
        elif self.method in ("mmse", "threshold_balancing"):
            options["rounding"] = code.rounding(self.num_steps or 1)
        if "balancing" in self.method:
            options["balancing"] = self.balancing
        return options

    def prepare(self, graph: Graph, code: SpikeCode, check: OutputComparison | None = None) -> Graph:
        """Return the graph as it will be calibrated: identities removed, batch norm folded, layers replaced as asked.

        Args:
            graph: The parsed network.
            code: The spike code it is for.
            check: Compares outputs before and after each pass that promises to keep them.
        """
        passes = preparation_passes(
            code,
            max2avg_pool=self.max2avg_pool,
            softmax_to_relu=self.softmax_to_relu,
            weight_format=self.weight_format,
        )
        return run_passes(graph, passes, check=check)

    def passes(self, code: SpikeCode, calibration: Calibration | None) -> tuple[Pass, ...]:
        """Return the passes that turn a prepared graph into a spiking one, from `InsertNeurons` on with neurons."""
        scales = None if calibration is None else calibration.scales
        place = "thresholds" if self.method == "threshold_balancing" else self.scales_in
        return conversion_passes(
            code,
            scales,
            max_pool=self.maxpool_type,
            clamp=self.clamp,
            scales_in=place,
            clamp_delay=self.clamp_delay,
            relaxation_steps=self.relaxation_steps,
        )

    def finish(
        self,
        prepared: Graph,
        code: SpikeCode,
        calibration: Calibration | None,
        check: OutputComparison | None = None,
    ) -> tuple[Graph, Graph]:
        """Return the normalised and the spiking graph of a prepared one."""
        passes = self.passes(code, calibration)
        number = next(number for number, one in enumerate(passes) if isinstance(one, InsertNeurons))
        scaling, inserting = passes[:number], passes[number:]
        normalized = run_passes(prepared, scaling, check=check)
        options = json.dumps(asdict(code))  # type: ignore[call-overload]
        source = normalized if self.normalize_shortcuts else run_passes(prepared, _without_shortcuts(scaling))
        return normalized, run_passes(source, inserting).with_attributes(**{OPTIONS: options})

    def refine(self, normalized: Graph, spiking: Graph, code: SpikeCode, x: Samples) -> Graph:
        """Return the spiking network calibrated, and with the start of its read-out, as asked.

        Args:
            normalized: The network whose activations rates should be.
            spiking: The spiking network.
            code: The spike code.
            x: Samples; the first half is to fit on, the other to validate on.
        """
        return refine(normalized, spiking, code, x, self.refinement, self.num_steps)

    def run(
        self, graph: Graph, x_norm: Any, code: SpikeCode, known: MutableMapping[str, Calibration] | None = None
    ) -> Converted:
        """Take a parsed graph through all steps; see `snntoolbox.convert`.

        Args:
            graph: The parsed network.
            x_norm: Samples to calibrate on, or None.
            code: The spike code.
            known: To convert the same network with the same samples again and again: what was measured, by the options
                that it depends on. What is new is added. Passes are checked only the first time, while it is empty.
        """
        batches = None if x_norm is None else Batches(x_norm, self.batch_size)
        check = None if batches is None or known else OutputComparison(batches.some(32), self.tolerance)
        prepared = self.prepare(graph, code, check)
        calibration = None if batches is None else self._calibrated(prepared, batches, code, known)
        normalized, spiking = self.finish(prepared, code, calibration, check)
        if batches is not None:
            spiking = self.refine(normalized, spiking, code, batches.first(self.refinement.num_samples))
        return Converted(prepared, normalized, spiking, calibration, {} if check is None else check.deviations)

    def _calibrated(
        self, prepared: Graph, batches: Batches, code: SpikeCode, known: MutableMapping[str, Calibration] | None
    ) -> Calibration:
        options = self.calibration_options(code)
        if known is None:
            return calibrate(prepared, batches, **options)
        replaced = self.max2avg_pool, self.softmax_to_relu, self.weight_format
        key = repr((code.output_neuron(), replaced, sorted(options.items())))
        if key not in known:
            known[key] = calibrate(prepared, batches, **options)
        return known[key]


def code_of(graph: Graph) -> SpikeCode:
    """Return the spike code of a converted graph, with the options it was converted with.

    Raises:
        ConversionError: The graph has not been converted.
    """
    if "spike_code" not in graph.attributes:
        raise ConversionError("this graph is no spiking network: it has no spike code. Call convert() first.")
    code: SpikeCode = CODES.load(graph.attributes["spike_code"])(**json.loads(graph.attributes.get(OPTIONS, "{}")))
    return code


def _without_shortcuts(scaling: Sequence[Pass]) -> list[Pass]:
    """Return the passes with a normalisation that leaves shortcuts as they are."""
    return [
        NormalizeStackedLayers(one.scales, one.keep_head) if isinstance(one, NormalizeActivations) else one
        for one in scaling
    ]


def _refinement(settings: Settings) -> Refinement:
    calibration, readout = settings.calibration, settings.readout
    return Refinement(
        compensation=calibration.compensation,
        bias=calibration.bias,
        potential=calibration.potential,
        threshold=calibration.threshold,
        clamp=calibration.clamp,
        weight=calibration.weight,
        num_samples=calibration.num_samples,
        readout_start="auto" if readout.start < 0 else readout.start,
        seed=settings.simulation.seed,
        compare=calibration.compare,
    )


def _read_clamp(path: Any) -> dict[str, int]:
    """Return the steps of the voltage clamp, by name of the layer."""
    if path is None:
        return {}
    try:
        clamp = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConversionError(f"filename_clamp_indices: cannot read {path}: {error}") from error
    if not isinstance(clamp, dict) or not all(isinstance(n, int) and n >= 0 for n in clamp.values()):
        raise ConversionError(
            f'filename_clamp_indices: expected {{"layer name": steps >= 0, ...}} in {path}, got {clamp}'
        )
    return clamp
