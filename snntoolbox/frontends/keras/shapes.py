"""Shapes of a model's inputs, with sizes that the model leaves open filled in by the user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snntoolbox.errors import Problem, UnsupportedError
from snntoolbox.ir.ops import Shape

__all__ = ["input_name", "input_shapes"]


def input_name(tensor: Any) -> str:
    """Return the name of the input layer that a model's input tensor comes from."""
    return str(tensor._keras_history.operation.name)


def input_shapes(model: Any, given: Sequence[int] | Mapping[str, Sequence[int]] | None) -> dict[str, Shape]:
    """Return the shape of every input without batch, by name.

    Args:
        model: A built model.
        given: Shape of the only input, or shapes by input name; sizes the model knows have to agree.

    Raises:
        UnsupportedError: A size is not known, or does not agree.
    """
    declared = {input_name(tensor): tuple(tensor.shape[1:]) for tensor in model.inputs}
    if given is not None and not isinstance(given, Mapping):
        given = dict.fromkeys(declared, given) if len(declared) == 1 else {"": given}
    given = given or {}
    problems = [
        Problem(f"input_shape for '{name}'", f"the model has no such input, only {', '.join(declared)}.")
        for name in given
        if name not in declared
    ]
    shapes = {}
    for name, shape in declared.items():
        wanted = tuple(given[name]) if name in given else shape
        problem = _problem(name, shape, wanted)
        if problem:
            problems.append(problem)
        shapes[name] = tuple(size for size in wanted if size is not None)
    if problems:
        raise UnsupportedError(f"model '{model.name}': the shape of its input is not settled", problems)
    return shapes


def _problem(name: str, declared: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> Problem | None:
    where = f"input '{name}'"
    if len(wanted) != len(declared) or any(a not in (None, b) for a, b in zip(declared, wanted, strict=True)):
        return Problem(where, f"has shape {declared}, which input_shape={wanted} does not agree with.")
    unknown = [axis for axis, size in enumerate(wanted) if size is None]
    if unknown:
        axes = ", ".join(map(str, unknown))
        return Problem(
            where,
            f"has shape {declared}: the size of axis {axes} is open, but neurons need a place each.",
            "Give input_shape=(...) without batch, or build the model with a fixed keras.Input.",
        )
    return None
