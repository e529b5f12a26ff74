"""Frontends: a model file or object becomes a graph, channels-last from here on."""

from snntoolbox.frontends.base import Frontend, find_frontend, locate

__all__ = ["Frontend", "find_frontend", "locate"]
