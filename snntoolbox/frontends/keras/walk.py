"""From a Keras model to a graph: every call in order, nested models flattened, everything refused at once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from snntoolbox.errors import GraphError, Problem, UnsupportedError
from snntoolbox.frontends.keras.calls import Builder, Call, RefusedCall, Translator, Wire
from snntoolbox.frontends.keras.table import LAYERS, OPERATIONS, REMOVED_LAYERS, REMOVED_OPERATIONS, advice
from snntoolbox.ir import Graph
from snntoolbox.ir.ops import Input, Shape

__all__ = ["Walk", "is_graph_model"]

logger = logging.getLogger("snntoolbox")


class Walk:
    """One pass over a model.

    While it runs, None stands for the output of a refused call of which not even the shape is known.

    Names: a node has the name of its layer; further nodes of one layer, and its activation, ``<layer>_<what>``. Layers
    of nested models that share a name get that of their model in front; a layer called again gets ``_2``.
    """

    def __init__(self, model: Any, input_shapes: Mapping[str, Shape]) -> None:
        """Prepare names.

        Args:
            model: A built functional or sequential model.
            input_shapes: Shape of every input without batch, by name.
        """
        self._model = model
        self._input_shapes = input_shapes
        operations = [*(tensor._keras_history.operation for tensor in model.inputs), *_leaves(model)]
        leaves = {id(operation): operation.name for operation in operations}
        self._uses = Counter(leaves.values())
        self._builder = Builder(reserved=leaves.values())
        self._problems: list[Problem] = []
        self._refused: list[str] = []
        self._removed: list[str] = []

    def graph(self) -> Graph:
        """Return the graph.

        Raises:
            UnsupportedError: Calls that cannot be translated, all of them.
        """
        sources: list[str | None] = []
        for tensor in self._model.inputs:
            name = tensor._keras_history.operation.name
            sources.append(self._builder.add(self._builder.claim(name), Input(self._input_shapes[name])))
        outputs = self._run(self._model, sources, ())
        if self._problems:
            count = len(self._problems)
            calls = "one layer" if count == 1 else f"{count} layers"
            summary = f"model '{self._model.name}': {calls} cannot be taken"
            raise UnsupportedError(summary, self._problems, self._partial(outputs))
        attributes = {"frontend": "keras", "model": self._model.name}
        if self._removed:
            logger.info("removed layers that do nothing after training: %s", ", ".join(self._removed))
            attributes["removed"] = ", ".join(self._removed)
        return self._builder.graph([name for name in outputs if name is not None], attributes)

    def _partial(self, outputs: Sequence[str | None]) -> Graph | None:
        """Return the graph of what could be translated, if all its outputs are known."""
        known = [name for name in outputs if name is not None]
        return self._builder.graph(known, {"refused": "\n".join(self._refused)}) if len(known) == len(outputs) else None

    def _run(self, model: Any, sources: Sequence[str | None], path: tuple[str, ...]) -> list[str | None]:
        """Translate all calls inside a model, given the nodes that go in; return those that come out."""
        known = {id(tensor): source for tensor, source in zip(model.inputs, sources, strict=True)}
        for node in _calls(model):
            results = self._visit(node, [known[id(tensor)] for tensor in node.input_tensors], known, path)
            known.update(zip(map(id, node.output_tensors), results, strict=True))
        return [known[id(tensor)] for tensor in model.outputs]

    def _visit(
        self, node: Any, sources: list[str | None], known: Mapping[int, str | None], path: tuple[str, ...]
    ) -> Sequence[str | None]:
        """Translate one call, given the nodes that go in; return those that come out."""
        layer = node.operation
        name = layer.name if self._uses[layer.name] <= 1 else "_".join((*path, layer.name))
        claimed = ""
        try:
            _check_layer(layer)
            if is_graph_model(layer):
                return self._run(layer, sources, (*path, layer.name))
            translate = _translator(layer)
            inputs = tuple(source for source in sources if source is not None)
            if len(inputs) < len(sources):
                return [None] * len(node.output_tensors)
            if translate is None:
                self._removed += [name] if _is_layer(layer) else []
                return inputs
            args, kwargs = node.arguments.fill_in({key: Wire(value) for key, value in known.items() if value})
            claimed = self._builder.claim(name)
            result = translate(Call(layer, claimed, inputs, args, kwargs, self._builder))
        except RefusedCall as error:
            problem = Problem(_place(layer, name), error.what, error.hint)
        except GraphError as error:
            problem = Problem(_place(layer, name), str(error))
        else:
            return [result] if isinstance(result, str) else result
        self._problems.append(problem)
        free = claimed if claimed not in self._builder.shapes else ""
        return [self._placeholder(free or self._builder.claim(name), t.shape[1:]) for t in node.output_tensors]

    def _placeholder(self, name: str, shape: Sequence[int | None]) -> str | None:
        """Stand in for the output of a refused call, so that the rest can still be checked."""
        sizes = tuple(size for size in shape if size is not None)
        if len(sizes) < len(shape) or not sizes:
            return None
        name = self._builder.claim(name) if name in self._builder.shapes else name
        self._refused.append(name)
        return self._builder.add(name, Input(sizes))


def is_graph_model(operation: Any) -> bool:
    """Whether an operation is a model whose layers are known as a graph: sequential or functional, `call` untouched."""
    call = getattr(type(operation), "call", None)
    return getattr(call, "__qualname__", "") in ("Functional.call", "Sequential.call")


def _leaves(model: Any) -> Iterator[Any]:
    """Yield every layer and operation that is no model itself, nested models opened."""
    for node in _calls(model):
        if is_graph_model(node.operation):
            yield from _leaves(node.operation)
        else:
            yield node.operation


def _calls(model: Any) -> list[Any]:
    """Return the calls (Keras nodes) on the way from the model's inputs to its outputs, each after those it needs.

    Depth first from the outputs, so that each branch stays together.
    """
    entrances = {id(tensor) for tensor in model.inputs}
    ordered: dict[int, Any] = {}
    stack = [(tensor, False) for tensor in reversed(model.outputs)]
    while stack:
        tensor, inputs_done = stack.pop()
        if id(tensor) in entrances:
            continue
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        if id(node) in ordered:
            continue
        if inputs_done:
            ordered[id(node)] = node
        else:
            stack.append((tensor, True))
            stack.extend((source, False) for source in reversed(node.input_tensors))
    return list(ordered.values())


def _is_layer(operation: Any) -> bool:
    import keras

    return isinstance(operation, keras.Layer)


def _place(layer: Any, name: str) -> str:
    return f"{'layer' if _is_layer(layer) else 'operation'} '{name}' ({type(layer).__name__})"


def _translator(operation: Any) -> Translator | None:
    """Return the translator of an operation, or None if it is dropped.

    Raises:
        RefusedCall: It is in no table.
    """
    kind = type(operation).__name__
    table, removed = (LAYERS, REMOVED_LAYERS) if _is_layer(operation) else (OPERATIONS, REMOVED_OPERATIONS)
    is_keras = type(operation).__module__.split(".")[0] in ("keras", "snntoolbox")
    if is_keras and kind in removed:
        return None
    if not is_keras or kind not in table:
        what = "cannot be converted." if is_keras else "is not one of Keras's own layers."
        raise RefusedCall(what, advice(kind, is_keras=is_keras))
    return table[kind]


def _check_layer(layer: Any) -> None:
    """Refuse what any layer may have set.

    Raises:
        RefusedCall: Channels first, or quantised weights.
    """
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        raise RefusedCall(
            "has data_format='channels_first'.",
            "Build the model with channels_last; the weights of convolutions are the same, set them with set_weights.",
        )
    if getattr(layer, "quantization_mode", None):
        raise RefusedCall(f"is quantised ({layer.quantization_mode}).", "Convert the model before quantising it.")
