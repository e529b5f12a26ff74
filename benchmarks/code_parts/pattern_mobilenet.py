"""MobileNet on CIFAR-10 with temporal patterns of 16 bits and fewer, beside the rate code: error and operations."""

from copy import copy

from code_setup import Converter

from code_parts.pattern_lenet5 import MAXIMUM, row
from snntoolbox.codes.rate import RateCode
from snntoolbox.codes.temporal_pattern import TemporalPatternCode

RATE_IMAGES, RATE_STEPS = 200, 64
WIDE = {"percentile": 99.99, "channel_wise": True}

LAYERS = {"percentile": 99.99}
SETTINGS = [
    ("", {"num_bits": 16}, MAXIMUM),
    *(("by channel", {"num_bits": bits}, WIDE) for bits in (8, 6, 5, 4)),
    *(("by layer", {"num_bits": bits}, LAYERS) for bits in (6, 5, 4)),
    ("cut off, by channel", {"num_bits": 6, "initial_potential": 0.0}, WIDE),
    ("one-hot, by channel", {"num_bits": 8, "one_hot": True}, WIDE),
    ("Q3.5", {"num_bits": 8, "activation_format": "Q3.5"}, MAXIMUM),
    ("by channel", {"num_bits": 7}, WIDE),
]


def run(setup):
    """Measure patterns from many to few bits, and the rate code."""
    task, convert, rows = setup.mobilenet, Converter(setup.mobilenet), []
    found = {"ann_error": task.ann_error}
    for name, options, scales in SETTINGS[:2] if setup.quick else SETTINGS:
        bits = options["num_bits"]
        result = task.measure(convert(TemporalPatternCode(**options, input_bits=8), **scales))
        found[f"{bits} bits {name}".strip()] = result
        rows.append(row(bits, name, result))
        print(*rows[-1], flush=True)
    few, steps = copy(task), 8 if setup.quick else RATE_STEPS
    few.x, few.y, few.ann = task.x[:RATE_IMAGES], task.y[:RATE_IMAGES], task.ann[:RATE_IMAGES]
    result = found["rate"] = few.measure(convert(RateCode(), **WIDE), steps, over_time=True)
    rows.append(row("", f"rate, {steps} steps, {len(few.x)} images", result))
    count, error = result["ann_operations"], 100 * task.ann_error
    title = f"MobileNet, {len(task.x)} images: ANN error {error:.2f} %, {count:,} operations"
    columns = ("Bits", "Variant", "Error %", "As ANN %", "Operations", "of ANN's", "Spikes", "Steps", "s")
    setup.table(title, columns, rows)
    return found
