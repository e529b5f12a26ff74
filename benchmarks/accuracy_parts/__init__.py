"""Parts of ``benchmarks/accuracy.py``, one module each."""
