"""LeNet-5 fine-tuned with clamped rectifiers (Rueckauer 2020, eq. 2.29), with one spike a neuron: as the part ttfs."""

from code_setup import EXAMPLES, Task

from code_parts.ttfs import measure_all

SETTINGS = {
    "ttfs_clamped, percentile 99": ("ttfs_clamped", {"percentile": 99.0, "time_resolution": 2.0}, 40),
    "ttfs_clamped, percentile 99, resolution 4": ("ttfs_clamped", {"percentile": 99.0}, 80),
}


def run(setup):
    """Measure the network that ``examples/lenet5/finetune.py`` wrote."""
    task = Task(EXAMPLES / "lenet5" / "lenet5_clamped.keras", setup.mnist, setup.samples)
    settings = dict(list(SETTINGS.items())[:1]) if setup.quick else SETTINGS
    return {"LeNet-5, fine-tuned": measure_all(setup, "LeNet-5, fine-tuned", task, settings)}
