"""Training of networks for conversion. Nothing here is imported before it is asked for: it needs Keras."""
