"""Prices, their files, and energies as scalar products."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from snntoolbox.analysis.cost_profiles import CostProfile, Price, load_profiles, profile_names, read_profiles
from snntoolbox.analysis.energy import energies, energy
from snntoolbox.analysis.operation_kinds import KINDS, snn_counts
from snntoolbox.errors import DataError, RegistryError


def profile(name: str, **bits: int) -> CostProfile:
    (found,) = load_profiles([name], **{f"{key}_bits": value for key, value in bits.items()})
    return found


@pytest.mark.parametrize("name", profile_names())
def test_every_price_has_a_source_and_a_process(name: str) -> None:
    one = profile(name)
    assert one.about and one.unit and one.process and one.source
    for kind, price in one.prices.items():
        assert kind in KINDS and price.source and price.process
        assert one.costs[kind] > 0


@pytest.mark.parametrize("name", profile_names())
def test_energy_is_the_scalar_product_of_counts_and_prices(name: str, rng: np.random.Generator) -> None:
    one = profile(name)
    ann, snn = ({kind: float(rng.integers(0, 10**6)) for kind in KINDS} for _ in range(2))
    found = energy(ann, snn, one)
    assert found.ann == pytest.approx(sum(ann[kind] * cost for kind, cost in one.costs.items()), rel=1e-12)
    assert found.snn == pytest.approx(sum(snn[kind] * cost for kind, cost in one.costs.items()), rel=1e-12)
    assert sum(found.snn_parts.values()) == found.snn
    assert found.ratio == found.snn / found.ann
    assert set(found.unpriced) == {kind for kind in KINDS if kind not in one.costs and (ann[kind] or snn[kind])}


TABLE_2_7 = {
    32: {"ann": 5255, "rate": 1526, "pattern": {7.37: 259, 3.56: 125, 1.29: 45}},
    16: {"ann": 1391, "rate": 764, "pattern": {3.56: 63, 1.29: 23}},
    8: {"ann": 386, "rate": 381, "pattern": {1.29: 11}},
}


@pytest.mark.parametrize("bits", TABLE_2_7)
def test_the_power_table_of_the_thesis(bits: int) -> None:
    """Rueckauer 2020, table 2.7, from the operations of table 2.6: half of those without spikes are multiplications,
    half of those of patterns are shifts. Operations have three digits there, hence the tolerance.
    """
    table, one = TABLE_2_7[bits], profile("relative_adder_table", weight=bits, activation=bits)
    found = energy({"mac": 9.66 / 2}, {"synaptic_add": 23.81}, one)
    assert found.ann == pytest.approx(table["ann"], rel=2e-3)
    assert found.snn == pytest.approx(table["rate"], rel=4e-3)
    for operations, power in table["pattern"].items():
        halves = snn_counts(
            {}, synaptic=operations / 2, spikes=0, neuron_updates=0, synapse=("synaptic_add", "synaptic_shift")
        )
        assert round(energy({}, halves, one).snn) == power


def test_prices_that_depend_on_widths_are_equation_2_32() -> None:
    one = profile("relative_adder", weight=8, activation=16)
    assert one.costs["synaptic_add"] == 16 + (16 - 8) / 2
    assert one.costs["mac"] == 16 * 8
    assert one.costs["synaptic_shift"] == 16 / 5
    assert profile("relative_adder").costs["mac"] == 32 * 8
    assert Price(None, (("barrel_shift", "12"),), "", "").at({}) == 8
    assert profile("float32_45nm", weight=4).costs == profile("float32_45nm").costs


def test_the_published_comparisons() -> None:
    assert profile("float32_28nm").costs["mac"] == 14 * profile("float32_28nm").costs["synaptic_add"]
    # Hu et al. 2018, section 4.4: more than nine times less for every depth.
    for flops, sops in ((1.82, 33.13), (3.67, 65.28), (4.12, 78.29)):
        found = energy({"mac": flops / 2}, {"synaptic_add": sops}, profile("fpga_and_rolls"))
        assert found.ann is not None and found.snn is not None
        assert found.ann == pytest.approx(12.5 * flops) and found.snn == pytest.approx(0.077 * sops)
        assert found.ann / found.snn > 8.5


def test_loihi_has_the_prices_of_its_own_backend() -> None:
    from snntoolbox.backends.loihi.energy import load_profile

    chip, costs = load_profile("davies2018"), profile("loihi").costs
    assert costs["synaptic_add"] == chip.synapse_pj
    assert costs["neuron_update"] == chip.inactive_update_pj
    within_tile = 1.7
    assert costs["spike"] == pytest.approx(chip.active_update_pj - chip.inactive_update_pj + within_tile)


def test_a_network_that_is_not_priced_has_no_energy() -> None:
    found = energy({"mac": 5.0}, {"synaptic_add": 2.0, "mac": 1.0}, profile("loihi"))
    assert found.ann is None and found.ratio is None and found.snn == 2 * 23.6
    assert found.unpriced == ("mac",)
    assert energies({}, {}, [profile("loihi")])["loihi"].snn is None


OWN = """
[mine]
unit = "nJ"
process = "3 nm"
source = "measured"
bits = { weight = 4, activation = 6 }
costs.mac = { cost = 2, source = "a", process = "5 nm" }
costs.synaptic_add = { terms = ["adder accumulator 12", "multiplier 2 weight"], source = "b" }
"""


def test_users_add_profiles_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    one, other = load_profiles(["mine", "loihi"], file)
    assert one.costs == {"mac": 2.0, "synaptic_add": 13 + 2 * 4}  # 12 bits and 4 + 6 = 10 bits
    assert (one.prices["mac"].process, one.prices["synaptic_add"].process) == ("5 nm", "3 nm")
    assert other.name == "loihi"
    assert [p.name for p in load_profiles(["all"], file)] == ["mine", *profile_names()]
    import tomllib

    same = tmp_path / "own.json"
    same.write_text(json.dumps(tomllib.loads(OWN)))
    assert read_profiles(same) == read_profiles(file)


def test_own_profiles_come_before_those_of_the_package(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace("[mine]", "[loihi]"))
    (one,) = load_profiles(["loihi"], file)
    assert one.unit == "nJ"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[mine]", "[mine", "cannot read"),
        ('unit = "nJ"', "", r"missing texts \['unit'\]"),
        ('unit = "nJ"', 'unit = "nJ"\nunits = 1', r"unknown keys \['units'\]"),
        ("costs.mac", "costs.macs", "Did you mean 'mac'"),
        ("cost = 2", "cost = -2", "expected a cost >= 0, got -2"),
        ("cost = 2", "cost = '2'", "expected a cost >= 0, got '2'"),
        ('cost = 2, source = "a"', "cost = 2", "and a source"),
        ("cost = 2", "price = 2", "expected cost or terms"),
        ("adder accumulator 12", "adder accumulator", "got 'adder accumulator'"),
        ("adder accumulator 12", "divider weight 12", "got 'divider weight 12'"),
        ("adder accumulator 12", "adder width 12", "got 'adder width 12'"),
        ("bits = { weight = 4, activation = 6 }", "", "there are no bits"),
        ("weight = 4", "weights = 4", "expected numbers for weight and activation"),
    ],
)
def test_mistakes_in_a_file_are_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    assert old in OWN
    file.write_text(OWN.replace(old, new))
    with pytest.raises(DataError, match=message):
        read_profiles(file)


def test_a_file_that_is_no_table_of_profiles_is_refused(tmp_path: Path) -> None:
    for number, content in enumerate(([1], {"mine": 3}, {"mine": {"costs": 3}})):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(content))
        with pytest.raises(DataError, match="expected a table"):
            read_profiles(file)
    with pytest.raises(DataError, match="cannot read"):
        read_profiles(tmp_path / "none.toml")


def test_an_unknown_profile_is_refused_with_a_suggestion() -> None:
    with pytest.raises(RegistryError, match="Did you mean 'loihi'"):
        load_profiles(["loihu"])
