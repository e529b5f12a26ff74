"""How the work of a run is divided: whether XLA is used, batches, steps at a time, steps a call. No TensorFlow here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from snntoolbox.backends.tensorflow.plan import Plan
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Conv, ConvTranspose, Dense

__all__ = ["UNROLLED", "Leg", "chunk_steps", "legs", "padded_batch", "pays_off"]

MIN_UPDATES = 4096
"""Neurons times samples from which XLA is worth its compilation of a second or two."""
ROWS = 500
"""Samples times steps in one call of a kernel. Fewer: the overhead of calls shows. More: data leave the cache."""
UNROLLED = 5
"""Up to this many steps are written out: each is fused on its own, without copies between them. A loop over a few more
is slower, one over many more is faster; written out, they would take long to compile."""
CHUNK_BYTES = 2**24
"""Most memory for the values of one node in a chunk."""
LEG_BYTES = 2**26
"""Most memory for what is fed to and recorded in one call."""
LEG_STEPS = 16
"""Most steps in one call of a network that ends when its output has decided."""
WASTED_OPERATIONS = 1e11
"""Multiplications for padding of a batch that take about as long as compiling for its exact size."""


def pays_off(body: Graph, batch_size: int) -> bool:
    """Whether XLA makes a simulation of this size faster, its compilation included."""
    return batch_size * sum(body.size(name) for name in body.neurons) >= MIN_UPDATES


def padded_batch(body: Graph, batch: int, batch_size: int, num_steps: int) -> int:
    """Return the number of samples to compile for.

    A smaller last batch is filled up if that is less work than compiling once more.
    """
    wasted = (batch_size - batch) * num_steps * _operations(body)
    return batch_size if wasted <= WASTED_OPERATIONS else batch


def _operations(body: Graph) -> int:
    """Return the number of multiplications of a sample in a step."""
    total = 0
    for node in body.nodes:
        shape = body.shapes[node.name]
        match node.op:
            case Dense(weight=weight):
                total += weight.size * prod(shape[:-1])
            case Conv(kernel=kernel):
                total += kernel.size * prod(shape[:-1])
            case ConvTranspose(kernel=kernel):
                total += kernel.size * prod(body.shapes[node.inputs[0]][:-1])
            case _:
                total += prod(shape)
    return total


def chunk_steps(plan: Plan, batch: int, num_steps: int, *, xla: bool) -> int:
    """Return how many steps are simulated at a time; a divisor of ``num_steps`` if one is near.

    Args:
        plan: The graph, cut up.
        batch: Number of samples.
        num_steps: Number of steps of the run.
        xla: Whether XLA is used; without, the steps of a chunk are always written out.
    """
    if plan.deciding:
        return 1  # which samples go on is known after each step only
    stored = [node.name for s in plan.segments for node in s.nodes if node.name not in plan.regular]
    largest = max(plan.body.size(name) for name in stored)
    best = max(min(ROWS // batch, CHUNK_BYTES // (4 * batch * largest), num_steps), 1)
    if best > UNROLLED and (not xla or best < 4 * UNROLLED):
        best = UNROLLED
    most = min(best * 4 // 3, num_steps) if best > UNROLLED else min(best * 4 // 3, num_steps, UNROLLED)
    return next((size for size in range(most, best // 2, -1) if num_steps % size == 0), best)


@dataclass(frozen=True)
class Leg:
    """Some steps of a run that are simulated by one call.

    Attributes:
        chunk: Steps at a time.
        chunks: How often.
        rest: Steps after these, fewer than a chunk.
        opens: Whether it begins the run.
    """

    chunk: int
    chunks: int
    rest: int
    opens: bool

    @property
    def num_steps(self) -> int:
        """Number of steps."""
        return self.chunk * self.chunks + self.rest


def legs(num_steps: int, chunk: int, bytes_per_step: int, *, may_end: bool = False) -> Iterator[Leg]:
    """Yield the calls of a run, as few as memory for what goes in and out allows.

    With ``may_end``, some more: after each of them, the run may be over.
    """
    chunks, rest = divmod(num_steps, chunk)
    most = max(LEG_BYTES // max(bytes_per_step * chunk, 1), 1)
    most = min(most, max(LEG_STEPS // chunk, 1)) if may_end else most
    for done in range(0, chunks, most):
        last = done + most >= chunks
        yield Leg(chunk, min(most, chunks - done), rest if last else 0, opens=done == 0)
