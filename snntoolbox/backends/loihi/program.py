"""A mapping unfolded for running: every route with its list, base and hops, every list with its charges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.arithmetic import stored_weight
from snntoolbox.backends.loihi.mapping import Mapping
from snntoolbox.backends.loihi.mesh import hops_between

__all__ = ["Program", "connections", "unfold"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Program:
    """What the inner loops read.

    Attributes:
        compartment_core: Position of each compartment's core.
        route_pointer: Start of each compartment's routes.
        route_list: List of each route.
        route_base: First compartment of each route's target, counted over all cores.
        route_core: Position of each route's target core.
        route_hops: Hops of each route along both axes of the mesh, shape (routes, 2).
        list_pointer, list_delay: Of the lists.
        synapse_index, synapse_charge: Of the synapses; charge as it is added to the accumulator.
    """

    compartment_core: Array
    route_pointer: Array
    route_list: Array
    route_base: Array
    route_core: Array
    route_hops: Array
    list_pointer: Array
    list_delay: Array
    synapse_index: Array
    synapse_charge: Array

    @property
    def route_source(self) -> Array:
        """Compartment that sends on each route."""
        return np.repeat(np.arange(len(self.route_pointer) - 1), np.diff(self.route_pointer))


def unfold(mapping: Mapping) -> Program:
    """Return the tables of a mapping for running."""
    core = mapping.compartment_core
    entry = mapping.route_entry
    target = mapping.entry_core[entry]
    axon = mapping.axon_pointer[target] + mapping.entry_axon[entry]
    source = np.repeat(np.arange(len(core)), np.diff(mapping.route_pointer))
    list_core = np.repeat(np.arange(mapping.num_cores), np.diff(mapping.list_pointer))
    exponents = mapping.format[mapping.format_pointer[list_core] + mapping.list_format, 5]
    charge = stored_weight(mapping.lists.weight, exponents[mapping.lists.owner])
    return Program(
        compartment_core=core,
        route_pointer=mapping.route_pointer.astype(np.int64),
        route_list=mapping.axon_list[axon] + mapping.route_atom,
        route_base=mapping.compartment_pointer[target] + mapping.axon_base[axon],
        route_core=target,
        route_hops=hops_between(mapping.core[core[source]], mapping.core[target], mapping.cores_per_chip),
        list_pointer=mapping.lists.pointer.astype(np.int64),
        list_delay=mapping.list_delay,
        synapse_index=mapping.lists.index.astype(np.int32),
        synapse_charge=charge.astype(np.int32),
    )


def connections(program: Program, delay: int | None = None) -> Any:
    """Return all synapses, compartment to compartment: a CSR array of charges, int64.

    Args:
        program: Of a mapping.
        delay: Only synapses with this delay; all of them unless given.
    """
    from scipy import sparse

    chosen = np.arange(len(program.route_list))
    if delay is not None:
        chosen = np.flatnonzero(program.list_delay[program.route_list] == delay)
    lists = program.route_list[chosen]
    counts = np.diff(program.list_pointer)[lists]
    pointer = np.concatenate([[0], np.cumsum(counts)])
    where = np.repeat(program.list_pointer[lists] - pointer[:-1], counts) + np.arange(pointer[-1])
    rows = np.repeat(program.route_source[chosen], counts)
    columns = np.repeat(program.route_base[chosen], counts) + program.synapse_index[where]
    size = len(program.compartment_core)
    charges = program.synapse_charge[where].astype(np.int64)
    return sparse.csr_array((charges, (rows, columns)), shape=(size, size))
