"""Calibration: the activations that samples cause, and the scales of the rectifiers that follow from them."""

from snntoolbox.calibration.cache import calibration_key, load_calibration, save_calibration
from snntoolbox.calibration.calibrate import Balancing, Method, calibrate
from snntoolbox.calibration.statistics import Calibration, LayerStatistics

__all__ = [
    "Balancing",
    "Calibration",
    "LayerStatistics",
    "Method",
    "calibrate",
    "calibration_key",
    "load_calibration",
    "save_calibration",
]
