"""TensorFlow without its notes on the processor, which it prints past Python's own streams while it is imported."""

from __future__ import annotations

import os
import sys

__all__ = ["import_tensorflow_quietly"]


def import_tensorflow_quietly() -> None:
    """Import TensorFlow, and let it look for devices, with the process's standard error closed.

    For programs whose output a person reads. An import that fails raises as always. With ``TF_CPP_MIN_LOG_LEVEL=0`` in
    the environment the user wants to see everything, and standard error stays open.
    """
    if "tensorflow" in sys.modules or os.environ.get("TF_CPP_MIN_LOG_LEVEL") == "0":
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
