"""What in a network will hurt the accuracy of its spiking counterpart, before anything is simulated.

Everything is measured on the normalised network, where an activation is a rate, and a weight what one spike adds to a
potential, in thresholds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snntoolbox.calibration.statistics import LayerStatistics
from snntoolbox.errors import Problem
from snntoolbox.ir import Graph, Node, ops

__all__ = ["diagnose"]

# Healthy networks, for comparison: the CNN of examples/mnist and a ResNet-20 trained on CIFAR-10, both of which lose
# next to nothing in conversion, and VGG16 and MobileNet with random weights. The largest value found there is given
# with each limit.
LARGE_BIAS = 2.0
"""Bias, in thresholds a step. A neuron with more fires in every step before the first spike of its inputs arrives, or
has to be brought back from far below; at 1 that is still made up for (ResNet-20: 1.4)."""
LARGE_STEP = 20.0
"""Root of the summed squares of a neuron's weights, in thresholds: by how much the potential jumps about in a step when
inputs spike at random. A neuron answers with one spike a step, so it takes that many steps to get over one such jump
(MobileNet: 14, in depthwise layers)."""
CHANNEL_RANGE = 30.0
"""Norm of the weights of a layer's largest neuron over that of its median one. The layer's one scale is that of the
largest, so the activity of all others is squeezed into rates of a few percent (MobileNet: 8)."""
OUTLIER_WEIGHT = 40.0
"""Largest weight over the standard deviation of the layer's weights (MobileNet: 12, normal deviates: 6)."""
OUTLIER_ACTIVATION = 5.0
"""Largest activation over the 99.9th percentile (ResNet-20: 1.9). What lies above one spike a step is cut off."""
SATURATION = 1.5
"""99.9th percentile of the activations over the largest rate. Normalisation makes it 1; the rest is sampling."""
DEAD_SHARE = 0.9
"""Share of channels without any activity for some 30 samples (MNIST: 0.8, in the dense layer). More is rather a sign of
wrongly scaled samples than of a sparse layer."""
FEW_SPIKES = 1.0
"""Spikes that the median active neuron sends in the whole simulation; below, its value is rounded to all or nothing."""
STEPS_PER_LAYER = 10
"""Steps that a layer needs to settle after the one before it has (Rueckauer 2020, section 2.1.3.3)."""
MOST_SHOWN = 3
"""Nodes named of each kind of finding; the worst ones, the others are counted."""


@dataclass(frozen=True)
class _Finding:
    """A problem and how bad it is."""

    severity: float
    problem: Problem


def diagnose(
    normalized: Graph,
    activity: Mapping[str, LayerStatistics],
    num_steps: int,
    threshold: float = 1.0,
    clamp_steps: int = 0,
) -> tuple[Problem, ...]:
    """Return what will probably hurt, each with its numbers and what can be done.

    Args:
        normalized: The network whose activations are the rates that neurons are to have.
        activity: Rectifier -> activations of this very network for some samples, measured channel by channel; may be
            empty, and then only weights and depth are looked at.
        num_steps: Number of steps of the simulation.
        threshold: Of the neurons, and so their largest mean message.
        clamp_steps: First steps in which the layer that is clamped longest is held; 0 without a clamp.
    """
    weighted = [node for node in normalized.nodes if node.name in _before_rectifiers(normalized)]
    layers = [(normalized[name], layer) for name, layer in activity.items()]
    kinds: list[Iterable[_Finding]] = [
        (found for node in weighted for found in _bias(node, threshold)),
        (found for node in weighted for found in _step(node, threshold)),
        (found for node in weighted for found in _range(node)),
        (found for node in weighted for found in _outliers(node)),
        (found for node, layer in layers for found in _dead(node, layer, normalized.shapes[node.name][-1])),
        (found for node, layer in layers for found in _saturated(node, layer, threshold)),
        (found for node, layer in layers for found in _outlying(node, layer)),
        (found for node, layer in layers for found in _slow(node, layer, num_steps, threshold)),
    ]
    return tuple(problem for kind in kinds for problem in _worst(kind)) + _depth(normalized, num_steps, clamp_steps)


