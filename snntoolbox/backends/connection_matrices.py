"""The sparse matrix of every linear op: which output element takes how much of which input element.

Matrices have one row for each output element and one column for each input element, both in row-major
(channels-last) order. Positions are never computed by formulas of their own: the op's kernel is applied to an array of
element numbers, so a matrix cannot disagree with the op about padding, strides, dilation or layout. A new linear op is
registered here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from snntoolbox.backends.kernels import apply_op
from snntoolbox.errors import UnsupportedError
from snntoolbox.ir import ops
from snntoolbox.ir.windows import pad_spatial, pool_windows

__all__ = ["matrices"]

Array = NDArray[Any]


@singledispatch
def matrices(op: ops.Op, shapes: Sequence[ops.Shape]) -> list[Any]:
    """Return the matrix of ``op`` for each of its inputs, without its constant part.

    Args:
        op: A linear op.
        shapes: Shapes of its inputs, without batch.

    Returns:
        One ``scipy.sparse.csr_array`` of float64 for each input, shape (output elements, input elements).

    Raises:
        UnsupportedError: The op is not linear, so it has no synapses.
    """
    raise UnsupportedError(f"op {op.kind} is no linear map, so spikes cannot pass through it as synapses")


def _numbers(shape: ops.Shape) -> Array:
    """Return the number of each element, from 1, in a batch of one; 0 is left for padding."""
    return np.arange(1, prod(shape) + 1, dtype=np.int64).reshape(1, *shape)


def _assemble(rows: Array, columns: Array, values: Array, shape: tuple[int, int]) -> Any:
    """Return the matrix of entries whose column numbers count from 1; those with column 0 are padding."""
    rows, columns, values = (np.ravel(a) for a in np.broadcast_arrays(rows, columns, values))
    kept = (columns > 0) & (values != 0)
    entries = (values[kept].astype(np.float64), (rows[kept], columns[kept] - 1))
    return sparse.coo_array(entries, shape=shape).tocsr()


@matrices.register
def _(op: ops.Dense, shapes: Sequence[ops.Shape]) -> list[Any]:
    weight = sparse.csr_array(op.weight.T.astype(np.float64))
    places = prod(shapes[0][:-1])
    return [weight if places == 1 else sparse.csr_array(sparse.kron(sparse.eye_array(places), weight, format="csr"))]


@matrices.register
def _(op: ops.Conv, shapes: Sequence[ops.Shape]) -> list[Any]:
    (shape,) = shapes
    out = op.infer(shape)
    windows = pool_windows(pad_spatial(_numbers(shape), op.padding), op.window, op.strides, op.dilation)[0]
    # windows: (*spatial', in, *window) -> sources: (places, groups, in / groups, window)
    sources = windows.reshape(prod(out[:-1]), op.groups, -1, prod(op.window))
    # kernel: (*window, in / groups, out) -> weights: (groups, in / groups, window, out / groups)
    weights = op.kernel.reshape(prod(op.window), -1, op.groups, out[-1] // op.groups).transpose(2, 1, 0, 3)
    targets = np.arange(prod(out)).reshape(prod(out[:-1]), op.groups, 1, 1, -1)
    return [_assemble(targets, sources[..., None], weights[None], (prod(out), prod(shape)))]


@matrices.register
def _(op: ops.ConvTranspose, shapes: Sequence[ops.Shape]) -> list[Any]:
    # The transpose of a convolution: input element p adds to the window of output elements that a convolution over
    # the output would read at p.
    (shape,) = shapes
    out = op.infer(shape)
    reach = (
        (n - 1) * s + (w - 1) * d + 1 for n, s, w, d in zip(shape, op.strides, op.window, op.dilation, strict=False)
    )
    padding = tuple((lo, max(r - lo - n, 0)) for r, (lo, _), n in zip(reach, op.padding, out, strict=False))
    windows = pool_windows(pad_spatial(_numbers(out), padding), op.window, op.strides, op.dilation)[0]
    windows = windows[tuple(slice(n) for n in shape[:-1])]
    # (*spatial, out, *window) -> targets: (places, groups, 1, out / groups, window)
    targets = windows.reshape(prod(shape[:-1]), op.groups, 1, -1, prod(op.window))
    # kernel: (*window, in, out / groups) -> (groups, in / groups, out / groups, window)
    weights = op.kernel.reshape(prod(op.window), op.groups, -1, op.kernel.shape[-1]).transpose(1, 2, 3, 0)
    sources = np.arange(prod(shape)).reshape(prod(shape[:-1]), op.groups, -1, 1, 1)
    return [_assemble(sources, targets, weights[None], (prod(shape), prod(out))).T.tocsr()]


@matrices.register
def _(op: ops.AveragePool, shapes: Sequence[ops.Shape]) -> list[Any]:
    (shape,) = shapes
    ones, size = (1,) * len(op.pool), prod(op.infer(shape))
    sources = pool_windows(pad_spatial(_numbers(shape), op.padding), op.pool, op.strides, ones).reshape(size, -1)
    count = sources.shape[1] if op.count_padding else (sources > 0).sum(axis=1, keepdims=True)
    return [_assemble(np.arange(size)[:, None], sources, 1.0 / np.asarray(count), (size, prod(shape)))]


@matrices.register
def _(op: ops.Affine, shapes: Sequence[ops.Shape]) -> list[Any]:
    scale = np.broadcast_to(op.scale, shapes[0]).ravel().astype(np.float64)
    return [sparse.csr_array(sparse.diags_array(scale, format="csr"))]


@matrices.register(ops.Reshape)
@matrices.register(ops.Permute)
@matrices.register(ops.Pad)
@matrices.register(ops.Slice)
@matrices.register(ops.Upsample)
@matrices.register(ops.Concat)
def _(op: ops.Op, shapes: Sequence[ops.Shape]) -> list[Any]:
    sizes = [prod(shape) for shape in shapes]
    starts = np.cumsum([0, *sizes])
    numbered = [_numbers(shape) + start for shape, start in zip(shapes, starts, strict=False)]
    moved = np.ravel(apply_op(op, *numbered))
    whole = _assemble(np.arange(moved.size), moved, np.ones(()), (moved.size, int(starts[-1])))
    if len(shapes) == 1:
        return [whole]
    return [whole[:, start : start + size] for start, size in zip(starts, sizes, strict=False)]


@matrices.register
def _(op: ops.Add, shapes: Sequence[ops.Shape]) -> list[Any]:
    return [sparse.csr_array(sparse.eye_array(prod(shape), format="csr")) for shape in shapes]
