"""The plug-in keeps the contract of backends, and is found by its name once it is installed."""

import pytest
from snntoolbox_events import EventBackend

from snntoolbox.registry import BACKENDS
from snntoolbox.testing import backend_checks, run_backend_check


@pytest.mark.parametrize("check", backend_checks())
def test_contract(check):
    run_backend_check(EventBackend, check)


def test_it_is_found_by_its_name():
    assert BACKENDS.load("events") is EventBackend
