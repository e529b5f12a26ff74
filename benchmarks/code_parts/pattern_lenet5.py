"""LeNet-5 with temporal patterns of 2 to 16 bits, and with few spikes: error, operations, spikes, latency."""

from code_setup import Converter

from snntoolbox.codes.few_spike import FewSpikeCode
from snntoolbox.codes.temporal_pattern import TemporalPatternCode

MAXIMUM = {"percentile": 100.0}
SETTINGS = [
    *(("", {"num_bits": bits}, MAXIMUM) for bits in range(2, 17)),
    ("cut off", {"num_bits": 4, "initial_potential": 0.0}, MAXIMUM),
    ("cut off", {"num_bits": 8, "initial_potential": 0.0}, MAXIMUM),
    ("8, last 4 dropped", {"num_bits": 8, "dropped_bits": 4}, MAXIMUM),
    ("one-hot", {"num_bits": 4, "one_hot": True}, MAXIMUM),
    ("one-hot", {"num_bits": 8, "one_hot": True}, MAXIMUM),
    ("Q2.6", {"num_bits": 8, "activation_format": "Q2.6"}, MAXIMUM),
]
FEW_SPIKES = (4, 8)


def run(setup):
    """Measure every setting; at the end, compare spikes with the reference's."""
    task, found = setup.lenet5, {"ann_error": setup.lenet5.ann_error}
    rows, convert = [], Converter(setup.lenet5)
    for name, options, scales in SETTINGS[:2] if setup.quick else SETTINGS:
        bits = options["num_bits"]
        result = task.measure(convert(TemporalPatternCode(**options), **scales))
        found[f"{bits} bits {name}".strip()] = result
        rows.append(row(bits, name, result))
        print(*rows[-1], flush=True)
    for bits in FEW_SPIKES[:1] if setup.quick else FEW_SPIKES:
        result = found[f"{bits} few_spike"] = task.measure(convert(FewSpikeCode(bits), **MAXIMUM))
        rows.append(row(bits, "few spikes", result))
    count, error = result["ann_operations"], 100 * task.ann_error
    title = f"LeNet-5, {len(task.x)} images: ANN error {error:.2f} %, {count:,} operations"
    columns = ("Bits", "Variant", "Error %", "As ANN %", "Operations", "of ANN's", "Spikes", "Steps", "s")
    setup.table(title, columns, rows)
    for bits, precision in ((8, "float32"), (8, "float64"), (16, "float64")):
        graph = convert(TemporalPatternCode(bits), **MAXIMUM)
        different, total = setup.reference_differences(graph, task.x[:5], precision)
        found[f"differences {bits} {precision}"] = [different, total]
        setup.console.print(f"{bits} bits in {precision}: {different} of {total} spike counts are not the reference's")
    return found


def row(bits, name, result):
    """Return a row of the table."""
    return (
        bits,
        name,
        f"{100 * result['error']:.2f}",
        f"{100 * result['agreement']:.2f}",
        f"{result['operations']:,.0f}" + (" at most" if result["upper_bound"] else ""),
        f"1 / {result['ann_operations'] / result['operations']:.1f}",
        f"{result['spikes']:,.0f}",
        result["steps"],
        f"{result['seconds']:.0f}",
    )
