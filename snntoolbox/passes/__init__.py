"""Passes: graph in, graph out, one file each. `snntoolbox.passes.pipeline` is the only place where their order is written."""
