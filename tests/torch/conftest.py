"""Tests that need PyTorch, which is an optional extra: they are collected where it is installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
