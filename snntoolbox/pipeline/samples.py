"""The samples of a run: those to test, those to normalise with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snntoolbox.config.settings import Settings
from snntoolbox.data import Dataset, choose_samples, load_normalization_set, load_test_set
from snntoolbox.errors import RunError
from snntoolbox.ir.graph import Graph

__all__ = ["RunSamples", "load_samples"]

NUM_COMPARED = 32
"""Samples on which outputs are compared after parsing and after each pass."""


@dataclass(frozen=True, eq=False)
class RunSamples:
    """Data sets of a run.

    Attributes:
        test: Samples to test; None if nothing is tested.
        norm: Samples to normalise with; None if nothing is normalised.
    """

    test: Dataset | None
    norm: Dataset | None

    @property
    def compared(self) -> NDArray[np.float32]:
        """A few real samples, to compare outputs of one network before and after a step."""
        source = self.test if self.norm is None else self.norm
        if source is None:
            raise RunError("there are no samples to compare outputs on")
        return next(source.take(min(NUM_COMPARED, len(source))).batches(NUM_COMPARED))

    def batches(self, batch_size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield the positions and values of the samples to test, batch after batch."""
        start = 0
        for x in self.test.batches(batch_size) if self.test is not None else ():
            yield np.arange(start, start + len(x)), x
            start += len(x)


def load_samples(settings: Settings, graph: Graph) -> RunSamples:
    """Load what the stages that are switched on need.

    Raises:
        RunError: The network has several inputs, which a config file cannot feed.
        DataError: Files are missing, or do not fit the network.
    """
    if len(graph.inputs) != 1:
        raise RunError(
            f"the network has {len(graph.inputs)} inputs ({', '.join(graph.inputs)}), but a config file names one data "
            "set; use snntoolbox.convert() and snntoolbox.simulate() from Python, which take a mapping of inputs"
        )
    tools, shape = settings.tools, graph.shapes[graph.inputs[0]]
    test = norm = None
    if tools.evaluate_ann or tools.simulate or not (tools.normalize and tools.convert):
        num_outputs = graph.size(graph.outputs[0])
        test = choose_samples(load_test_set(settings.paths, settings.input, shape, num_outputs), settings.simulation)
    if tools.normalize and (tools.parse or tools.convert):
        norm = load_normalization_set(settings.paths, settings.input, shape).take(settings.normalization.num_samples)
    return RunSamples(test, norm)
