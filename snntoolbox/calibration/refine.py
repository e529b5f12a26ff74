"""Calibration of a finished spiking network, for a number of steps: compensation, biases, initial potentials."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from snntoolbox.calibration.corrections import Corrections, correct_layers
from snntoolbox.calibration.readout_start import READOUT_START, readout_start
from snntoolbox.calibration.trial import Outcome, TrialSet, make_trials
from snntoolbox.codes import SpikeCode
from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Spiking
from snntoolbox.ir.samples import Samples
from snntoolbox.passes.adjust_neurons import CompensateRates

__all__ = ["CALIBRATION", "Compensation", "Refinement", "Verdict", "calibrate_rates", "refine"]

_LOG = logging.getLogger(__name__)
CALIBRATION = "calibration"
"""Attribute of a graph that says how it was calibrated, as JSON: a list of verdicts."""
Compensation = Literal["none", "global", "layer"]
_FACTORS = 6
"""Factors that are tried between 1 and the largest; two more around the best one."""


@dataclass(frozen=True)
class Refinement:
    """Which calibrations are wanted.

    Attributes:
        compensation: A factor for the messages of all layers that lets the outputs come closest to the ANN's, or one
            for each layer, or none.
        bias: Correct the bias of each channel.
        potential: Correct the initial potential of each neuron.
        num_samples: Number of samples: half to fit on, half to validate on.
        readout_start: Step after which outputs are read, or ``auto`` for that in which they begin to say something.
        seed: Seed of stochastic input and neurons.
    """

    compensation: Compensation = "none"
    bias: bool = False
    potential: bool = False
    num_samples: int = 128
    readout_start: int | Literal["auto"] = 0
    seed: int = 0

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
        return self.compensation != "none" or self.bias or self.potential


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
    start = wanted.readout_start
    if start == "auto":
        start = readout_start(normalized, spiking, x)
        _LOG.info("outputs are read after step %d", start)
    if wanted.calibrates:
        if num_steps is None:
            raise ConversionError("calibration: it needs the number of time steps that the network will run, num_steps")
        trials = make_trials(normalized, spiking, code, x, num_steps, start=start, seed=wanted.seed)
        spiking, _ = calibrate_rates(spiking, trials, wanted)
    return spiking.with_attributes(**{READOUT_START: str(start)}) if start else spiking


def calibrate_rates(graph: Graph, trials: TrialSet, wanted: Refinement) -> tuple[Graph, tuple[Verdict, ...]]:
    """Calibrate a spiking network; what does not help on held-out samples is left out, and a warning says so.

    Compensation with one factor comes first. Corrections of layers (compensation by layer, then bias, then potential)
    are fitted front to back, those before corrected already.

    Args:
        graph: The spiking network.
        trials: Samples, activations, and the number of steps that the network is calibrated for.
        wanted: What to do.

    Returns:
        The calibrated network, and what each calibration did.
    """
    before, verdicts = trials.run(graph), []
    limit = 1 / before.largest_rate if 0 < before.largest_rate < 1 else 1.0
    if wanted.compensation == "global":
        graph, before, verdict = _compensate(graph, trials, before, limit)
        verdicts.append(verdict)
    by_layer = wanted.compensation == "layer"
    kinds = [k for k, on in (("compensation", by_layer), ("bias", wanted.bias), ("potential", wanted.potential)) if on]
    if kinds:
        found, after = correct_layers(
            graph, trials, limit=limit if by_layer else 1.0, bias=wanted.bias, potential=wanted.potential
        )
        verdict = _verdict(" and ".join(kinds), trials, before, after, found)
        graph = found.apply(graph) if verdict.kept else graph
        verdicts.append(verdict)
    for one in verdicts:
        _LOG.log(logging.INFO if one.kept else logging.WARNING, "%s", one)
    about = json.dumps([vars(one) for one in verdicts])
    return graph.with_attributes(**{CALIBRATION: about}), tuple(verdicts)


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
    found = Corrections(factors=dict.fromkeys(layers, factor) if factor > 1 else {})
    verdict = _verdict("one compensation factor", trials, before, tried[factor], found)
    return (found.apply(graph), tried[factor], verdict) if verdict.kept else (graph, before, verdict)


def _sends(graph: Graph, name: str) -> bool:
    op = graph[name].op
    return isinstance(op, Spiking) and op.model.spiking and hasattr(op.model, "amplitude")


def _verdict(what: str, trials: TrialSet, before: Outcome, after: Outcome, found: Corrections) -> Verdict:
    part = trials.held_out
    errors = [trials.output_error(one, part) for one in (before, after)]
    shares = [trials.agreement(one, part) for one in (before, after)]
    counts = {"compensation": len(found.factors), "bias": len(found.shifts), "potential": len(found.potentials)}
    return Verdict(
        what,
        kept=errors[1] < errors[0],
        error_before=errors[0],
        error_after=errors[1],
        agreement_before=shares[0],
        agreement_after=shares[1],
        layers={kind: count for kind, count in counts.items() if count},
        largest_factor=max(found.factors.values(), default=1.0),
    )
