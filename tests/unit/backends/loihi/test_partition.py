"""Whatever the network, the search and the chip: a result obeys every limit and computes the network, or is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from snntoolbox.backends.loihi.checker import check_mapping
from snntoolbox.backends.loihi.compartments import Compartments
from snntoolbox.backends.loihi.limits import Limits
from snntoolbox.backends.loihi.mapper import map_layout
from snntoolbox.backends.loihi.network import Network, Population, Projection
from snntoolbox.backends.loihi.partition.cost import layout_cost, off_chip_axons
from snntoolbox.backends.loihi.partition.evaluate import Evaluator, Partial
from snntoolbox.backends.loihi.partition.options import CostWeights, SearchOptions
from snntoolbox.backends.loihi.partition.search import ADVICE, partition
from snntoolbox.backends.loihi.partition.usage import RESOURCES
from snntoolbox.backends.loihi.placement import place, route_length
from snntoolbox.errors import ConversionError

SMALL = Limits(compartments=96, synapse_words=700, input_axons=400, output_axons=400, cores_per_chip=8)


def nmnist():
    """2312-512-10 with random weights of 8 bits, none of them zero."""
    rng = np.random.default_rng(0)

    def weights(incoming, outgoing):
        values = rng.integers(1, 256, (incoming, outgoing)) * rng.choice([-1, 1], (incoming, outgoing))
        return sparse.csr_array(values.astype(np.int16))

    layers = [Population(name, (n,), Compartments.uniform(n)) for name, n in (("a", 2312), ("b", 512), ("c", 10))]
    pairs = (("a", "b", weights(2312, 512)), ("b", "c", weights(512, 10)))
    return Network(tuple(layers), tuple(Projection(*pair, encoding="sparse") for pair in pairs))


def test_the_published_network_takes_the_published_cores():
    """Rueckauer 2020, section 3.3.2.1: 11 + 18 + 1 = 30 cores."""
    network = nmnist()
    greedy = partition(network, SearchOptions("greedy", 1))
    assert {name: tiling.num_cores for name, tiling in greedy.tilings.items()} == {"a": 11, "b": 18, "c": 1}
    assert greedy.num_cores == 30
    assert partition(network, SearchOptions("optimal", 4)).num_cores < 30


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10**6),
    soft=st.booleans(),
    mixed=st.booleans(),
    method=st.sampled_from([("greedy", 1), ("greedy", 3), ("optimal", 3)]),
    encoding=st.sampled_from(["auto", "sparse", "runlength", "dense1", "dense2"]),
    shares=st.tuples(st.booleans(), st.booleans()),
    compartments=st.sampled_from([48, 96, 256]),
)
def test_a_result_never_violates_a_limit(make, seed, soft, mixed, method, encoding, shares, compartments):
    network = make(seed, soft=soft, mixed=mixed, encoding=encoding)
    limits = replace(SMALL, compartments=compartments)
    options = SearchOptions(*method, limits=limits, share_synapses=shares[0], share_axons=shares[1])
    try:
        layout = partition(network, options)
    except ConversionError as error:
        assert "does not fit" in str(error)
        return
    assert check_mapping(map_layout(layout), network, limits) == []
    placed = place(layout)
    assert check_mapping(map_layout(placed), network, limits) == []
    chips = limits.cores_per_chip
    assert route_length(placed.traffic(), chips) <= route_length(layout.traffic(), chips)


@pytest.fixture(scope="module")
def make(request):
    from importlib import util
    from pathlib import Path

    spec = util.spec_from_file_location("loihi_networks", Path(__file__).with_name("conftest.py"))
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_network


@pytest.mark.parametrize(("seed", "soft"), [(0, True), (1, False)])
@pytest.mark.parametrize("candidates", [1, 8])
def test_our_search_is_never_worse_than_greedy(network, seed, soft, candidates):
    made = network(seed, soft=soft)
    greedy = [partition(made, SearchOptions("greedy", m, limits=SMALL)) for m in (1, 3, 10)]
    ours = partition(made, SearchOptions("optimal", candidates, limits=SMALL))
    assert ours.cost <= min(one.cost for one in greedy) + 1e-9
    assert ours.num_cores <= min(one.num_cores for one in greedy)


def test_no_cut_of_a_chain_is_cheaper_than_the_one_found():
    """Every combination of all candidates, tried one by one."""
    rng = np.random.default_rng(5)
    shapes = ((3, 4), (2, 3), (4,))
    layers = [Population(f"p{i}", shape, Compartments.uniform(prod(shape))) for i, shape in enumerate(shapes)]
    weights = [sparse.csr_array(rng.integers(1, 9, (12, 6)).astype(np.int16)),
               sparse.csr_array(rng.integers(1, 9, (6, 4)).astype(np.int16))]  # fmt: skip
    network = Network(tuple(layers), (Projection("p0", "p1", weights[0]), Projection("p1", "p2", weights[1])))
    options = SearchOptions(num_candidates=99, limits=replace(SMALL, compartments=4, cores_per_chip=3), pack=False)
    evaluator = Evaluator(network, options)
    cheapest = min(
        (
            layout_cost(evaluator.layout(solution), options)
            for tilings in product(*(list(evaluator.tilings(p)) for p in network.populations[::-1]))
            if isinstance(solution := _solution(evaluator, tilings), Partial)
        ),
    )
    assert partition(network, options).cost == pytest.approx(cheapest)


def _solution(evaluator, tilings):
    solution = Partial()
    for population, tiling in zip(evaluator.network.populations[::-1], tilings, strict=True):
        solution = evaluator.extend(solution, population, tiling)
        if not isinstance(solution, Partial):
            return None
    return solution


def test_the_search_says_how_far_it_is(network):
    calls = []
    made = network(0)
    partition(made, SearchOptions(num_candidates=2, limits=SMALL), lambda *call: calls.append(call))
    names = [p.name for p in made.populations[::-1]]
    assert calls == [(name, i, 10) for i, name in enumerate(names * 2, start=1)]


def test_cores_of_one_chip_have_no_axons_off_it(network):
    layout = partition(network(0), SearchOptions(limits=replace(SMALL, cores_per_chip=128)))
    assert layout.num_chips == 1 and off_chip_axons(layout) == 0
    spread = partition(network(0), SearchOptions("greedy", 1, limits=replace(SMALL, cores_per_chip=2)))
    extra = sum(spread.usage(name)[:, 2].sum() for name in spread.tilings) - sum(
        replace(spread, core={n: c * 0 for n, c in spread.core.items()}).usage(name)[:, 2].sum()
        for name in spread.tilings
    )
    assert off_chip_axons(spread) == extra > 0


def test_messages_count_as_much_as_their_weight_says(network):
    made = network(4, soft=False)
    rates = {p.name: np.full(p.size, 0.9 if p.name == "second" else 0.01) for p in made.populations}
    plain = SearchOptions(num_candidates=2, limits=SMALL, pack=False)
    dear = replace(plain, weights=CostWeights(traffic=500.0), rates=rates)
    layout = partition(made, plain)
    pairs = zip(made.projections, layout.plans, strict=True)
    messages = sum(rates[projection.source][plan.fanout.source].sum() for projection, plan in pairs)
    assert layout_cost(layout, dear) - layout_cost(layout, plain) == pytest.approx(500 * messages / SMALL.output_axons)
    assert partition(made, dear).cost <= layout_cost(layout, dear) + 1e-9


def test_when_nothing_fits_the_error_names_layer_limit_and_excess(network):
    with pytest.raises(ConversionError, match=r"layer 'output' .* synapse_words: a core would need \d+ and has 3 \(\d"):
        partition(network(0), SearchOptions(limits=replace(SMALL, synapse_words=3)))


@pytest.mark.parametrize(
    ("limits", "advice"),
    [
        ({"synapse_words": 3}, "Use fewer weight bits"),
        ({"input_axons": 2}, "make the layers before it smaller"),
        ({"compartments": 1}, "max_num_compartments"),
        ({"threshold_profiles": 0}, "channel_thresholds = False"),
    ],
)
def test_the_error_says_what_takes_less_of_what_is_missing(network, limits, advice):
    for method in ("greedy", "optimal"):
        with pytest.raises(ConversionError, match=f"a core would need .* {advice}"):
            partition(network(0), SearchOptions(method, limits=replace(SMALL, **limits)))


def test_there_is_advice_for_every_resource():
    assert set(ADVICE) == set(RESOURCES)


def test_sharing_saves_memory(network):
    made = network(1, soft=False)
    limits = replace(SMALL, synapse_words=5000)
    words = {
        share: sum(row[3] for row in partition(made, SearchOptions(limits=limits, share_synapses=share)).core_usage()
                   .values())
        for share in (True, False)
    }  # fmt: skip
    assert words[True] < words[False]


def test_the_checker_finds_a_wrong_weight_and_a_full_core(network):
    made = network(2)
    mapping = map_layout(partition(made, SearchOptions(limits=SMALL)))
    weights = mapping.lists.weight.copy()
    weights[0] += 2
    broken = replace(mapping, lists=replace(mapping.lists, weight=weights))
    assert any("differ" in str(p) for p in check_mapping(broken, made, SMALL))
    assert any("compartments" in str(p) for p in check_mapping(mapping, made, replace(SMALL, compartments=20)))
    assert any("declared" in str(p) for p in check_mapping(replace(mapping, list_words=mapping.list_words * 0)))
