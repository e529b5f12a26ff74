"""Passes: graph in, graph out, one file each. Their order is written in `snntoolbox.passes.pipeline` alone."""
