"""Calibration of a finished spiking network, for a number of steps: corrections of its layers, and when it is read."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from snntoolbox.calibration.corrections import KINDS, Corrections, correct_layers
from snntoolbox.calibration.readout_start import READOUT_START, readout_start
from snntoolbox.calibration.trial import Outcome, TrialSet, make_trials
from snntoolbox.codes import SpikeCode
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking, SpikingMaxPool
from snntoolbox.ir.samples import Samples, named_samples
from snntoolbox.passes.adjust_neurons import CompensateRates

__all__ = ["CALIBRATION", "Compensation", "Refinement", "Verdict", "calibrate_rates", "refine"]

_LOG = logging.getLogger(__name__)
CALIBRATION = "calibration"
"""Attribute of a graph that says how it was calibrated, as JSON: a list of verdicts."""
Compensation = Literal["none", "global", "layer"]
_FACTORS = 6
"""Factors that are tried between 1 and the largest; two more around the best one."""
_MEMORY = 10**9
"""Bytes that looking for the start of the read-out may take."""
_SHARE_OF_MEMORY = 0.6
"""Share of the machine's memory that a calibration may take."""
_LAYERS_AT_ONCE = 3
"""Layers of which all steps are held: what comes in, what goes out, and a shortcut."""
_LEAST_SAMPLES = 16
"""Samples that the start of the read-out is looked for on, at least."""


