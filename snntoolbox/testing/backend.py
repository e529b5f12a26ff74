"""The contract of a backend as one function: `check_backend(MyBackend)`.

A third party calls it in its own tests, or parametrises over `backend_checks` for one test a check::

    @pytest.mark.parametrize("check", backend_checks())
    def test_contract(check):
        run_backend_check(MyBackend(), check)
"""

from __future__ import annotations

from dataclasses import dataclass

from snntoolbox.backends import Backend
from snntoolbox.errors import BackendUnavailableError, ConformanceError, SNNToolboxError
from snntoolbox.testing.backend_checks import CHECKS

__all__ = ["Conformance", "backend_checks", "check_backend", "run_backend_check"]


@dataclass(frozen=True)
class Conformance:
    """Result of all checks.

    Attributes:
        passed: Names of the checks that passed.
        deviations: Check -> declared reason why it is known to fail; it did fail.
        ties: Number of spike counts that differ from the reference through ties of float32.
    """

    passed: tuple[str, ...]
    deviations: dict[str, str]
    ties: int


def backend_checks() -> list[str]:
    """Return the names of all checks."""
    return list(CHECKS)


def run_backend_check(backend: Backend | type[Backend], name: str) -> int:
    """Run one check and return the number of ties.

    A deviation that the backend declares in its ``capabilities.deviations`` is strict: the check must fail then.

    Raises:
        ConformanceError: The check failed, or a declared deviation did not occur.
        BackendUnavailableError: The simulator is not installed.
    """
    backend = _instance(backend)
    reason = backend.capabilities.deviations.get(name)
    try:
        ties = CHECKS[name](backend)
    except SNNToolboxError as error:
        if reason is not None:
            return 0
        raise ConformanceError(f"backend '{backend.name}', check {name}: {error}") from error
    if reason is not None:
        raise ConformanceError(
            f"backend '{backend.name}', check {name}: it passed, but a deviation is declared ({reason}); "
            "remove it from capabilities.deviations"
        )
    return ties


def check_backend(backend: Backend | type[Backend]) -> Conformance:
    """Run every check of the contract.

    Args:
        backend: A backend, or its class (made with its default settings).

    Raises:
        ConformanceError: Checks failed; all are listed.
        BackendUnavailableError: The simulator is not installed.
    """
    backend = _instance(backend)
    unknown = set(backend.capabilities.deviations) - set(CHECKS)
    failures = [f"capabilities.deviations names an unknown check '{name}'" for name in sorted(unknown)]
    ties, passed = 0, []
    for name in CHECKS:
        try:
            ties += run_backend_check(backend, name)
        except ConformanceError as error:
            failures.append(str(error))
        else:
            passed.append(name)
    if failures:
        raise ConformanceError("\n".join([f"backend '{backend.name}' does not keep the contract:", *failures]))
    declared = dict(backend.capabilities.deviations)
    return Conformance(tuple(name for name in passed if name not in declared), declared, ties)


def _instance(backend: Backend | type[Backend]) -> Backend:
    kind = backend if isinstance(backend, type) else type(backend)
    reason = kind.why_unavailable()
    if reason is not None:
        raise BackendUnavailableError(f"backend '{kind.name}' cannot be used here: {reason}")
    return backend() if isinstance(backend, type) else backend
