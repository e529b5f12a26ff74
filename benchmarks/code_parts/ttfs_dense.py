"""The dense network 784-600-10 with one spike a neuron, on MNIST, its input as spikes or as currents."""

from code_setup import EXAMPLES, Task

from code_parts.ttfs import MAXIMUM, measure_all

SETTINGS = {
    "rate, 16 steps": ("rate", {}, 16),
    "ttfs": ("ttfs", {}, 100),
    "ttfs, decision at 5": ("ttfs", {"decision_threshold": 5.0}, 100),
    "ttfs, input as currents": ("ttfs", {"spiking_input": False}, 100),
    "ttfs, input as currents, decision at 2.5": ("ttfs", {"spiking_input": False, "decision_threshold": 2.5}, 100),
    "ttfs_exact, windows of 16": ("ttfs_exact", {**MAXIMUM, "window": 16}, None),
}


def run(setup):
    """Measure every setting."""
    task = Task(EXAMPLES / "lenet5" / "dense.keras", setup.mnist, setup.samples)
    settings = dict(list(SETTINGS.items())[:2]) if setup.quick else SETTINGS
    return {"784-600-10": measure_all(setup, "784-600-10", task, settings)}