@dataclass(frozen=True)
class Refinement:
    """Which calibrations are wanted.

    Attributes:
        compensation: A factor for the messages of all layers that lets the outputs come closest to the ANN's, or one
            for each layer, or none.
        bias: Correct the bias of each channel.
        potential: Correct the initial potential of each neuron.
        threshold: Correct the threshold of each layer.
        clamp: Find for how many steps each layer waits for those before it.
        weight: Fit the weights in front of each layer to what really arrives there.
        num_samples: Number of samples: half to fit on, half to validate on.
        readout_start: Step after which outputs are read, or ``auto`` for the one that lets them come closest to the
            ANN's.
        seed: Seed of stochastic input and neurons.
        compare: Whether to compare the outputs with and without, and leave corrections of layers out that do not help.
            Without, the simulation as it was is saved: for one of many trials that are compared anyway. Compensation
            needs that simulation, and is compared in any case.
    """

    compensation: Compensation = "none"
    bias: bool = False
    potential: bool = False
    threshold: bool = False
    clamp: bool = False
    weight: bool = False
    num_samples: int = 128
    readout_start: int | Literal["auto"] = 0
    seed: int = 0
    compare: bool = True

    def __post_init__(self) -> None:
        """Check names and limits.

        Raises:
            ConversionError: One is wrong.
        """
        if self.compensation not in ("none", "global", "layer"):
            raise ConversionError(f"compensation: expected 'none', 'global' or 'layer', got '{self.compensation}'")
        if self.num_samples < 2:
            raise ConversionError(f"num_samples: expected at least 2, to fit and to validate, got {self.num_samples}")
        start = self.readout_start
        if start != "auto" and (not isinstance(start, int) or start < 0):
            raise ConversionError(f"readout_start: expected a whole number >= 0 or 'auto', got {start}")

    @property
    def wanted(self) -> bool:
        """Whether there is anything to do that needs samples."""
        return self.calibrates or self.readout_start == "auto"

    @property
    def calibrates(self) -> bool:
        """Whether there is anything to calibrate."""
        return self.compensation == "global" or bool(self.kinds)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The corrections of layers, in the order of `KINDS`."""
        wanted = {**vars(self), "compensation": self.compensation == "layer"}
        return tuple(kind for kind in KINDS if wanted[kind])


@dataclass(frozen=True)
class Verdict:
    """What a calibration did to the outputs on samples that it was not fitted on.

    Attributes:
        what: Kinds of corrections.
        kept: Whether it made the error smaller, and so is in the network.
        error_before, error_after: Mean squared error of the outputs, relative to their variance.
        agreement_before, agreement_after: Share of samples decided as by the ANN; None if outputs are no scores.
        layers: Kind of correction -> number of layers in which it was kept.
        largest_factor: Largest compensation factor.
    """

    what: str
    kept: bool
    error_before: float
    error_after: float
    agreement_before: float | None = None
    agreement_after: float | None = None
    layers: dict[str, int] = field(default_factory=dict)
    largest_factor: float = 1.0

    def __str__(self) -> str:
        """One sentence."""
        text = f"calibration ({self.what}): output error on held-out samples {self.error_before:.4g}"
        text += f" -> {self.error_after:.4g}"
        if self.agreement_before is not None and self.agreement_after is not None:
            text += f", decisions as the ANN's {100 * self.agreement_before:.1f} -> {100 * self.agreement_after:.1f} %"
        if self.layers:
            text += "; layers with " + ", ".join(f"{kind}: {count}" for kind, count in self.layers.items())
        if self.largest_factor > 1:
            text += f"; largest factor {self.largest_factor:.4f}"
        return text if self.kept else text + "; it does not help, so it was left out"


def refine(
    normalized: Graph, spiking: Graph, code: SpikeCode, x: Samples, wanted: Refinement, num_steps: int | None
) -> Graph:
    """Return a spiking network calibrated, and with the start of its read-out, as asked.

    Args:
        normalized: The network whose activations rates should be.
        spiking: The spiking network.
        code: Encodes the samples.
        x: Samples, as for `snntoolbox.ir.evaluate.evaluate`.
        wanted: What to do.
        num_steps: Number of steps that the network is to be run for; only needed to calibrate.

    Raises:
        ConversionError: The number of steps is not known.
    """
    if wanted.calibrates and num_steps is None:
        raise ConversionError("calibration: it needs the number of time steps that the network will run, num_steps")
    automatic = wanted.readout_start == "auto"
    start = 0 if wanted.readout_start == "auto" else wanted.readout_start
    if wanted.calibrates:
        _check_memory(spiking, x, num_steps or 0, charges=wanted.weight)
        fixed = None if automatic else start
        trials = make_trials(
            normalized, spiking, code, x, num_steps or 0, start=fixed, seed=wanted.seed, charges=wanted.weight
        )
        spiking, _, outcome = calibrate_rates(spiking, trials, wanted)
        start = outcome.start if automatic else start
    elif automatic:
        start = _automatic_start(normalized, spiking, code, x, num_steps, wanted.seed)
    if automatic:
        _LOG.info("outputs are read after step %d", start)
    return spiking.with_attributes(**{READOUT_START: str(start)}) if start else spiking


def _automatic_start(
    normalized: Graph, spiking: Graph, code: SpikeCode, x: Samples, num_steps: int | None, seed: int
) -> int:
    """Return the step after which outputs are best read on some samples, or begin to say something if that is dear."""
    pools = [node.op.method for node in spiking.nodes if isinstance(node.op, SpikingMaxPool)]
    by_layer = code.name == "rate" and all(method == "cumulative" for method in pools)
    if num_steps is None or not by_layer:
        return readout_start(normalized, spiking, x)
    affordable = _MEMORY // _memory(spiking, num_steps)
    arrays = named_samples({name: normalized.shapes[name] for name in normalized.inputs}, x)
    count = min(affordable, len(next(iter(arrays.values()))))
    if count < _LEAST_SAMPLES:
        return readout_start(normalized, spiking, x)
    some = {name: array[:count] for name, array in arrays.items()}
    trials = make_trials(normalized, spiking, code, some, num_steps, start=None, seed=seed)
    return replace(trials, num_fit=count).run(spiking).start


def _memory(graph: Graph, num_steps: int) -> int:
    """Return about how many bytes the simulation layer by layer takes for each sample."""
    largest = max(int(np.prod(graph.shapes[name])) for name in graph.neurons)
    return 4 * num_steps * largest * _LAYERS_AT_ONCE


def _machine_memory() -> float:
    """Return the bytes of the machine's memory; infinity if it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return math.inf


