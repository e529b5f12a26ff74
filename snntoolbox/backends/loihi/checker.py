"""Whether a mapping obeys every limit and has exactly the network's synapses, counted anew from the mapping alone.

Nothing of the partitioner is used: words are counted entry by entry, axons and slots from the tables. So a mistake
there does not hide itself here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snntoolbox.backends.loihi.encodings import SynapseFormat
from snntoolbox.backends.loihi.limits import LOIHI, UNIT_SHIFT, Limits
from snntoolbox.backends.loihi.mapping import Mapping
from snntoolbox.backends.loihi.network import Network
from snntoolbox.backends.loihi.program import connections, unfold
from snntoolbox.errors import Problem

__all__ = ["check_mapping"]

Array = NDArray[Any]


def check_mapping(mapping: Mapping, network: Network | None = None, limits: Limits = LOIHI) -> list[Problem]:
    """Return everything that is wrong with a mapping.

    Args:
        mapping: The configuration of all cores.
        network: What it should compute; without it only limits are checked.
        limits: What a core has.
    """
    problems = [Problem("mapping", what) for what in _structure(mapping)]
    if problems:
        return problems
    for position, core in enumerate(mapping.core):
        counts = _count(mapping, position, limits)
        for resource, (needed, available) in counts.items():
            if needed > available:
                problems.append(Problem(f"core {core}", f"{resource}: expected at most {available}, got {needed}"))
    if len(np.unique(mapping.core // limits.cores_per_chip)) and mapping.cores_per_chip > limits.cores_per_chip:
        problems.append(Problem("mapping", f"expected chips of {limits.cores_per_chip} cores at most"))
    return problems if network is None else problems + _connectivity(mapping, network)


def _structure(mapping: Mapping) -> list[str]:
    """Return what makes the tables contradict themselves."""
    wrong = []
    if len(np.unique(mapping.core)) != len(mapping.core):
        wrong.append("a core occurs twice")
    axons = np.diff(mapping.axon_pointer)
    if np.any(mapping.entry_axon >= axons[mapping.entry_core]) or np.any(mapping.entry_axon < 0):
        wrong.append("an output entry names an input axon that its core does not have")
        return wrong
    core_of_axon = np.repeat(np.arange(mapping.num_cores), axons)
    last = mapping.axon_list + mapping.axon_atoms
    if np.any(mapping.axon_list < mapping.list_pointer[core_of_axon]) or np.any(
        last > mapping.list_pointer[core_of_axon + 1]
    ):
        wrong.append("an input axon points outside the lists of its core")
        return wrong
    program = unfold(mapping)
    axon = mapping.axon_pointer[program.route_core] + mapping.entry_axon[mapping.route_entry]
    if np.any(mapping.route_atom >= mapping.axon_atoms[axon]):
        wrong.append("a compartment sends an atom that its axon does not have")
    reach = np.array([part.max(initial=-1) for part in np.split(program.synapse_index, program.list_pointer[1:-1])])
    end = mapping.compartment_pointer[program.route_core + 1]
    if len(program.route_list) and np.any(program.route_base + reach[program.route_list] >= end):
        wrong.append("a synapse points outside the compartments of its core")
    source_core = program.compartment_core[program.route_source]
    owner = np.repeat(np.arange(mapping.num_cores), np.diff(mapping.entry_pointer))
    if np.any(owner[mapping.route_entry] != source_core):
        wrong.append("a compartment sends on an output entry of another core")
    return wrong


def _count(mapping: Mapping, position: int, limits: Limits) -> dict[str, tuple[int, int]]:
    """Return resource -> (taken, available) of one core."""
    compartments = slice(*mapping.compartment_pointer[position : position + 2])
    lists = range(*mapping.list_pointer[position : position + 2])
    entries = np.arange(*mapping.entry_pointer[position : position + 2])
    formats = mapping.formats(position)
    registers = mapping.registers
    words = [_list_words(mapping, number, formats, limits) for number in lists]
    declared = mapping.list_words[lists.start : lists.stop]
    profiles = np.stack(
        [getattr(registers, name)[compartments] for name in ("decay_u", "decay_v", "ds_offset", "dm_offset",
         "bias_exponent", "vmin", "vmax", "refractory", "threshold_op", "join")]
    )  # fmt: skip
    longest = int(max(mapping.list_delay[lists.start : lists.stop].max(initial=0), 0))
    slots = 8
    while slots <= longest + 1:
        slots *= 2
    atoms = mapping.axon_atoms[slice(*mapping.axon_pointer[position : position + 2])]
    available = min(limits.compartments, limits.compartments * 8 // slots)
    off_chip = mapping.chip[mapping.entry_core[entries]] != mapping.chip[position]
    axon = mapping.axon_pointer[mapping.entry_core[entries]] + mapping.entry_axon[entries]
    slots_needed = np.where(mapping.axon_atoms[axon] > 1, 2, 1) + off_chip
    # Negative weights of feedback alone need one entry in the table; lists of both signs need two.
    signs = [_signs(mapping, lists, number, form) for number, form in enumerate(formats)]
    return {
        "compartments": (compartments.stop - compartments.start, available),
        "input axons": (len(atoms), limits.input_axons),
        "output axons": (int(slots_needed.sum()), limits.output_axons),
        "declared output axons": (int(mapping.entry_slots[entries].sum()), int(slots_needed.sum())),
        "synapse words": (int(declared.sum()), limits.synapse_words),
        "words above those declared": (int(np.maximum(np.array(words) - declared, 0).sum()) if words else 0, 0),
        "words of one list": (max(words, default=0), limits.words_per_list),
        "synapse formats": (sum(signs), limits.formats),
        "compartment profiles": (len(np.unique(profiles, axis=1).T), limits.profiles),
        "threshold profiles": (len(np.unique(registers.threshold[compartments])), limits.threshold_profiles),
        "atoms of an axon": (int(atoms.max(initial=1)), limits.atoms),
        "unequal words in a shared axon": (_unequal(mapping, position), 0),
    }


def _signs(mapping: Mapping, lists: range, number: int, form: SynapseFormat) -> int:
    chosen = np.flatnonzero(mapping.list_format[lists.start : lists.stop] == number) + lists.start
    weights = [mapping.lists.weight[mapping.lists.pointer[i] : mapping.lists.pointer[i + 1]] for i in chosen]
    values = np.concatenate([np.zeros(0), *weights])
    return 1 if form.mixed else int(np.any(values > 0)) + int(np.any(values < 0))


def _unequal(mapping: Mapping, position: int) -> int:
    """Return how many shared axons have lists of different lengths, so that atoms would miss their list."""
    wrong = 0
    for axon in range(*mapping.axon_pointer[position : position + 2]):
        first, atoms = mapping.axon_list[axon], mapping.axon_atoms[axon]
        wrong += len(set(mapping.list_words[first : first + atoms].tolist())) > 1
    return wrong


def _list_words(mapping: Mapping, number: int, formats: list[SynapseFormat], limits: Limits) -> int:
    """Return the words of one list, entry by entry."""
    begin, end = mapping.lists.pointer[number : number + 2]
    index, weight = mapping.lists.index[begin:end].tolist(), mapping.lists.weight[begin:end].tolist()
    form = formats[mapping.list_format[number]]
    groups = [list(zip(index, weight, strict=True))]
    if not form.mixed:
        groups = [[(i, w) for i, w in groups[0] if w > 0], [(i, w) for i, w in groups[0] if w < 0]]
    bits = 0
    for group in groups:
        for count in _entries([i for i, _ in group], form, limits.synapses_per_entry):
            bits += form.entry_bits + count * form.synapse_bits
    if bits and max(index) >= 1 << form.index_bits:
        return limits.words_per_list + 1
    words, left = divmod(bits, 64)
    return words + (left > 0) + (bits > 0 and (left == 0 or left >= 59))


def _entries(index: list[int], form: SynapseFormat, largest: int) -> list[int]:
    """Return the number of stored synapses of each entry."""
    gaps = {"sparse": 1 << 30, "runlength": 1 << form.skip_bits, "dense1": 1, "dense2": 1 << 30}[form.encoding]
    counts: list[int] = []
    before = None
    for i in index:
        filling = i - before if before is not None and form.encoding == "dense2" else 1
        if before is None or i - before > gaps:
            counts.append(0)
        before = i
        for _ in range(filling):
            if counts[-1] == largest:
                counts.append(0)
            counts[-1] += 1
    return counts


def _connectivity(mapping: Mapping, network: Network) -> list[Problem]:
    """Return the projections whose synapses on the chip are not the network's."""
    from scipy import sparse

    program = unfold(mapping)
    problems = []
    found = connections(program)
    late = {int(d): connections(program, int(d)) for d in np.unique(program.list_delay)}
    expected_total = 0
    for projection in network.projections:
        source, target = mapping.layer(projection.source).spiking, mapping.layer(projection.target).charged
        there = late.get(projection.delay, sparse.csr_array(found.shape, dtype=np.int64))[source][:, target]
        expected_total += int(projection.charges().count_nonzero())
        if abs(there - projection.charges().astype(np.int64)).sum():
            problems.append(Problem(f"synapses {projection}", "weights, targets or delays on the chip differ"))
    for population in network.populations:
        if population.feedback is None:
            continue
        layer = mapping.layer(population.name)
        there = found[layer.spiking][:, layer.charged]
        values = -(population.feedback.astype(np.int64) << UNIT_SHIFT)
        feedback = sparse.diags_array(values, dtype=np.int64).tocsr()
        expected_total += population.size
        if abs(there - feedback).sum():
            problems.append(Problem(f"population '{population.name}'", "the feedback of its soft reset differs"))
    if not problems and found.count_nonzero() != expected_total:
        extra = int(found.count_nonzero()) - expected_total
        problems.append(Problem("mapping", f"expected {expected_total} synapses, got {extra} more"))
    return problems
