"""What one sees in each figure, said for the run at hand."""

from __future__ import annotations

from snntoolbox.analysis.correlation import LEAVING
from snntoolbox.report.figures.layers import MAX_PANELS
from snntoolbox.report.material import Material
from snntoolbox.report.wording import percent, short_number

__all__ = [
    "activations",
    "code_sweep",
    "confusion_matrix",
    "correlation",
    "entropy_codes",
    "error_over_time",
    "exits",
    "histograms",
    "normalization",
    "operations",
    "potentials",
    "propagation",
    "raster",
    "rates",
    "sample_input",
    "spike_counts",
    "sweep",
]


def error_over_time(material: Material) -> str:
    """What the error curve shows."""
    results = material.results
    text = f"Error of the spiking network after each time step, over {results.num_samples} samples."
    if results.accuracy.snn_over_time is not None:
        text += " The band is the 95 % interval that so many samples allow for."
        text += " Until a class stands out, a sample counts as wrong."
    latency = results.latency
    if latency is not None and latency.to_ann is not None:
        time, points = latency.to_ann * results.dt_ms, 100 * latency.tolerance
        text += f" From {time:g} ms on the accuracy stays within {points:g} point of that of the ANN."
    return text


def operations(material: Material) -> str:
    """What the operations show."""
    counts = material.results.operations
    text = (
        "Operations for one sample, the mean over all samples. SNN: one addition for each synapse that a spike passes "
        "(Rueckauer 2020, eq. 2.22)"
    )
    if counts.snn_input_macs:
        macs = short_number(counts.snn_input_macs)
        text += f", plus once 2 × {macs} operations that turn the analog input into currents"
    text += ". ANN: the multiplications and additions of one forward pass (eq. 2.21)."
    if counts.neuron_updates:
        text += f" Updates of neuron states ({short_number(counts.neuron_updates)} in all) are not included."
    if counts.proportional:
        text += " Over time, operations behind max-pooling are taken in proportion to the spikes in front of it."
    if counts.upper_bound:
        text += " Spikes that max-pooling discards are counted as if it passed them on, so the count is an upper bound."
    return text


def sweep(material: Material) -> str:
    """What the sweep shows."""
    return "Each point is a run of its own over the same samples, at its end; only this option differs."


def code_sweep(material: Material) -> str:
    """What the comparison of spike codes shows."""
    text = "Error against what a sample costs, over the same samples. A curve follows one run step by step"
    if material.sweep is not None and any(value is not None for value in material.sweep.values):
        text += f"; points that are joined are ends of runs, each with its value of {material.sweep.parameter}"
    return text + ". The cross is one pass of the ANN."


def entropy_codes(material: Material) -> str:
    """What the comparison of entropy codes shows."""
    coding = material.results.coding
    if coding is None:
        return ""
    best = min((code for code in coding.codes if code != "huffman"), key=lambda code: coding.codes[code].divergence)
    return (
        "Kullback-Leibler divergence (Rueckauer 2020, eq. 2.33) of the normalised activations, rounded to "
        f"{coding.bits} bits, from the distribution that each code fits best: the bits that a value needs beyond the "
        f"entropy of {coding.entropy:.2f} bits, on average. {percent(coding.zeros, 1)} of the values are 0. Bars that "
        "leave the figure are cut off. Huffman's code is the best that gives each value a word of its own; of those "
        f"that need no table, {best} fits best with {coding.codes[best].mean_length:.2f} bits a value."
    )


def confusion_matrix(material: Material) -> str:
    """What the confusion matrix shows."""
    confusion = material.results.accuracy.confusion
    network = "spiking network" if "snn" in confusion else "ANN"
    text = f"Samples of each class (row) by the class that the {network} decided for (column)."
    absent = [len(counts) - int(counts.any(axis=1).sum()) for counts in confusion.values()]
    if absent and absent[-1]:
        text += f" {absent[-1]} classes have no sample; they are left out of the class average."
    return text + " The color scale is stretched so that rare confusions show."


