"""The example of a network made by hand runs, and classifies."""

from __future__ import annotations

from importlib import util

import numpy as np
import pytest


@pytest.fixture
def by_hand(repository):
    spec = util.spec_from_file_location("by_hand", repository / "examples" / "loihi" / "by_hand.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_trains_on_spikes_and_classifies(by_hand, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert by_hand.main(num_digits=300) > 0.7
    assert "cores on 1 chip" in capsys.readouterr().out and (tmp_path / "loihi_by_hand.npz").is_file()


def test_its_filters_are_whole_and_of_both_signs(by_hand):
    filters = by_hand.edge_filters()
    assert filters.shape == (5, 5, 1, 8) and np.all(filters == np.rint(filters)) and np.abs(filters).max() <= 255
    np.testing.assert_array_equal(filters[..., 0], -filters[..., 4])
