"""A measure of the user's own, over all samples at once: the one number of a run that needs all outputs in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import DataError

__all__ = ["Metric", "MetricCollector"]

Array = NDArray[Any]
Function = Callable[[Array, Array | None, Array | None], Any]


@dataclass(frozen=True)
class Metric:
    """A function that says how good outputs are.

    Attributes:
        function: Called with the outputs of a network, (num_samples, *shape); what they should be: classes
            (num_samples,) or targets (num_samples, ...), or None; the outputs of the ANN, or None. Returns a number, or
            a mapping from names to numbers.
        name: What a single number is called.
    """

    function: Function
    name: str

    def __call__(self, outputs: Array, targets: Array | None, ann_outputs: Array | None) -> dict[str, float]:
        """Return the numbers by name.

        Raises:
            DataError: The function returns anything else.
        """
        try:
            value = self.function(outputs, targets, ann_outputs)
        except Exception as error:
            error.add_note(f"in the metric '{self.name}' of [output] metric")
            raise
        values = value if isinstance(value, Mapping) else {self.name: value}
        for name, number in values.items():
            if not isinstance(number, Real) and not (isinstance(number, np.ndarray) and number.ndim == 0):
                raise DataError(
                    f"metric '{self.name}': expected a number, or a dictionary of numbers, got {name} = "
                    f"{type(number).__name__}"
                )
        return {str(name): float(number) for name, number in values.items()}


@dataclass
class MetricCollector:
    """Keeps the outputs of all batches for a metric.

    Attributes:
        metric: The metric.
    """

    metric: Metric
    _kept: dict[str, list[Array]] = field(default_factory=dict, repr=False)

    def add(self, **values: Array | None) -> None:
        """Add a batch: ``snn``, ``ann``, ``targets``, each (batch, ...), or None if it is not known."""
        for name, array in values.items():
            if array is not None:
                self._kept.setdefault(name, []).append(array)

    def result(self) -> dict[str, dict[str, float]]:
        """Return the numbers of the networks of which outputs are known, by "ann" and "snn"."""
        known = {name: np.concatenate(arrays) for name, arrays in self._kept.items()}
        targets, ann = known.get("targets"), known.get("ann")
        return {stage: self.metric(known[stage], targets, ann) for stage in ("ann", "snn") if stage in known}
