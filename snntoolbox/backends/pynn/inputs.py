"""A stimulus as sources of spikes, for simulators whose spikes have no size of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.connections import Synapses
from snntoolbox.backends.record import Array

__all__ = ["InputSpikes", "read_spikes"]


@dataclass(frozen=True, eq=False)
class InputSpikes:
    """Sources of spikes. An input element that sends values of different size has one source for each size.

    Attributes:
        elements: Input element of each source, counted through all samples, ascending.
        values: Size of the message of each source.
        times: Steps in which each source fires, from 1.
    """

    elements: NDArray[np.int64]
    values: Array
    times: list[NDArray[np.int64]]

    def synapses(self, synapses: Synapses) -> Synapses:
        """Return synapses from the sources instead of from the input elements, messages made part of the weights."""
        first = np.searchsorted(self.elements, synapses.pre, "left")
        number = np.searchsorted(self.elements, synapses.pre, "right") - first
        which = np.repeat(np.arange(len(synapses)), number)
        offset = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
        source = first[which] + offset
        weight = synapses.weight[which] * self.values[source]
        return Synapses(synapses.source, synapses.target, source, synapses.post[which], weight)


def read_spikes(frames: Iterator[Array]) -> InputSpikes:
    """Return the sources that send the values of ``frames``, one array of shape (batch, *shape) a step."""
    sent: list[tuple[Array, Array, Array]] = []
    for number, frame in enumerate(frames, start=1):
        flat = np.asarray(frame, np.float64).ravel()
        (where,) = np.nonzero(flat)
        sent.append((np.full(len(where), number), where, flat[where]))
    step, element, value = (np.concatenate(parts) for parts in zip(*sent, strict=True))
    order = np.lexsort((step, value, element))
    step, element, value = step[order], element[order], value[order]
    begins = np.flatnonzero(np.r_[True, (np.diff(element) != 0) | (np.diff(value) != 0)][: len(step)])
    return InputSpikes(element[begins], value[begins], np.split(step, begins[1:]) if len(step) else [])
