"""What a comparison of backends found, as numbers and as tables."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["BackendParity", "LayerParity", "Parity"]

TITLES = (
    "backend",
    "spikes",
    "differing",
    "no ties",
    "accuracy",
    "agreement",
    "output",
    "start s",
    "run s",
    "µs / sample step",
    "of processor",
)
"""What a row says of a backend: spikes of all layers; neurons whose counts differ, and those that are no ties; share of
samples with the right class and with the reference's; largest difference of an output; times, the last one summed over
threads."""


@dataclass(frozen=True)
class LayerParity:
    """Spike counts of one layer.

    Attributes:
        layer: Its name.
        spikes: Number of spikes of all samples.
        expected: The same in the reference.
        different: Number of neurons, over all samples, whose counts differ.
        unexplained: Those of them that are neither ties nor consequences of one: in the first layer of a sample that
            differs, in a count or in the step of a spike, a potential stayed further from the threshold than float32
            rounds.
    """

    layer: str
    spikes: int
    expected: int
    different: int
    unexplained: int


@dataclass(frozen=True)
class BackendParity:
    """What one backend did.

    Attributes:
        backend: Its name.
        problem: Why it could not run; empty if it did. The rest is empty then.
        rule: Why its spikes may differ from the reference's by more than ties, as it declares; empty if they may not.
        layers: Spike counts.
        accuracy: Share of samples with the right class; None without labels.
        agreement: Share of samples with the reference's class, or largest output.
        output_difference: Largest difference of an output from the reference's.
        start_seconds: Time to compile the network and simulate one step of the first batch.
        run_seconds: Time to simulate all samples after that.
        processor_seconds: What that took of the processor, in all threads of this process.
        num_values: Number of samples times steps.
    """

    backend: str
    problem: str = ""
    rule: str = ""
    layers: tuple[LayerParity, ...] = ()
    accuracy: float | None = None
    agreement: float | None = None
    output_difference: float | None = None
    start_seconds: float = 0.0
    run_seconds: float = 0.0
    processor_seconds: float = 0.0
    num_values: int = 1

    @property
    def different(self) -> int:
        """Number of neurons whose counts differ, over all layers and samples."""
        return sum(layer.different for layer in self.layers)

    @property
    def unexplained(self) -> int:
        """Those that are no ties."""
        return sum(layer.unexplained for layer in self.layers)

    @property
    def passed(self) -> bool:
        """Whether it ran, and every difference is a tie or follows from what it declares."""
        return not self.problem and (self.unexplained == 0 or bool(self.rule))

    @property
    def microseconds(self) -> float:
        """Time of a sample and step, in microseconds."""
        return 1e6 * self.run_seconds / self.num_values


@dataclass(frozen=True)
class Parity:
    """What all backends did; the reference is the first.

    Attributes:
        num_samples, num_steps: Size of the comparison.
        backends: One for each backend, in the order asked for after the reference.
    """

    num_samples: int
    num_steps: int
    backends: tuple[BackendParity, ...]

    @property
    def passed(self) -> bool:
        """Whether every backend ran, and every difference is a tie or follows from what a backend declares."""
        return all(one.passed for one in self.backends)

    def table(self) -> list[list[str]]:
        """Return rows of text, the first with the titles, one for each backend that ran."""
        return [list(TITLES), *(_row(one) for one in self.backends if not one.problem)]

    def layer_table(self) -> list[list[str]]:
        """Return rows of text, the first with the titles, one for each layer.

        A cell says how many spikes more or fewer than the reference a backend has, and in how many neurons the number
        differs, over all samples.
        """
        reference, *others = [one for one in self.backends if not one.problem]
        rows = [["layer", f"spikes of {reference.backend}", *(one.backend for one in others)]]
        for number, layer in enumerate(reference.layers):
            rows.append([layer.layer, f"{layer.spikes:,}", *(_cell(one.layers[number]) for one in others)])
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values that JSON has."""
        derived = ("different", "unexplained", "microseconds", "passed")
        rows = [asdict(one) | {name: getattr(one, name) for name in derived} for one in self.backends]
        return {"num_samples": self.num_samples, "num_steps": self.num_steps, "backends": rows}


def _row(one: BackendParity) -> list[str]:
    shares = ["" if share is None else f"{share:.1%}" for share in (one.accuracy, one.agreement)]
    spikes = sum(layer.spikes for layer in one.layers)
    counts = [f"{value:,}" for value in (spikes, one.different, one.unexplained)]
    return [one.backend, *counts, *shares, f"{one.output_difference:.1e}", *_times(one)]


def _times(one: BackendParity) -> list[str]:
    used = 1e6 * one.processor_seconds / one.num_values
    return [f"{one.start_seconds:.1f}", f"{one.run_seconds:.1f}", f"{one.microseconds:.1f}", f"{used:.1f}"]


def _cell(layer: LayerParity) -> str:
    if layer.different == 0:
        return "equal"
    more, unexplained = layer.spikes - layer.expected, f", {layer.unexplained} no tie" if layer.unexplained else ""
    return f"{more:+,} in {layer.different:,} neurons{unexplained}"
