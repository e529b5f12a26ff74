"""Every registered backend keeps the contract, check by check; and the contract notices who does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snntoolbox.backends import Backend, Capabilities
from snntoolbox.backends.reference import ReferenceBackend, ReferenceSimulation
from snntoolbox.errors import ConformanceError
from snntoolbox.registry import BACKENDS
from snntoolbox.testing import backend_checks, check_backend, run_backend_check


def _with_mark(name: str) -> Any:
    """NEURON alone may be missing: it is compiled on every machine (scripts/neuron)."""
    missing = BACKENDS.load(name).why_unavailable() if name == "neuron" else None
    return pytest.param(name, marks=pytest.mark.skipif(missing is not None, reason=missing or ""))


@pytest.mark.parametrize("check", backend_checks())
@pytest.mark.parametrize("name", [_with_mark(name) for name in BACKENDS.names()])
def test_contract(name: str, check: str) -> None:
    run_backend_check(BACKENDS.load(name), check)


def test_the_reference_passes_without_ties() -> None:
    conformance = check_backend(ReferenceBackend)
    assert conformance.passed == tuple(backend_checks())
    assert conformance.ties == 0


class _Strict(ReferenceSimulation):
    """Fires above the threshold only, as simulators with ``>`` do."""

    def _fire(self, node: Any, model: Any, current: Any, *rest: Any) -> Any:
        return super()._fire(node, model, current - 1e-9, *rest)


class _Forgetful(ReferenceSimulation):
    """Forgets the state between runs."""

    def _run(self, *arguments: Any) -> Any:
        self.reset()
        return super()._run(*arguments)


class _Leaking(ReferenceSimulation):
    """Mixes the samples of a batch."""

    def _fire(self, node: Any, model: Any, current: Any, *rest: Any) -> Any:
        return super()._fire(node, model, current + 0.125 * np.roll(current, 1, axis=0), *rest)


def _backend(simulation: type[ReferenceSimulation], **deviations: str) -> Backend:
    class Faulty(ReferenceBackend):
        name = "faulty"
        capabilities = Capabilities(deviations=deviations)

        def _compile(self, graph: Any, **options: Any) -> Any:
            return simulation(graph, **options)

    return Faulty()


@pytest.mark.parametrize(
    ("simulation", "check"),
    [
        (_Strict, "equals_reference_exactly"),
        (_Forgetful, "reset_returns_to_fresh"),
        (_Leaking, "batch_elements_are_independent"),
    ],
)
def test_faults_are_found(simulation: type[ReferenceSimulation], check: str) -> None:
    with pytest.raises(ConformanceError, match=check):
        run_backend_check(_backend(simulation), check)
    with pytest.raises(ConformanceError, match=f"(?s)does not keep the contract.*{check}"):
        check_backend(_backend(simulation))


def test_declared_deviations_are_strict() -> None:
    forgetful = _backend(_Forgetful, reset_returns_to_fresh="the simulator cannot keep its state")
    assert run_backend_check(forgetful, "reset_returns_to_fresh") == 0
    assert "reset_returns_to_fresh" in check_backend(forgetful).deviations
    correct = _backend(ReferenceSimulation, neuron_options="none in truth")
    with pytest.raises(ConformanceError, match="it passed, but a deviation is declared"):
        run_backend_check(correct, "neuron_options")
    with pytest.raises(ConformanceError, match="unknown check 'speed'"):
        check_backend(_backend(ReferenceSimulation, speed="slow"))
