"""Local threshold balancing: each threshold grows towards what it would clip, by as much as it would clip.

Source: Bu et al. 2025, "Inference-scale complexity in ANN-SNN conversion for high-performance and low-power
applications".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.errors import ConversionError
from snntoolbox.ir import Graph
from snntoolbox.ir.samples import Samples, named_samples

__all__ = ["balance_locally"]

BATCH = 32
"""Samples of one round."""


def balance_locally(
    graph: Graph, batches: Sequence[Samples], *, rounds: int, channel_wise: bool
) -> dict[str, NDArray[np.float64]]:
    """Return the scale of each rectifier after some rounds.

    From 0, each round of `BATCH` samples raises a threshold by twice the mean of what exceeds it, and passes on
    activations clipped at it, so that later layers adapt to what earlier ones clip. Scales grow with the rounds towards
    the largest activation, hence few rounds suit few time steps.

    Args:
        graph: The graph as it will be normalised.
        batches: Samples, gone through again and again.
        rounds: Number of updates.
        channel_wise: Whether each channel gets a scale of its own.

    Returns:
        Name of each rectifier -> scale, shape (channels,) or (); 0 where nothing was active.

    Raises:
        ConversionError: There are no rounds.
    """
    if rounds < 1:
        raise ConversionError(f"local balancing: expected at least one round, got {rounds}")
    from snntoolbox.ir.tf_clipping import GrowingCeilings

    shapes = {name: graph.shapes[name] for name in graph.inputs}
    parts = [part for batch in batches for part in _parts(named_samples(shapes, batch))]
    growing = GrowingCeilings(graph, channel_wise)
    for part in islice(cycle(parts), rounds):
        growing.grow(part)
    return growing.ceilings


def _parts(samples: Mapping[str, NDArray[Any]]) -> list[dict[str, NDArray[Any]]]:
    count = len(next(iter(samples.values())))
    return [{name: x[i : i + BATCH] for name, x in samples.items()} for i in range(0, count, BATCH)]
