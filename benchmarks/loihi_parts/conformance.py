"""The contract of backends (`snntoolbox.testing.check_backend`): checks that pass, and deviations that are declared."""

from loihi_setup import say

from snntoolbox.backends.loihi.backend import LoihiBackend
from snntoolbox.testing import check_backend


def run(setup):
    """Check and print; a check that fails without being declared ends the run."""
    del setup
    conformance = check_backend(LoihiBackend)
    found = {"passed": list(conformance.passed), "declared": dict(conformance.deviations)}
    say("conformance", found)
    return found
