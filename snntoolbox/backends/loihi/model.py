"""`NxModel`: layers connected by hand, compiled and run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.connections import connect
from snntoolbox.backends.loihi.arithmetic import mantissa_and_exponent
from snntoolbox.backends.loihi.checker import check_mapping
from snntoolbox.backends.loihi.compartments import READOUT, Compartments
from snntoolbox.backends.loihi.compiler import Compiled, search_options
from snntoolbox.backends.loihi.layers import NxInputLayer, NxLayer, NxNeuronLayer, NxTensor
from snntoolbox.backends.loihi.limits import DECAY_MAX, UNIT_SHIFT
from snntoolbox.backends.loihi.mapper import map_layout
from snntoolbox.backends.loihi.mapping import Mapping, save_mapping
from snntoolbox.backends.loihi.network import Network, Population, Projection, truncated_mantissas
from snntoolbox.backends.loihi.nx_run import NxRun, run_mapping
from snntoolbox.backends.loihi.partition.layout import Layout
from snntoolbox.backends.loihi.partition.search import Progress, partition
from snntoolbox.backends.loihi.placement import place
from snntoolbox.backends.loihi.settings import LoihiSettings
from snntoolbox.errors import GraphError, UnsupportedError
from snntoolbox.ir import Graph, Node, ops
from snntoolbox.neurons import Accumulator

__all__ = ["NxModel", "NxRun"]

Array = NDArray[Any]


class NxModel:
    """A network of Nx layers.

    Args:
        inputs: `NxInputLayer.input`.
        outputs: Output of the last layer.
        settings: How to partition; the options on discretisation are not used, since all numbers are given.

    Attributes:
        layers: All layers, in order.
    """

    def __init__(self, inputs: NxTensor, outputs: NxTensor, settings: LoihiSettings | None = None) -> None:
        self.settings = settings or LoihiSettings()
        chain: list[NxTensor] = []
        tensor: NxTensor | None = outputs
        while tensor is not None:
            chain.append(tensor)
            tensor = tensor.source
        self._chain = chain[::-1]
        self.layers: list[NxLayer] = [t.layer for t in self._chain]
        if self._chain[0].layer is not inputs.layer or not isinstance(inputs.layer, NxInputLayer):
            raise GraphError("NxModel: the outputs do not lead back to the inputs, which must be those of NxInputLayer")
        if not isinstance(self.layers[-1], NxNeuronLayer):
            raise GraphError(f"NxModel: the last layer must have neurons, '{self.layers[-1].name}' has none")
        self._layout: Layout | None = None
        self._mapping: Mapping | None = None
        self._changes: list[int] = []

    def summary(self) -> str:
        """Return one line a layer: name, class, shape, neurons, weights."""
        lines = [f"{'layer':<24}{'kind':<22}{'shape':<18}{'neurons':>9}{'weights':>9}"]
        for tensor in self._chain:
            layer, neurons = tensor.layer, int(np.prod(tensor.shape))
            size = sum(w.size for w in layer.get_weights())
            shown = neurons if isinstance(layer, NxNeuronLayer) else 0
            lines.append(f"{layer.name:<24}{type(layer).__name__:<22}{tensor.shape!s:<18}{shown:>9}{size:>9}")
        return "\n".join(lines)

    def network(self) -> Network:
        """Return the network in integers, with the weights as they are now."""
        populations: list[Population] = []
        projections: list[Projection] = []
        before: list[NxTensor] = []
        for tensor in self._chain:
            before.append(tensor)
            if isinstance(tensor.layer, NxNeuronLayer):
                if populations:
                    projections.append(self._projection(before, populations[-1], tensor.layer))
                populations.append(_population(tensor, len(populations)))
                before = [tensor]
        return Network(tuple(populations), tuple(projections))

    @staticmethod
    def _projection(tensors: list[NxTensor], source: Population, layer: NxNeuronLayer) -> Projection:
        """Return the synapses that the layers between two populations make."""
        from scipy import sparse

        nodes = [Node("source", ops.Input(tensors[0].shape))]
        for number, tensor in enumerate(tensors[1:]):
            nodes.append(Node(f"op{number}", tensor.layer.operation(), (nodes[-1].name,)))
        nodes.append(Node("target", ops.Spiking(Accumulator()), (nodes[-1].name,)))
        (synapses,) = connect(Graph(tuple(nodes), ("target",)), "target")
        mantissa = truncated_mantissas(
            np.rint(synapses.weight).astype(np.int64), layer.numWeightBits, mixed=not layer.useSharedSign
        ).astype(np.int16)
        shape = (source.size, int(np.prod(tensors[-1].shape)))
        weights = sparse.csr_array((mantissa, (synapses.pre, synapses.post)), shape=shape)
        weights.eliminate_zeros()
        weights.sort_indices()
        return Projection(
            source.name, layer.name, weights, layer.weightExponent, layer.numWeightBits, not layer.useSharedSign,
            encoding=layer.synapseEncoding,
        )  # fmt: skip

    def partition(self, progress: Progress | None = None) -> Layout:
        """Cut the network into cores and place them; return the layout."""
        self._changes, self._mapping = self._current(), None
        self._layout = place(partition(self.network(), search_options(self.settings), progress))
        return self._layout

    def _current(self) -> list[int]:
        return [layer.changes for layer in self.layers]

    def map(self) -> Mapping:
        """Write the registers of all cores; partition first if that was not done, or weights have been set since.

        Raises:
            UnsupportedError: The mapping fails its independent check.
        """
        layout = self._layout if self._layout is not None and self._changes == self._current() else self.partition()
        self._mapping = map_layout(layout)
        if self.settings.validate_partitions:
            problems = check_mapping(self._mapping, layout.network, layout.limits)
            if problems:
                raise UnsupportedError("the mapped network fails its check; please report this:", problems)
        return self._mapping

    def compile(self, progress: Progress | None = None) -> Compiled:
        """Partition and map the network with the weights as they are now."""
        layout = self.partition(progress)
        return Compiled(layout.network, layout, self.map())

    def save(self, path: Path) -> None:
        """Write the mapping to an `.npz` file."""
        save_mapping(self._up_to_date(), path)

    def _up_to_date(self) -> Mapping:
        """Return the mapping with the weights as they are now."""
        return self._mapping if self._mapping is not None and self._changes == self._current() else self.map()

    def run(self, bias: Any, num_steps: int, probes: tuple[str, ...] = ()) -> NxRun:
        """Run the network from its initial state; map it first if that was not done, or weights have been set since.

        Args:
            bias: Bias mantissas of the input neurons (scaled by 64): shape (batch, *shape) for constant input, or
                (steps, batch, *shape).
            num_steps: Steps of each layer.
            probes: Layers whose spike trains are kept.

        Raises:
            SimulationError: The biases do not fit the input, or a probe is no layer.
        """
        return run_mapping(self._up_to_date(), bias, num_steps, probes, self.settings)


def _population(tensor: NxTensor, depth: int) -> Population:
    """Return the neurons of a layer."""
    layer = tensor.layer
    if not isinstance(layer, NxNeuronLayer):
        raise TypeError(layer.name)
    size = int(np.prod(tensor.shape))
    biases = layer.get_weights()[1:]
    bias = np.resize(biases[0], size) if biases else np.zeros(size, np.int64)
    readout, soft = layer.threshOp == READOUT, layer.resetMode == "soft"
    mantissa, exponent = mantissa_and_exponent(layer.vThMant)
    decay_u, decay_v = layer.compartmentCurrentDecay, layer.compartmentVoltageDecay
    registers = Compartments.uniform(
        size,
        decay_u=min(decay_u, DECAY_MAX), ds_offset=int(decay_u > DECAY_MAX),
        decay_v=min(decay_v, DECAY_MAX), dm_offset=int(decay_v > DECAY_MAX),
        bias_mantissa=bias, bias_exponent=layer.biasExp, threshold=layer.vThMant,
        refractory=layer.refractoryDelay, threshold_op=layer.threshOp,
        initial_voltage=layer.vInit << UNIT_SHIFT, start=depth,
    )  # fmt: skip
    kind = "input" if isinstance(layer, NxInputLayer) else "readout" if readout else "neurons"
    feedback = np.full(size, mantissa << exponent, np.int32) if soft and not readout else None
    return Population(layer.name, tensor.shape, registers, kind, feedback, depth=depth)  # type: ignore[arg-type]
