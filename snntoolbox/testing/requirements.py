"""What a check demands, with errors that say which demand was not met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from snntoolbox.backends import Record
from snntoolbox.errors import ConformanceError, SNNToolboxError

__all__ = ["require", "require_close", "require_equal", "require_refusal", "require_same"]


def require(condition: bool, message: str) -> None:
    """Raise `ConformanceError` with the message unless the condition holds."""
    if not condition:
        raise ConformanceError(message)


def require_equal(a: Any, b: Any, what: str) -> None:
    """Demand the same numbers."""
    require(np.array_equal(a, b), f"{what} differ")


def require_close(a: Any, b: Any, what: str) -> None:
    """Demand the same shapes, and numbers within 1e-5."""
    require(np.shape(a) == np.shape(b), f"{what}: shapes {np.shape(a)} and {np.shape(b)} differ")
    difference = float(np.max(np.abs(np.asarray(a) - np.asarray(b)), initial=0.0))
    require(difference <= 1e-5, f"{what}: expected differences within 1e-5, got {difference:.3g}")


def require_same(a: Record, b: Record, what: str, *, outputs: bool = True) -> None:
    """Demand the same spike counts in two records, and the same outputs within 1e-5."""
    for name, counts in a.spike_counts.items():
        require_equal(counts, b.spike_counts[name], f"{what}: spike counts of '{name}'")
    if outputs:
        for name, values in a.outputs.items():
            require_close(values, b.outputs[name], f"{what}: output '{name}'")


def require_refusal(action: Callable[[], Any], kind: type[SNNToolboxError], word: str, what: str) -> None:
    """Demand that an action is refused with a kind of error whose message mentions a word."""
    try:
        action()
    except kind as error:
        require(word in str(error), f"the refusal of {what} does not mention '{word}': {error}")
        return
    raise ConformanceError(f"{what} is not refused")
