"""What every test runs under: quiet libraries, repeatable random examples."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# Before the first import of TensorFlow or matplotlib, here and in the processes that tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

# Derandomised: a change fails because of what it changed, not because of the day's seed. No deadline: the time of one
# example says nothing on a machine that does other things as well.
settings.register_profile("snntoolbox", derandomize=True, deadline=None)
settings.load_profile("snntoolbox")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return Path(__file__).parent.parent


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers, the same in every run."""
    return np.random.default_rng(0)
