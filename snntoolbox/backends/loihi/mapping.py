"""A network at register level, as plain arrays: what a back end for the hardware would write to the chip, core by core.

docs/loihi.md describes the file. Everything is in one `.npz`: the arrays below under their names, and the layers'
names, shapes and kinds as JSON in `header`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.compartments import Compartments
from snntoolbox.backends.loihi.encodings import Lists, SynapseFormat
from snntoolbox.errors import DataError

__all__ = ["LayerMap", "Mapping", "load_mapping", "save_mapping"]

Array = NDArray[Any]
_VERSION = 1


@dataclass(frozen=True, eq=False)
class LayerMap:
    """Where the neurons of a layer are.

    Attributes:
        name, shape, kind: Of the layer; kind is input, neurons or readout.
        spiking: Compartment of each neuron that fires (the soma of a soft reset), counted over all cores, shape (n,).
        charged: Compartment of each neuron that has its synapses, bias and voltage (the dendrite), shape (n,).
        message: What a spike stands for in the network's units, shape (n,).
        volt: Size of a unit of voltage in the network's units, shape (n,).
        depth: Steps from the input to the layer.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    spiking: Array
    charged: Array
    message: Array
    volt: Array
    depth: int = 0


@dataclass(frozen=True, eq=False)
class Mapping:
    """All cores, one after the other. ``x_pointer`` gives where the x of each core begin, shape (cores + 1,).

    Attributes:
        cores_per_chip: Chip of a core = core // cores_per_chip.
        core: Number of each core over all chips, ascending, shape (cores,).
        registers: Compartments.
        compartment_pointer: Of the compartments.
        format, format_pointer: Synapse formats (`SynapseFormat.as_numbers`), shape (formats, 7).
        lists: Lists of synapses.
        list_pointer: Of the lists.
        list_format: Format of each list, counted within its core.
        list_delay: Delay of each list's spikes in steps.
        list_words: Words of synaptic memory that each list takes, padding included.
        axon_pointer: Of the input axons.
        axon_list: First list of each axon, counted over all cores; that of atom a is a later.
        axon_base: First compartment of each axon, counted within its core.
        axon_atoms: Number of atoms; 1 for a discrete axon.
        entry_pointer: Of the output entries.
        entry_core: Position in `core` of each entry's target.
        entry_axon: Input axon of each entry, counted within the target core.
        entry_slots: Places that each entry takes in the output table.
        route_pointer: Start of each compartment's routes, shape (compartments + 1,).
        route_entry: Output entry of each route, counted over all cores.
        route_atom: Atom that the compartment sends on it.
        layers: Where each layer is.
    """

    cores_per_chip: int
    core: Array
    registers: Compartments
    compartment_pointer: Array
    format: Array
    format_pointer: Array
    lists: Lists
    list_pointer: Array
    list_format: Array
    list_delay: Array
    list_words: Array
    axon_pointer: Array
    axon_list: Array
    axon_base: Array
    axon_atoms: Array
    entry_pointer: Array
    entry_core: Array
    entry_axon: Array
    entry_slots: Array
    route_pointer: Array
    route_entry: Array
    route_atom: Array
    layers: tuple[LayerMap, ...]

    @property
    def num_cores(self) -> int:
        """Number of cores in use."""
        return len(self.core)

    @property
    def num_chips(self) -> int:
        """Number of chips, up to the last one used."""
        return int(self.core.max()) // self.cores_per_chip + 1

    @property
    def chip(self) -> Array:
        """Chip of each core, shape (cores,)."""
        return np.asarray(self.core // self.cores_per_chip)

    @property
    def compartment_core(self) -> Array:
        """Position in `core` of each compartment, shape (compartments,)."""
        return np.repeat(np.arange(self.num_cores), np.diff(self.compartment_pointer))

    def formats(self, core: int) -> list[SynapseFormat]:
        """Return the synapse formats of a core, by its position in `core`."""
        rows = self.format[self.format_pointer[core] : self.format_pointer[core + 1]]
        return [SynapseFormat.from_numbers(row) for row in rows]

    def layer(self, name: str) -> LayerMap:
        """Return the place of a layer."""
        return next(layer for layer in self.layers if layer.name == name)


_PLAIN = tuple(f.name for f in fields(Mapping) if f.name not in ("cores_per_chip", "registers", "lists", "layers"))


def save_mapping(mapping: Mapping, path: Path) -> None:
    """Write a mapping to an `.npz` file."""
    header = {
        "version": _VERSION,
        "cores_per_chip": mapping.cores_per_chip,
        "layers": [{"name": x.name, "shape": list(x.shape), "kind": x.kind, "depth": x.depth} for x in mapping.layers],
    }
    arrays: dict[str, Any] = {name: getattr(mapping, name) for name in _PLAIN}
    arrays |= {f"register_{f.name}": getattr(mapping.registers, f.name) for f in fields(Compartments)}
    arrays |= {f"synapse_{f.name}": getattr(mapping.lists, f.name) for f in fields(Lists)}
    for number, layer in enumerate(mapping.layers):
        for name in ("spiking", "charged", "message", "volt"):
            arrays[f"layer_{number}_{name}"] = getattr(layer, name)
    np.savez_compressed(path, header=np.array(json.dumps(header)), **arrays)


def load_mapping(path: Path) -> Mapping:
    """Read a mapping.

    Raises:
        DataError: The file is no mapping, or of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        header = json.loads(str(arrays["header"]))
        if header["version"] != _VERSION:
            raise DataError(f"{path}: expected version {_VERSION} of a mapping, got {header['version']}")
        layers = tuple(
            LayerMap(
                name=one["name"],
                shape=tuple(one["shape"]),
                kind=one["kind"],
                spiking=arrays[f"layer_{i}_spiking"],
                charged=arrays[f"layer_{i}_charged"],
                message=arrays[f"layer_{i}_message"],
                volt=arrays[f"layer_{i}_volt"],
                depth=one["depth"],
            )
            for i, one in enumerate(header["layers"])
        )
        registers = Compartments(**{f.name: arrays[f"register_{f.name}"] for f in fields(Compartments)})
        lists = Lists(**{f.name: arrays[f"synapse_{f.name}"] for f in fields(Lists)})
        plain = {name: arrays[name] for name in _PLAIN}
    except (KeyError, ValueError, OSError) as error:
        raise DataError(f"{path} is no Loihi mapping written by the toolbox: {error}") from error
    return Mapping(cores_per_chip=header["cores_per_chip"], registers=registers, lists=lists, layers=layers, **plain)
