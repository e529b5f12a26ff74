"""The rate code: options from settings, neurons, encoding, decoding."""

from __future__ import annotations

import math

import numpy as np
import pytest

from snntoolbox.codes import ConstantCurrent, PoissonSpikes
from snntoolbox.codes.rate import RateCode
from snntoolbox.config.load import load
from snntoolbox.neurons import Accumulator, IntegrateAndFire, SoftmaxNeuron


def test_settings_become_options() -> None:
    settings = load(
        None,
        {
            "cell.v_thresh": 2,
            "cell.reset": "Reset to zero",
            "cell.tau_refrac": 4,
            "cell.leak": True,
            "cell.tau_m": 10,
            "cell.initial_potential": 0.25,
            "simulation.dt": 2,
            "input.poisson_input": True,
            "input.input_rate": 100,
            "input.num_poisson_events_per_sample": 50,
            "conversion.output": "spikes",
        },
    )
    code = RateCode.from_settings(settings, peak=3.0)
    neuron = code.neuron()
    assert isinstance(neuron, IntegrateAndFire)
    assert (neuron.threshold, neuron.reset, neuron.refractory_steps) == (2, "zero", 2)
    assert neuron.leak_factor == pytest.approx(math.exp(-0.2))
    assert neuron.initial_potential == 0.5
    stimulus = code.encode(np.ones((1, 4)))
    assert isinstance(stimulus, PoissonSpikes)
    assert (stimulus.rate, stimulus.peak, stimulus.max_events) == (pytest.approx(0.2), 3.0, 50)
    assert isinstance(code.output_neuron(), IntegrateAndFire)


def test_defaults_are_constant_current_and_potentials() -> None:
    code = RateCode.from_settings(load(None))
    assert isinstance(code.encode(np.ones((1, 4))), ConstantCurrent)
    assert isinstance(code.output_neuron(), Accumulator)
    assert code == RateCode()


@pytest.mark.parametrize(("output", "trigger"), [("softmax_clock", "clock"), ("softmax_poisson", "poisson")])
def test_spiking_softmax(output: str, trigger: str) -> None:
    neuron = RateCode(output=output).output_neuron()  # type: ignore[arg-type]
    assert isinstance(neuron, SoftmaxNeuron)
    assert neuron.trigger == trigger


def test_decoding_is_the_mean_over_time() -> None:
    assert RateCode.decode(np.array([6.0, -3.0]), 3).tolist() == [2.0, -1.0]
