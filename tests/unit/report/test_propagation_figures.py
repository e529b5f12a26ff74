"""Figures of the propagation error and of early exit show what the results hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snntoolbox.analysis.early_exit import Exits
from snntoolbox.analysis.propagation import LayerError, Propagation, fit_growth
from snntoolbox.analysis.results import Results, RunInfo
from snntoolbox.report.figures import FIGURES, captions
from snntoolbox.report.material import Material
from snntoolbox.report.summary import facts


def layers(count):
    rng = np.random.default_rng(0)
    values = [0.01 * 1.2**depth for depth in range(1, count + 1)]
    return {
        f"layer{depth}": LayerError(depth, v, v, v / 2, v, 2 * v, 0.9, rng.normal(v, v / 3, (4, 4)))
        for depth, v in enumerate(values, 1)
    }


def material(propagation=None, exits=None):
    return Material(Results(RunInfo(), num_samples=10, num_steps=20, dt_ms=1.0, propagation=propagation, exits=exits))


def found(count):
    errors = layers(count)
    fit = fit_growth(range(1, count + 1), [one.abs_error for one in errors.values()])
    return Propagation(0.02, errors, fit, fit)


def test_both_errors_are_drawn_with_their_fit():
    shown = material(found(6))
    figure = FIGURES["propagation_error"].draw(shown)
    left, right = figure.axes
    assert [line.get_label() for line in left.lines][:3] == ["inherited", "own", "together"]
    assert "1.200" in left.lines[3].get_label()
    np.testing.assert_allclose(left.lines[2].get_ydata(), [one.abs_error for one in layers(6).values()])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [one.largest for one in layers(6).values()])
    assert "0.02" in captions.propagation(shown)


@pytest.mark.parametrize("propagation", [None, found(1)])
def test_nothing_is_drawn_without_depth(propagation):
    assert FIGURES["propagation_error"].draw(material(propagation)) is None


def test_two_layers_have_no_fit():
    figure = FIGURES["propagation_error"].draw(material(found(2)))
    assert len(figure.axes[0].lines) == 3


def test_curve_that_says_nothing_is_not_drawn():
    errors = {
        name: replace(one, abs_error=0.01 + 0.01 * (number % 2)) for number, (name, one) in enumerate(layers(6).items())
    }
    fit = fit_growth(range(1, 7), [one.abs_error for one in errors.values()])
    assert fit.adjusted_r_squared <= 0
    shown = material(Propagation(0.02, errors, fit, None))
    assert len(FIGURES["propagation_error"].draw(shown).axes[0].lines) == 3
    assert "not drawn" in captions.propagation(shown)
    assert "not drawn" not in captions.propagation(material(found(6)))


def test_early_exit_is_drawn_and_said():
    exits = Exits(0.9, 2, 0.5, 12.0, 20.0, 0.7, 0.8, 100.0, 400.0, np.linspace(0, 0.5, 20))
    shown = material(exits=exits)
    assert FIGURES["early_exit"].draw(shown) is not None
    assert FIGURES["early_exit"].draw(material()) is None
    assert "70.00" in captions.exits(shown) and "80.00" in captions.exits(shown)
    fact = next(one for one in facts(shown.results) if one.name == "Step of the decision")
    assert fact.value == "12.0 of 20"
    assert "25.0" in fact.note and "50.0" in fact.note
