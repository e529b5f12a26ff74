"""Do samples fit the network's input? If not: what would make them fit."""

from __future__ import annotations

from itertools import permutations
from math import prod

from snntoolbox.errors import DataError

__all__ = ["fit_shape"]


def fit_shape(shape: tuple[int, ...], expected: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return the shape in which samples enter the network: ``expected``.

    Only a channel axis of length 1 at the end is added or removed: anything else would be a guess.

    Args:
        shape: Shape of one sample as stored.
        expected: Shape of the network's input.
        name: File or argument, as messages name it.

    Raises:
        DataError: The shapes differ otherwise. The message proposes the transposition or reshaping that would fit.
    """
    if expected in (shape, (*shape, 1)) or (*expected, 1) == shape:
        return expected
    raise DataError(f"{name}: samples have shape {shape}, the network takes {expected}. {_proposal(shape, expected)}")


def _proposal(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    axes = _permutation(shape, expected)
    if axes is not None:
        order = ", ".join(str(axis + 1) for axis in axes)
        meaning = " (channels last)" if axes == (*range(1, len(shape)), 0) else ""
        return f"Swap the axes{meaning}: x.transpose(0, {order})."
    if prod(shape) == prod(expected):
        return f"They hold the same number of values: x.reshape({', '.join(map(str, (-1, *expected)))}), if in order."
    return "Use samples as the network was trained on, resized or cropped to its input."


def _permutation(shape: tuple[int, ...], expected: tuple[int, ...]) -> tuple[int, ...] | None:
    """Axes that turn ``shape`` into ``expected``; channels first to channels last is tried before all others."""
    if sorted(shape) != sorted(expected):
        return None
    channels_last = (*range(1, len(shape)), 0)
    candidates = [channels_last, *permutations(range(len(shape)))]
    return next(axes for axes in candidates if tuple(shape[axis] for axis in axes) == expected)
