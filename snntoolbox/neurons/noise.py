"""Counter-based uniform noise: one number for each (seed, stream, sample, step, element).

Nothing is drawn in sequence, so a train does not depend on the batch size, on the order of evaluation or on the
backend: any backend that computes the same integer hash gets the same spikes. The mixing function is the 32-bit
finaliser ``x ^= x >> 16; x *= 0x7feb352d; x ^= x >> 15; x *= 0x846ca68b; x ^= x >> 16`` (Wellons, public domain).
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["MULTIPLIERS", "RESOLUTION", "mix", "stream_key", "uniform"]

MULTIPLIERS = (0x7FEB352D, 0x846CA68B)
RESOLUTION = 2.0**-24
"""Noise is k * 2**-24 with integer k in [0, 2**24), so it is exact in float32."""


def mix(x: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the bits of ``x`` mixed so that consecutive integers give unrelated results. Shape and dtype are kept."""
    x = x ^ (x >> np.uint32(16))
    x = x * np.uint32(MULTIPLIERS[0])
    x = x ^ (x >> np.uint32(15))
    x = x * np.uint32(MULTIPLIERS[1])
    return x ^ (x >> np.uint32(16))


def stream_key(seed: int, stream: str) -> int:
    """Return the 32-bit key of one source of noise: a seed of any size and the name of what draws (a node's name)."""
    return zlib.crc32(f"{seed}/{stream}".encode())


def uniform(key: int, sample_ids: NDArray[np.integer], step: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return noise in [0, 1) of shape (batch, *shape), in float32.

    Args:
        key: From `stream_key`.
        sample_ids: Index of each sample in the whole data set, shape (batch,).
        step: Time step, counted from 1.
        shape: Shape of one sample.
    """
    size = int(np.prod(shape, dtype=np.int64))
    with np.errstate(over="ignore"):
        per_step = mix(np.asarray([key], np.uint32) ^ mix(np.asarray([step], np.uint32)))
        per_sample = mix(per_step ^ np.asarray(sample_ids).astype(np.uint32))
        bits = mix(mix(np.arange(size, dtype=np.uint32))[None, :] ^ per_sample[:, None])
    return ((bits >> np.uint32(8)).astype(np.float32) * np.float32(RESOLUTION)).reshape(-1, *shape)
