"""Windows of spatial axes as views, for ops that slide over them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from snntoolbox.ir.ops import Padding, Shape

__all__ = ["pad_spatial", "pool_windows"]

Array = NDArray[Any]


def pad_spatial(x: Array, padding: Padding, value: float = 0.0) -> Array:
    """Pad the spatial axes of x, shape (batch, *spatial, channels)."""
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value) if np.any(padding) else x


def pool_windows(x: Array, window: Shape, strides: Shape, dilation: Shape) -> Array:
    """Return a view of x, shape (batch, *spatial, channels), as windows: (batch, *spatial', channels, *window)."""
    axes = tuple(range(1, 1 + len(window)))
    extent = tuple((w - 1) * d + 1 for w, d in zip(window, dilation, strict=True))
    view: Array = sliding_window_view(x, extent, axis=axes)  # type: ignore[call-overload]
    steps = tuple(slice(None, None, s) for s in strides)
    inner = tuple(slice(None, None, d) for d in dilation)
    return view[(slice(None), *steps, slice(None), *inner)]
