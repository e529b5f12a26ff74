"""A config of the original toolbox for its INI simulator runs unchanged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from snntoolbox.config.ini import read_ini
from snntoolbox.config.load import load
from snntoolbox.config.retired import RETIRED_OPTIONS, RETIRED_SECTIONS
from snntoolbox.config.settings import Settings

ORIGINAL = Path(__file__).with_name("original.ini")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shutil.copy(ORIGINAL, tmp_path)
    return load(tmp_path / ORIGINAL.name)


def test_its_values_keep_their_meaning(settings: Settings, tmp_path: Path):
    assert settings.simulation.simulator == "tensorflow"
    assert settings.simulation.num_steps == 200
    assert settings.simulation.batch_size == 100
    assert settings.simulation.sample_idxs_to_test == ()
    assert settings.conversion.spike_code == "rate"
    assert settings.conversion.maxpool_type == "fir_max"
    assert settings.cell.reset == "subtract"
    assert settings.parameter_sweep.param_values == ()
    assert settings.output.log_vars == {"activations_n_b_l", "spiketrains_n_b_l_t", "synaptic_operations_b_t"}
    assert settings.output.plot_vars == frozenset()
    assert settings.output.plotproperties["figure.figsize"] == (7, 6)
    assert settings.paths.dataset_path == tmp_path / "datasets" / "mnist"
    assert settings.paths.filename_ann == tmp_path / "98.96"
    assert settings.paths.filename_parsed_model == tmp_path / "98.96_parsed.h5"
    assert settings.paths.filename_snn == tmp_path / "snn_98.96.h5"
    assert settings.paths.log_dir_of_current_run == tmp_path / "log" / "01"


def test_what_is_gone_gives_one_warning_each(settings: Settings):
    known = {(e.section, e.option) for e in read_ini(ORIGINAL).entries}
    gone = {f"original.ini [{s}] {o}" for s, o in known if o in RETIRED_OPTIONS.get(s, {})}
    gone |= {f"original.ini [{s}]" for s in RETIRED_SECTIONS if s in {section for section, _ in known}}
    assert len(gone) == 31
    assert sorted(w.where for w in settings.warnings) == sorted(gone)
    assert all(w.hint for w in settings.warnings)


def test_options_that_this_version_added_take_their_defaults(settings: Settings):
    defaults = load()
    for section, option in [("normalization", "method"), ("conversion", "output"), ("cell", "initial_potential")]:
        assert settings.origin(section, option) == "default"
        assert getattr(getattr(settings, section), option) == getattr(getattr(defaults, section), option)