def correlation(material: Material) -> str:
    """What the comparison of rates with activations shows."""
    results = material.results
    text = (
        "Rate of each neuron over the whole simulation against the normalised activation of the same unit in the ANN: "
        "a random choice of the pairs that are not both zero. On the grey line the two are equal. R² is the share of "
        "the activations' variance that the rates account for; unlike the correlation it also falls with a wrong scale "
        "or offset."
    )
    compared = [name for name, layer in results.layers.items() if layer.comparison is not None]
    if len(compared) > MAX_PANELS:
        text += f" {MAX_PANELS} of {len(compared)} layers are shown in detail."
    first = results.first_deviating_layer
    if first is not None:
        return (
            text
            + f" The first layer whose rates leave the activations (R² below {LEAVING:g}) is {material.label(first)}."
        )
    return text + " The rates of all layers follow their activations."


def propagation(material: Material) -> str:
    """What the propagation error shows."""
    text = (
        "What rates lack of their normalised activations at each depth, and the curve p · q^l (Hu et al. 2018, eq. 12) "
        "that fits best. A neuron's own error is charge that is not yet a spike, or that was lost; the other part it "
        "inherits from the neurons before it. Right: of each sample the neuron with the highest rate of a layer, and "
        "the range of the mean errors of nine in ten neurons."
    )
    found = material.results.propagation
    if found is not None:
        text += f" Mean over all neurons: {found.mean:.3g}."
        fits = [fit for fit in (found.growth, found.growth_of_largest) if fit is not None]
        if any(fit.adjusted_r_squared <= 0 for fit in fits):
            text += " A curve that fits no better than a constant is not drawn."
    return text


def exits(material: Material) -> str:
    """What early exit shows."""
    found = material.results.exits
    if found is None:
        return ""
    text = (
        f"Share of the samples that are decided: the output was at least {percent(found.confidence, 1)} sure of one "
        f"class in {found.patience} steps in a row. On average that is at step {found.mean_steps:.3g} of "
        f"{len(found.decided_over_time)}, after {short_number(found.operations)} synaptic operations."
    )
    if found.accuracy is not None and found.accuracy_at_end is not None:
        text += f" {percent(found.accuracy)} are right then, {percent(found.accuracy_at_end)} after the last step."
    return text


def histograms(material: Material) -> str:
    """What the histograms show."""
    comparisons = [layer.comparison for layer in material.results.layers.values() if layer.comparison is not None]
    zero, silent = (
        sum(one.zeros for one in histograms) / max(sum(one.total for one in histograms), 1)
        for histograms in ([one.activations for one in comparisons], [one.rates for one in comparisons])
    )
    return (
        "Normalised activations and rates over all samples and neurons, on a logarithmic scale. Exact zeros are not "
        f"drawn: {percent(zero, 1)} of the activations and {percent(silent, 1)} of the rates. Rates cannot represent "
        "activations above 1, which saturate."
    )


def spike_counts(material: Material) -> str:
    """What the spike counts show."""
    total = material.results.spikes_per_sample or 0.0
    return f"Mean over all samples; {short_number(total)} spikes for one sample in the whole network."


def normalization(material: Material) -> str:
    """What the activations around normalisation show."""
    return (
        "Positive activations of a part of the normalisation samples. The dashed lines mark the scale: the activation "
        "that becomes 1, a spike in every time step."
    )


def sample_input(material: Material) -> str:
    """What the input shows."""
    return "The sample of the figures below, as it enters the network after preprocessing."


def raster(material: Material) -> str:
    """What the raster shows."""
    return "Every mark is a spike; each row is a neuron, of large layers an even choice, in the order of the network."


def potentials(material: Material) -> str:
    """What the potentials show."""
    return (
        "Membrane potential after each step of up to five neurons in each layer: of those that fired, from the most to "
        "the least active; of a layer that only accumulates, from the highest to the lowest. Dashed: the threshold."
    )


def activations(material: Material) -> str:
    """What the maps of activations show."""
    return (
        "Normalised activations of the ANN: what the rates should become. Channels are laid side by side, at most 64."
    )


def rates(material: Material) -> str:
    """What the maps of rates show."""
    text = "Rates of the spiking network for the same sample, on the same scale as the activations"
    return text + ": mean messages over the steps in which a layer is not clamped."
