"""Backends: the abstract interface, and a folder for each simulator."""

from snntoolbox.backends.base import Backend, Capabilities, Simulation
from snntoolbox.backends.record import Probes, Record

__all__ = ["Backend", "Capabilities", "Probes", "Record", "Simulation"]