def _worst(findings: Iterable[_Finding]) -> list[Problem]:
    ranked = sorted(findings, key=lambda one: -one.severity)
    shown = [one.problem for one in ranked[:MOST_SHOWN]]
    more = len(ranked) - len(shown)
    if more:
        last = shown[-1]
        shown[-1] = Problem(last.where, f"{last.what} ({more} more node{'s' * (more > 1)} like this)", last.hint)
    return shown


def _before_rectifiers(graph: Graph) -> set[str]:
    """Return the nodes whose values reach a rectifier through linear ops and pooling: they charge neurons."""
    reached: set[str] = set()
    for node in reversed(graph.nodes):
        if isinstance(node.op, ops.Relu) or (
            node.name in reached and (node.op.linear or isinstance(node.op, ops.MaxPool))
        ):
            reached.update(node.inputs)
    return reached


def _neuron_weights(node: Node) -> NDArray[np.float32] | None:
    """Return the weights of a node, shape (fan-in, output channels); None if it has none."""
    if isinstance(node.op, ops.Dense):
        return node.op.weight
    if isinstance(node.op, ops.Conv | ops.ConvTranspose):
        return node.op.kernel.reshape(-1, node.op.kernel.shape[-1])
    return None


def _norms(node: Node) -> NDArray[np.float64] | None:
    weights = _neuron_weights(node)
    return None if weights is None else np.sqrt(np.einsum("ij,ij->j", weights, weights)).astype(np.float64)


def _bias(node: Node, threshold: float) -> Iterator[_Finding]:
    parameters = node.op.parameters()
    bias = parameters.get("bias", parameters.get("shift"))
    if bias is None:
        return
    size = np.abs(bias) / threshold
    largest, count = float(size.max()), int((size > LARGE_BIAS).sum())
    if count:
        what = f"biases of {count} of {size.size} channels are large: up to {largest:.3g} thresholds a step,"
        what += f" expected at most {LARGE_BIAS:g}; these neurons fire or fall silent before any input arrives."
        hint = "Train with weight decay on biases or on gamma and beta of batch norm, or clamp potentials during the "
        hint += "first steps ([paths] filename_clamp_indices)."
        yield _Finding(largest, Problem(f"node {node}", what, hint))


def _step(node: Node, threshold: float) -> Iterator[_Finding]:
    norms = _norms(node)
    if norms is None or not norms.max() > LARGE_STEP * threshold:
        return
    weights = _neuron_weights(node)
    fan_in = 0 if weights is None else len(weights)
    largest = float(norms.max() / threshold)
    what = f"a fan-in of {fan_in} moves the potential by about {largest:.3g} thresholds in one step, expected at most "
    what += f"{LARGE_STEP:g}; positive and negative input cancel in the mean only."
    hint = "Simulate for longer, or train with weight decay so that weights of opposite sign do not grow together."
    yield _Finding(largest, Problem(f"node {node}", what, hint))


def _range(node: Node) -> Iterator[_Finding]:
    norms = _norms(node)
    if norms is None or not norms.any():
        return
    ratio = float(norms.max() / np.median(norms[norms > 0]))
    if ratio > CHANNEL_RANGE:
        what = f"the input of channel {int(norms.argmax())} is {ratio:.3g} times that of the median channel, expected "
        what += f"at most {CHANNEL_RANGE:g}; with one scale for the layer all others hardly fire."
        hint = "Use a scale for each channel ([normalization] channel_wise = True)."
        yield _Finding(ratio, Problem(f"node {node}", what, hint))


def _outliers(node: Node) -> Iterator[_Finding]:
    weights = _neuron_weights(node)
    spread = 0.0 if weights is None else float(weights.std())
    if weights is None or not spread:
        return
    ratio = float(np.abs(weights).max()) / spread
    if ratio > OUTLIER_WEIGHT:
        what = f"the largest weight is {ratio:.3g} standard deviations of the layer's weights, expected at most "
        what += f"{OUTLIER_WEIGHT:g}; single spikes through it drown all others, and quantised weights lose precision."
        hint = "Train with weight decay, or clip the weights and test the network again."
        yield _Finding(ratio, Problem(f"node {node}", what, hint))


