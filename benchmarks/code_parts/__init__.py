"""Parts of ``benchmarks/codes.py``, one module each."""
