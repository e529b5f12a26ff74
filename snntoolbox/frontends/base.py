"""The contract of a frontend, and the choice of one for a model.

A third party writes one `Frontend`, registers it under the entry point ``snntoolbox.frontends``, and runs
`snntoolbox.testing.check_frontend` on it. A frontend imports its framework when it loads or parses, not before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Protocol

from snntoolbox.errors import DataError, UnsupportedError
from snntoolbox.ir import Graph
from snntoolbox.ir.samples import Array, Samples
from snntoolbox.registry import FRONTENDS, suggest

__all__ = ["Frontend", "Reference", "find_frontend", "locate", "make_frontend"]


class Reference(Protocol):
    """A model as a function from samples to what it answers itself."""

    def __call__(self, x: Samples, *, batch_size: int = 64) -> Array | list[Array]:
        """Return the outputs; arguments and value as for `Frontend.reference_outputs`."""


class Frontend(ABC):
    """Reads the models of one framework. Concrete frontends are frozen dataclasses; their fields are their options.

    Attributes:
        name: Registered name.
        suffixes: How the names of its files end, with the dot.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]

    @classmethod
    def reads(cls, path: Path) -> bool:
        """Whether a file or folder is of this framework, by its name. Nothing is opened."""
        return path.name.endswith(cls.suffixes)

    @classmethod
    @abstractmethod
    def accepts(cls, model: Any) -> bool:
        """Whether an object is a loaded model of this framework. Does not import the framework."""

    @abstractmethod
    def load(self, path: str | PathLike[str]) -> Any:
        """Return the model in a file, as the framework's own object.

        Raises:
            DataError: The file does not exist, or is damaged.
            UnsupportedError: It holds something that cannot be loaded; the message says what to do.
        """

    @abstractmethod
    def parse(self, model: Any) -> Graph:
        """Return the graph of a loaded model, which is not changed, or of a file.

        Raises:
            DataError, UnsupportedError: As for `load`.
            UnsupportedError: The model holds layers that cannot be taken; all are listed.
        """

    @abstractmethod
    def reference_outputs(self, model: Any, x: Samples, *, batch_size: int = 64) -> Array | list[Array]:
        """Return what the model itself answers, computed by its own framework, to compare the graph with.

        Args:
            model: A loaded model.
            x: Samples as for `snntoolbox.ir.evaluate.evaluate`: input names are those of the graph.
            batch_size: Samples computed at a time.

        Returns:
            The values of the only output, shape (num_samples, *shape), or a list in the order of the graph's outputs.
        """

    def reference(self, model: Any) -> Reference:
        """Return `reference_outputs` of a model as a function, for samples that come in several parts.

        A frontend whose framework compiles a model overrides this, so that it is compiled once.
        """
        return partial(self.reference_outputs, model)


def locate(path: str | PathLike[str]) -> Path:
    """Return the model file at ``path``, which may lack the suffix that one of the frontends knows.

    Raises:
        DataError: There is none.
    """
    path = Path(path)
    if path.exists():
        return path
    suffixes = [suffix for frontend in _frontends() for suffix in frontend.suffixes]
    for suffix in suffixes:
        candidate = path.with_name(path.name + suffix)
        if candidate.is_file():
            return candidate
    raise DataError(f"no model at {path}; looked for that name, also with {', '.join(suffixes)} at its end")


def find_frontend(model: Any, **options: Any) -> Frontend:
    """Return the frontend for a model file (a path, with or without its suffix) or a loaded model object.

    Args:
        model: Path or object.
        options: Options of that frontend, such as ``input_shape``.

    Raises:
        DataError: The file does not exist.
        UnsupportedError: No frontend knows such files or objects, or the frontend has no such option; the message lists
            what is known.
    """
    frontends = _frontends()
    is_path = isinstance(model, str | PathLike)
    path = locate(model) if is_path else Path()
    for frontend in frontends:
        if frontend.reads(path) if is_path else frontend.accepts(model):
            return make_frontend(frontend, options)
    kind = type(model)
    what = f"the file {path}" if is_path else f"an object of type {kind.__module__}.{kind.__qualname__}"
    known = "; ".join(f"{frontend.name}: {', '.join(frontend.suffixes)}" for frontend in frontends)
    raise UnsupportedError(f"no frontend reads {what}. Expected a model object or file of one of these: {known}")


def _frontends() -> Sequence[type[Frontend]]:
    return [FRONTENDS.load(name) for name in FRONTENDS.names()]


def make_frontend(frontend: type[Frontend], options: Mapping[str, Any]) -> Frontend:
    """Return a frontend with options.

    Raises:
        UnsupportedError: It has no such option; the message lists those it has.
    """
    known = [field.name for field in fields(frontend)]  # type: ignore[arg-type]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise UnsupportedError(
            f"the frontend '{frontend.name}' has no option '{unknown[0]}'.{suggest(unknown[0], known)} "
            f"Its options: {', '.join(known) or 'none'}"
        )
    return frontend(**options)