def _dead(node: Node, layer: LayerStatistics, channels: int) -> Iterator[_Finding]:
    dead = len(layer.dead_channels)
    if layer.active_fraction == 0:
        what, hint = "not one neuron is active for these samples.", "Check that samples are scaled as in training "
        hint += "([input] rescale, mean, std, channel_order) and that the network is trained."
        yield _Finding(2.0, Problem(f"node {node}", what, hint))
    elif dead / channels > DEAD_SHARE:
        what = f"{dead} of {channels} channels are never active for these samples, expected at most {DEAD_SHARE:.0%}."
        hint = "Check that samples are scaled as in training ([input] rescale, mean, std, channel_order), and that "
        hint += "they show all classes."
        yield _Finding(dead / channels, Problem(f"node {node}", what, hint))


def _percentile(layer: LayerStatistics, percentile: float) -> float:
    """Return a percentile of the non-zero activations, to the upper edge of its bin; 0 if there are none."""
    cumulative = np.cumsum(layer.counts)
    if not layer.counts.sum():
        return 0.0
    place = int(np.searchsorted(cumulative, percentile / 100 * cumulative[-1]))
    return min(float(layer.edges[place + 1]), layer.maximum)


def _saturated(node: Node, layer: LayerStatistics, threshold: float) -> Iterator[_Finding]:
    high = _percentile(layer, 99.9) / threshold
    if high > SATURATION:
        what = f"activations reach {high:.3g} times the largest rate (99.9th percentile), expected about 1; what is "
        what += "above is cut off."
        hint = "Normalise ([tools] normalize), with a percentile close to 100, on samples like those to test; the "
        hint += "threshold ([cell] v_thresh) is the largest rate and is best left at 1."
        yield _Finding(high, Problem(f"node {node}", what, hint))


def _outlying(node: Node, layer: LayerStatistics) -> Iterator[_Finding]:
    high = _percentile(layer, 99.9)
    ratio = layer.maximum / high if high else 0.0
    if ratio > OUTLIER_ACTIVATION:
        what = f"the largest activation is {ratio:.3g} times the 99.9th percentile, expected at most "
        what += f"{OUTLIER_ACTIVATION:g}; a few values that may matter are cut off."
        hint = "Compare a percentile of 99.99 ([normalization] percentile), or train with ReLU6 or weight decay."
        yield _Finding(ratio, Problem(f"node {node}", what, hint))


def _slow(node: Node, layer: LayerStatistics, num_steps: int, threshold: float) -> Iterator[_Finding]:
    spikes = _percentile(layer, 50) * num_steps / threshold
    if 0 < spikes < FEW_SPIKES:
        what = f"half of the active neurons send fewer than {spikes:.2g} spikes in {num_steps} steps."
        hint = "Lower the percentile ([normalization] percentile), use a scale for each channel ([normalization] "
        hint += "channel_wise = True), or simulate for longer ([simulation] duration)."
        yield _Finding(1 / spikes, Problem(f"node {node}", what, hint))


def _depth(graph: Graph, num_steps: int, clamp_steps: int) -> tuple[Problem, ...]:
    """Compare the number of steps with the layers of neurons on the longest path, or with the clamp."""
    if clamp_steps:
        if num_steps >= clamp_steps + STEPS_PER_LAYER:
            return ()
        what = f"potentials are clamped for up to {clamp_steps} of {num_steps} steps."
        hint = f"Simulate {clamp_steps + STEPS_PER_LAYER} steps ([simulation] duration), or clamp potentials for fewer "
        hint += "([cell] clamp_delay, [paths] filename_clamp_indices)."
        return (Problem("network", what, hint),)
    depth: dict[str, int] = {}
    for node in graph.nodes:
        depth[node.name] = max((depth[source] for source in node.inputs), default=0) + isinstance(node.op, ops.Relu)
    deepest = max(depth.values())
    if num_steps >= STEPS_PER_LAYER * deepest:
        return ()
    what = f"{deepest} layers of neurons follow one another, but only {num_steps} steps are simulated; each of them "
    what += f"takes some {STEPS_PER_LAYER} steps to settle."
    hint = (
        "Let layers wait for those before them, and read the output late ([cell] clamp_delay = 0.5, [readout] start = "
    )
    hint += f"-1; docs/accuracy.md), or simulate {STEPS_PER_LAYER * deepest} steps ([simulation] duration)."
    return (Problem("network", what, hint),)
