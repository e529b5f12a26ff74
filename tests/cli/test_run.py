"""The command line end to end, on a small project."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from snntoolbox.cli import main
from snntoolbox.ir import load_graph
from tests.cli.conftest import results


def test_a_run_writes_results_and_report(run, project: Path) -> None:
    numbers = results(run({"simulation.duration": 40}))
    assert numbers["num_samples"] == 12
    assert numbers["num_steps"] == 40
    assert numbers["accuracy"]["ann"] == numbers["accuracy"]["parsed"]
    assert abs(numbers["accuracy"]["snn"] - numbers["accuracy"]["ann"]) <= 1 / 12
    assert len(numbers["accuracy"]["snn_over_time"]) == 40
    assert set(numbers["spikes_per_layer"]) == {"relu", "hidden_relu"}
    assert numbers["operations"]["ann"] > 0
    assert numbers["operations"]["snn"] > 0
    html = (project / "log/test/report.html").read_text()
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert 'src="http' not in html


def test_leftover_samples_are_counted(run) -> None:
    assert results(run({"simulation.batch_size": 7, "simulation.num_to_test": 9}))["num_samples"] == 9


def test_batches_do_not_change_the_result(run) -> None:
    whole = results(run({"simulation.batch_size": 12}))
    parts = results(run({"simulation.batch_size": 5}))
    assert whole["accuracy"] == parts["accuracy"]
    assert whole["spikes_per_layer"] == parts["spikes_per_layer"]


def test_a_second_model_uses_its_own_scales(run, project: Path) -> None:
    import keras

    results(run())
    first = load_graph(project / "model_reference.h5")
    model = keras.models.load_model(project / "model.keras")
    layer = model.get_layer("conv")
    layer.set_weights([w * 7 for w in layer.get_weights()])
    model.get_layer("bn").set_weights([w * 3 for w in model.get_layer("bn").get_weights()])
    model.save(project / "model.keras")
    again = results(run({"simulation.duration": 40}))
    second = load_graph(project / "model_reference.h5")
    assert not np.allclose(first["hidden"].op.weight, second["hidden"].op.weight)
    assert max(again["rates"].values()) <= 1
    assert again["accuracy"]["snn"] >= again["accuracy"]["ann"] - 1 / 12


def test_stages_can_stop_and_resume(run, project: Path) -> None:
    full = results(run())
    converted = run({"tools.simulate": False, "paths.runlabel": "first"})
    assert results(converted, "log/first/results.json")["num_steps"] == 0
    resumed = run({"tools.parse": False, "tools.convert": False, "paths.runlabel": "second"})
    assert results(resumed, "log/second/results.json")["accuracy"]["snn"] == full["accuracy"]["snn"]
    assert results(resumed, "log/second/results.json")["spikes_per_layer"] == full["spikes_per_layer"]
    assert results(resumed, "log/second/results.json")["correlation"] == full["correlation"]


def test_an_error_leaves_the_earlier_run_alone(run, project: Path) -> None:
    before = run()["files"]
    (project / "y_test.npz").write_bytes(b"no archive")
    failed = run()
    assert failed["status"] == 1
    assert "y_test.npz" in failed["err"]
    after = {name: value for name, value in failed["files"].items() if name.startswith("log/test")}
    assert after == {name: value for name, value in before.items() if name.startswith("log/test")}


def test_all_mistakes_of_a_config_are_listed(run) -> None:
    observed = run({"simulation.durration": 5, "cell.v_thresh": -1, "simulation.simulator": "tensorflou"})
    assert observed["status"] == 1
    for part in ("Did you mean 'duration'", "v_thresh", "Did you mean 'tensorflow'"):
        assert part in observed["err"]


def test_overwrite_off_refuses_an_existing_run(run) -> None:
    run()
    observed = run({"output.overwrite": False})
    assert observed["status"] == 1
    assert "overwrite" in observed["err"]


def test_a_terminated_run_leaves_nothing(project: Path, repository: Path) -> None:
    config = str(project / "config.ini")
    command = [sys.executable, "-m", "snntoolbox.cli", config, "--set", "simulation.duration=1000000"]
    process = subprocess.Popen(command, cwd=repository, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not list(project.glob("log/.test.draft-*")):
        time.sleep(0.05)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "terminated; nothing was written" in said
    assert {path.name for path in (project / "log").iterdir()} <= {"calibration"}


def test_a_sweep_really_sweeps(run, project: Path) -> None:
    sweep = {"parameter_sweep.param_values": "0.25, 1, 20", "parameter_sweep.param_name": "v_thresh"}
    observed = run(sweep)
    assert observed["status"] == 0, observed["err"]
    spikes = [
        sum(results(observed, f"log/test/v_thresh={value}/results.json")["spikes_per_layer"].values())
        for value in ("0.25", "1", "20")
    ]
    assert spikes[0] > spikes[1] > spikes[2]
    rows = (project / "log/test/sweep/sweep.csv").read_text().splitlines()
    assert len(rows) == 4
    assert len({row.split(",")[-1] for row in rows[1:]}) == 3


def test_a_sweep_over_codes_shows_them_in_one_figure(run, project: Path) -> None:
    observed = run(
        {
            "parameter_sweep.spike_codes": "rate",
            "parameter_sweep.code_options": "{'rate': {'simulation.duration': 5}}",
            "parameter_sweep.param_values": "0.5, 1",
        }
    )
    assert observed["status"] == 0, observed["err"]
    folder = project / "log/test/sweep"
    rows = [line.split(",") for line in (folder / "sweep.csv").read_text().splitlines()]
    assert rows[0][:2] == ["spike_code", "cell.v_thresh"]
    assert [row[:2] for row in rows[1:]] == [["rate", "0.5"], ["rate", "1.0"]]
    assert {row[rows[0].index("num_steps")] for row in rows[1:]} == {"5"}
    assert (folder / "figures/spike_codes.png").stat().st_size > 10_000
    assert "<h2>Sweep</h2>" in (folder / "report.html").read_text()
    assert (project / "log/test/spike_code=rate,v_thresh=0.5/results.json").is_file()


def test_an_option_that_means_nothing_to_a_code_is_not_swept(run, project: Path) -> None:
    swept = {"parameter_sweep.param_name": "conversion.maxpool_type", "parameter_sweep.param_values": "1"}
    assert run(swept)["status"] == 1
    observed = run(
        {
            "parameter_sweep.spike_codes": "rate",
            "parameter_sweep.param_name": "cell.tau_m",  # without a leak
            "parameter_sweep.param_values": "5, 10",
        }
    )
    assert observed["status"] == 0, observed["err"]
    rows = (project / "log/test/sweep/sweep.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["spike_code", "rate"] and "tau_m" not in rows[0]


def test_options_of_a_code_are_checked_before_anything_runs(run, project: Path) -> None:
    code = {"parameter_sweep.spike_codes": "rate"}
    observed = run({**code, "parameter_sweep.code_options": "{'rate': {'simulation.duration': -4}}"})
    assert observed["status"] == 1 and "spike_code=rate" in observed["err"] and "duration" in observed["err"]
    assert not (project / "log").exists()
    observed = run({**code, "parameter_sweep.code_options": "{'rat': {}}"})
    assert observed["status"] == 1 and "codes that are not swept: rat" in observed["err"]


def test_energies_and_entropy_codes_are_reported(run, project: Path) -> None:
    observed = run({"cost.profiles": "all", "cost.entropy_codes": True, "cost.entropy_bits": 5})
    found = results(observed, "log/test/results.json")
    counts, energy = found["operations"]["snn_counts"], found["energy"]["float32_45nm"]
    assert energy["snn"] == pytest.approx(0.9 * counts["synaptic_add"] + 4.6 * counts["mac"])
    assert set(found["energy"]) >= {"loihi", "relative_adder", "fpga_and_rolls"}
    assert found["coding"]["bits"] == 5 and found["coding"]["codes"]["huffman"]["divergence"] >= 0
    assert (project / "log/test/figures/entropy_codes.png").is_file()
    page = (project / "log/test/report.html").read_text()
    assert "Cost of a sample" in page and "relative_adder" in page


def test_entropy_codes_need_no_simulation(run) -> None:
    observed = run({"cost.entropy_codes": True, "tools.simulate": False})
    assert results(observed, "log/test/results.json")["coding"]["entropy"] > 0


def test_maps_of_one_sample_leave_clamped_steps_out(run, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr("snntoolbox.pipeline.reporting.write_run", lambda folder, material, *_: seen.append(material))
    run({"output.plot_vars": "spikerates", "cell.clamp_delay": 1, "simulation.duration": 6})
    (sample,) = [material.sample for material in seen]
    first, second = list(sample.rates)[:2]
    counts = {name: sample.record.spike_counts[name][0] for name in (first, second)}
    assert counts[second].any()
    np.testing.assert_allclose(sample.rates[first], counts[first] / 6, rtol=1e-6)
    np.testing.assert_allclose(sample.rates[second], counts[second] / 5, rtol=1e-6)


def test_an_unknown_cost_profile_stops_before_anything_runs(run, project: Path) -> None:
    observed = run({"cost.profiles": "loihu"})
    assert observed["status"] == 1 and "Did you mean 'loihi'" in observed["err"]
    assert not (project / "log/test").exists()


def test_check_says_that_all_fits(project: Path, capsys) -> None:
    assert main([str(project / "config.ini"), "--check"]) == 0
    out = capsys.readouterr().out
    assert "conv" in out
    assert "fit each other" in out
    assert not (project / "log").exists()


def test_check_warns_of_what_will_hurt(project: Path, capsys) -> None:
    import keras

    model = keras.models.load_model(project / "model.keras")
    hidden = model.get_layer("hidden")
    kernel, bias = hidden.get_weights()
    hidden.set_weights([kernel, bias - 1000 * np.arange(8, dtype=np.float32)])
    model.save(project / "model.keras")
    assert main([str(project / "config.ini"), "--check", "--set", "simulation.duration=5"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "worth a look" in out
    assert "node 'hidden' (Dense): biases of" in out
    assert "2 layers of neurons follow one another, but only 5 steps" in out


def test_check_counts_neurons(project: Path, capsys) -> None:
    assert main([str(project / "config.ini"), "--check"]) == 0
    rows = {cells[0]: cells[4] for cells in _rows(capsys.readouterr().out)}
    assert rows["hidden_relu"] == "8" and rows["hidden"] == ""
    assert rows["relu"] == "144"
    assert rows["classes"] == "3"  # the softmax behind it is no layer of neurons
    assert rows["10 nodes"] == str(144 + 8 + 3)


def _rows(out: str) -> list[list[str]]:
    """The cells of a printed table."""
    lines = [line.strip() for line in out.splitlines()]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


def test_check_shows_what_could_be_read_and_lists_all_that_cannot_be_converted(project: Path, capsys) -> None:
    import keras
    from keras import layers

    x = keras.Input((8, 8, 1))
    y = layers.Conv2D(2, 3, activation="silu", name="first")(x)
    y = layers.LayerNormalization(name="norm")(y)
    y = layers.Conv2D(2, 3, activation="tanh", name="second")(y)
    keras.Model(x, layers.Dense(3, activation="softmax", name="out")(layers.Flatten()(y))).save(project / "model.keras")
    assert main([str(project / "config.ini"), "--check"]) == 1
    out = capsys.readouterr().out
    assert {"norm": "refused", "second": "Conv"}.items() <= {cells[0]: cells[1] for cells in _rows(out)}.items()
    words = " ".join(out.split())
    for where in ("layer 'norm' (LayerNormalization)", "node 'first_silu'", "node 'second_tanh'"):
        assert where in words
    assert "softmax" not in words.partition("cannot run")[2]


def test_check_without_data_still_says_what_cannot_be_converted(project: Path, capsys) -> None:
    import keras
    from keras import layers

    network = [layers.Flatten(), layers.Dense(4, activation="tanh", name="hidden"), layers.Dense(3)]
    keras.Sequential([keras.Input((8, 8, 1)), *network]).save(project / "model.keras")
    assert main([str(project / "config.ini"), "--check", "--set", "paths.dataset_path=nowhere"]) == 1
    words = " ".join(capsys.readouterr().out.split())
    assert "no such file" in words and "node 'hidden_tanh'" in words


def test_outputs_that_are_left_out_are_named(project: Path, run, capsys) -> None:
    import keras
    from keras import layers

    x = keras.Input((8, 8, 1))
    y = layers.Flatten()(x)
    outputs = [layers.Dense(3, name="classes")(y), layers.Dense(4, name="box")(y)]
    keras.Model(x, outputs).save(project / "model.keras")
    assert main([str(project / "config.ini"), "--check"]) == 0
    said = "network: has 2 outputs; results are those of the first, 'classes', not of box."
    assert said in " ".join(capsys.readouterr().out.split())
    assert said in " ".join(run({"output.verbose": 1})["err"].split())


def test_check_lists_every_problem(project: Path, capsys) -> None:
    import keras
    from keras import layers

    x = keras.Input((8, 8, 1))
    y = layers.Conv3D(2, 1)(layers.Reshape((8, 8, 1, 1))(x))
    y = layers.LSTM(3, name="memory")(layers.Reshape((64, 2))(y))
    keras.Model(x, layers.Dense(3)(y)).save(project / "model.keras")
    np.savez(project / "y_test.npz", np.zeros(5))
    assert main([str(project / "config.ini"), "--check"]) == 1
    assert "memory" in capsys.readouterr().out


def test_show_config_names_origins(project: Path, capsys) -> None:
    assert main([str(project / "config.ini"), "--show-config", "--set", "simulation.seed=3"]) == 0
    out = capsys.readouterr().out
    assert "override" in out
    assert "config.ini:" in out.replace("\n", "")


def test_list_names_every_part(capsys) -> None:
    assert main(["--list"]) == 0
    out = capsys.readouterr().out
    for name in ("keras", "rate", "INI", "reference", "fold_batch_norm"):
        assert name in out


def test_wrong_arguments_end_with_status_two(project: Path, capsys) -> None:
    for arguments in ([], [str(project / "config.ini"), "--set", "nonsense"]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
    assert "SECTION.OPTION=VALUE" in capsys.readouterr().err


def test_a_missing_config_is_named(tmp_path: Path, capsys) -> None:
    assert main(["-t", str(tmp_path / "none.ini")]) == 1
    assert "none.ini" in capsys.readouterr().err


def test_run_from_python_returns_results(project: Path) -> None:
    import snntoolbox

    found = snntoolbox.run(project / "config.ini", {"output.verbose": 0})
    written = json.loads((project / "log/test/results.json").read_text())
    assert found.accuracy.snn == written["accuracy"]["snn"]
    assert found.num_samples == 12
