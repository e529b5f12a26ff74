"""The contracts of the parts that a third party can add, as functions that check them."""

from snntoolbox.testing.backend import Conformance, backend_checks, check_backend, run_backend_check
from snntoolbox.testing.frontend import check_frontend
from snntoolbox.testing.passes import check_pass
from snntoolbox.testing.random_graphs import random_graph, random_samples

__all__ = [
    "Conformance",
    "backend_checks",
    "check_backend",
    "check_frontend",
    "check_pass",
    "random_graph",
    "random_samples",
    "run_backend_check",
]