def _check_memory(graph: Graph, x: Samples, num_steps: int, *, charges: bool) -> None:
    """Refuse what would take more memory than the machine has, instead of being killed for it.

    Besides the simulation it is the activations of all layers, and the charges that enter them if those are kept.
    """
    samples = next(iter(x.values())) if isinstance(x, Mapping) else x
    kept = 4 * sum(int(np.prod(graph.shapes[name])) for name in graph.neurons) * (2 if charges else 1)
    count, each = len(np.asarray(samples)), _memory(graph, num_steps) + kept
    limit = _SHARE_OF_MEMORY * _machine_memory()
    if count * each > limit:
        raise ConversionError(
            f"calibration: {count} samples of {num_steps} steps take about {count * each / 1e9:.0f} GB, of which there "
            f"are {limit / 1e9:.0f}; set [calibration] num_samples to at most {int(limit // each)}, or calibrate "
            "for fewer steps"
        )


def calibrate_rates(graph: Graph, trials: TrialSet, wanted: Refinement) -> tuple[Graph, tuple[Verdict, ...], Outcome]:
    """Calibrate a spiking network; what does not help on held-out samples is left out, and a warning says so.

    Compensation with one factor comes first. Corrections of layers are fitted front to back, those before corrected
    already.

    Args:
        graph: The spiking network.
        trials: Samples, activations, and the number of steps that the network is calibrated for.
        wanted: What to do.

    Returns:
        The calibrated network, what each calibration did if that was to be compared, and what the network now answers.
    """
    if not wanted.compare and wanted.compensation == "none":
        found, after = correct_layers(graph, trials, wanted.kinds)
        return found.apply(graph), (), after
    before, verdicts = trials.run(graph), []
    limit = 1 / before.largest_rate if 0 < before.largest_rate < 1 else 1.0
    if wanted.compensation == "global":
        graph, before, verdict = _compensate(graph, trials, before, limit)
        verdicts.append(verdict)
    if wanted.kinds:
        found, after = correct_layers(graph, trials, wanted.kinds, limit)
        verdict = _verdict(" and ".join(wanted.kinds), trials, before, after, found)
        graph, before = (found.apply(graph), after) if verdict.kept else (graph, before)
        verdicts.append(verdict)
    for one in verdicts:
        _LOG.log(logging.INFO if one.kept else logging.WARNING, "%s", one)
    about = json.dumps([vars(one) for one in verdicts])
    return graph.with_attributes(**{CALIBRATION: about}), tuple(verdicts), before


def _compensate(graph: Graph, trials: TrialSet, before: Outcome, limit: float) -> tuple[Graph, Outcome, Verdict]:
    """Search one factor for all layers, between 1 and the reciprocal of the last layer's largest rate."""
    layers = [name for name in graph.neurons if _sends(graph, name)]
    tried: dict[float, Outcome] = {1.0: before}

    def error(factor: float) -> float:
        if factor not in tried:
            tried[factor] = trials.run(CompensateRates(dict.fromkeys(layers, factor))(graph))
        return trials.output_error(tried[factor], trials.fit)

    if limit > 1:
        grid = [float(f) for f in np.geomspace(1, limit, _FACTORS)]
        best = grid.index(min(grid, key=error))
        for near in (best - 1, best + 1):
            if 0 <= near < len(grid):
                error(float(np.sqrt(grid[best] * grid[near])))
    factor = min(tried, key=error)
    found = Corrections({"compensation": dict.fromkeys(layers, factor)} if factor > 1 else {})
    verdict = _verdict("one compensation factor", trials, before, tried[factor], found)
    return (found.apply(graph), tried[factor], verdict) if verdict.kept else (graph, before, verdict)


def _sends(graph: Graph, name: str) -> bool:
    op = graph[name].op
    return isinstance(op, Spiking) and op.model.spiking and hasattr(op.model, "amplitude")


def _verdict(what: str, trials: TrialSet, before: Outcome, after: Outcome, found: Corrections) -> Verdict:
    part = trials.held_out
    errors = [trials.output_error(one, part) for one in (before, after)]
    shares = [trials.agreement(one, part) for one in (before, after)]
    counts = {kind: len(found.of(kind)) for kind in KINDS}
    return Verdict(
        what,
        kept=errors[1] < errors[0],
        error_before=errors[0],
        error_after=errors[1],
        agreement_before=shares[0],
        agreement_after=shares[1],
        layers={kind: count for kind, count in counts.items() if count},
        largest_factor=max(found.of("compensation").values(), default=1.0),
    )
