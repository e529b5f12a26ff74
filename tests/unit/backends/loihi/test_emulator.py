"""The mapped emulation computes what the unmapped integers do, spike for spike, compiled or not, whatever the cut."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from snntoolbox.backends.loihi.direct import simulate_directly
from snntoolbox.backends.loihi.emulator import Emulator
from snntoolbox.backends.loihi.energy import StepClock, energy_report, load_profile, profile_names
from snntoolbox.backends.loihi.limits import Limits
from snntoolbox.backends.loihi.mapper import map_layout
from snntoolbox.backends.loihi.mapping import load_mapping, save_mapping
from snntoolbox.backends.loihi.partition.options import SearchOptions
from snntoolbox.backends.loihi.partition.search import partition
from snntoolbox.errors import DataError, RegistryError

STEPS = 25
SMALL = Limits(compartments=96, synapse_words=700, cores_per_chip=8)


def run(mapping, bias, *, compiled, interval=4, batch=3):
    emulator = Emulator(mapping, batch, readout_interval=interval, compiled=compiled)
    activity = emulator.new_activity()
    spikes = {layer.name: [] for layer in mapping.layers}
    voltage = []
    for step in emulator.run(bias, STEPS, activity):
        for layer in mapping.layers:
            if layer.depth < step.time <= layer.depth + STEPS:
                spikes[layer.name].append(step.spikes[:, layer.spiking].astype(np.int8))
                if layer.kind == "readout":
                    voltage.append(step.host[layer.name] + step.voltage[:, layer.charged])
    return {name: np.stack(rows) for name, rows in spikes.items()}, np.stack(voltage), activity


@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_mapped_equals_unmapped(network, input_bias, soft, seed):
    made = network(seed, soft=soft)
    bias = input_bias(made)
    expected, voltages = simulate_directly(made, bias, STEPS)
    assert all(expected[name].any() for name in ("input", "first", "second", "third"))
    for options in (SearchOptions("greedy", 1, limits=SMALL), SearchOptions("optimal", 4, limits=SMALL)):
        mapping = map_layout(partition(made, options))
        activities = []
        for compiled in (True, False):
            spikes, voltage, activity = run(mapping, bias, compiled=compiled)
            for name, train in expected.items():
                np.testing.assert_array_equal(spikes[name], train)
            np.testing.assert_array_equal(voltage, voltages["output"])
            activities.append(activity)
        for name, value in vars(activities[0]).items():
            np.testing.assert_array_equal(value, getattr(activities[1], name), err_msg=name)
        assert activities[0].traffic.sum() == activities[0].messages.sum()


def test_a_soft_reset_follows_its_equation(network, input_bias):
    """v[t] = v[t-1] + I[t] - feedback s[t-1], through a dendrite and a soma."""
    made = network(0)
    mapping, bias = map_layout(partition(made, SearchOptions(limits=SMALL))), input_bias(made)
    layer, first = mapping.layer("input"), made.populations[0]
    emulator = Emulator(mapping, 3)
    voltage = np.broadcast_to(first.registers.initial_voltage, (3, first.size)).astype(np.int64)
    spikes = np.zeros((3, first.size), np.int64)
    for step in emulator.run(bias, STEPS):
        if step.time > STEPS:
            break
        voltage = voltage + bias(step.time)["input"] - spikes * (first.feedback.astype(np.int64) << 6)
        spikes = (voltage > first.registers.threshold.astype(np.int64) << 6).astype(np.int64)
        np.testing.assert_array_equal(step.voltage[:, layer.charged], voltage)
        np.testing.assert_array_equal(step.spikes[:, layer.spiking], spikes)
    assert spikes.any()


def test_a_run_goes_on_where_the_last_one_stopped(network, input_bias):
    made = network(1)
    bias = input_bias(made)
    expected, _ = simulate_directly(made, bias, 2 * STEPS)
    emulator = Emulator(map_layout(partition(made, SearchOptions(limits=SMALL))), 3)
    layer = emulator.mapping.layer("third")
    counts = np.zeros((3, len(layer.spiking)), np.int64)
    for _ in range(2):
        for step in emulator.run(bias, STEPS):
            counts += step.spikes[:, layer.spiking]
    np.testing.assert_array_equal(counts, expected["third"].sum(axis=0))


def test_a_saved_mapping_runs_the_same(network, input_bias, tmp_path):
    made = network(3)
    mapping, bias = map_layout(partition(made, SearchOptions(limits=SMALL))), input_bias(made)
    save_mapping(mapping, tmp_path / "chip.npz")
    loaded = load_mapping(tmp_path / "chip.npz")
    np.testing.assert_array_equal(run(mapping, bias, compiled=True)[1], run(loaded, bias, compiled=True)[1])
    np.savez(tmp_path / "other.npz", a=np.zeros(1))
    with pytest.raises(DataError, match="no Loihi mapping"):
        load_mapping(tmp_path / "other.npz")


def test_every_array_of_the_file_is_documented(network, tmp_path):
    save_mapping(map_layout(partition(network(3), SearchOptions("greedy", 1, limits=SMALL))), tmp_path / "chip.npz")
    text = (Path(__file__).parents[4] / "docs" / "loihi.md").read_text(encoding="utf-8")
    table = text.partition("## The saved mapping")[2].partition("## ")[0]
    with np.load(tmp_path / "chip.npz") as file:
        names = {re.sub(r"layer_\d+_", "layer_<i>_", name) for name in file}
    short = {name if f"`{name}`" in table else re.sub("^(register|layer_<i>)", "", name) for name in names}
    assert [name for name in sorted(short) if f"`{name}`" not in table] == []


def test_every_profile_gives_energy_and_time_that_add_up(network, input_bias):
    made = network(4)
    mapping, bias = map_layout(partition(made, SearchOptions(limits=SMALL))), input_bias(made)
    for name in profile_names():
        profile = load_profile(name)
        emulator, clock = Emulator(mapping, 3), StepClock(mapping, 3, profile)
        activity = emulator.new_activity()
        for step in emulator.run(bias, STEPS, activity):
            clock.add(step)
        report = energy_report(mapping, activity, clock, profile)
        assert report.synapse_uj == pytest.approx(activity.operations.mean() * profile.synapse_pj * 1e-6)
        assert report.energy_uj == report.dynamic_uj + report.static_uj > report.dynamic_uj > 0
        assert report.static_uj == pytest.approx(
            profile.static_mw_per_chip * report.time_ms * (1 if profile.static_of_board else mapping.num_chips)
        )
    with pytest.raises(RegistryError, match="Did you mean 'davies2018'"):
        load_profile("davis2018")
