"""LeNet-5 with temporal patterns of 2 to 16 bits, and with few spikes: error, operations, spikes, latency."""

import snntoolbox

MAXIMUM = {"percentile": 100.0}
CHANNELS = {"method": "mmse", "num_steps": 1, "channel_wise": True}
SETTINGS = [
    *(("", bits, MAXIMUM) for bits in (2, 3, 4, 5, 6, 8, 12, 16)),
    *(("best range by channel", bits, CHANNELS) for bits in (2, 3, 4)),
    ("cut off", 4, {**MAXIMUM, "initial_potential": 0.0}),
    ("cut off", 8, {**MAXIMUM, "initial_potential": 0.0}),
    ("one-hot", 8, {**MAXIMUM, "one_hot": True}),
]


def run(setup):
    """Measure every setting; at the end, compare spikes with the reference's."""
    task, found = setup.lenet5, {"ann_error": setup.lenet5.ann_error}
    rows = []
    for name, bits, options in SETTINGS[2:6:3] if setup.quick else SETTINGS:
        found[f"{bits} bits {name}".strip()] = result = task.measure(convert(task, bits, options))
        rows.append(row(task, bits, name, result))
        print(rows[-1], flush=True)
    graph = snntoolbox.convert(task.graph, task.x_norm, spike_code="few_spike", num_bits=8, percentile=100.0)
    found["few_spike"] = result = task.measure(graph)
    rows.append(row(task, 8, "few spikes", result))
    count, error = result["ann_operations"], 100 * task.ann_error
    title = f"LeNet-5, {len(task.x)} images: ANN error {error:.2f} %, {count:,} operations"
    columns = ("Bits", "Variant", "Error %", "As ANN %", "Operations", "of ANN's", "Spikes", "Steps", "s")
    setup.table(title, columns, rows)
    for bits, precision in ((8, "float32"), (8, "float64"), (16, "float64")):
        different, total = setup.reference_differences(convert(task, bits, MAXIMUM), task.x[:10], precision)
        found[f"differences {bits} {precision}"] = [different, total]
        setup.console.print(f"{bits} bits in {precision}: {different} of {total} spike counts are not the reference's")
    return found


def convert(task, bits, options):
    """Return the network with patterns of some bits."""
    return snntoolbox.convert(task.graph, task.x_norm, spike_code="temporal_pattern", num_bits=bits, **options)


def row(task, bits, name, result):
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
